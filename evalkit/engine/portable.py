"""What another process can have of a target and its scorers: that which pickles by its name."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import sys
import types
from collections.abc import Iterable
from typing import Any

from evalkit.errors import UsageError


def check_portable(things: Iterable[Any]) -> None:
    """Refuse a target or scorers that another process could not have.

    Raises:
        UsageError: Naming the first that does not pickle, or lives in a notebook; or if this is a
            worker that runs its program anew.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError(
            "backend='processes' runs the script once more in each worker: call evaluate under "
            "if __name__ == '__main__':"
        )
    for thing in things:
        try:
            _Pickler(io.BytesIO()).dump(thing)
        except Exception as error:
            name = getattr(thing, "name", None) or thing.identity.name
            raise UsageError(
                f"{name!r} cannot be sent to another process ({error}): define it in a module, "
                "by its own name, or run with backend='local'."
            ) from error


class _Pickler(pickle.Pickler):
    """Refuses what only a notebook or prompt has: it pickles by name, and is not found again."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, (types.FunctionType, type)) and obj.__module__ == "__main__":
            main = sys.modules["__main__"]
            if getattr(main, "__file__", None) is None and getattr(main, "__spec__", None) is None:
                raise pickle.PicklingError(f"{obj.__qualname__} lives in a notebook or prompt")
        return NotImplemented
