"""Finding ``module.path:name`` from the current directory."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from evalkit.errors import UsageError, near_miss


def located(path: str) -> Any:
    """Return what ``module.path:name`` names; modules of the current directory are found too.

    Raises:
        UsageError: If there is no such module or name, or the module fails to import.

    Examples:
        >>> located("math:sqrt")(9.0)
        3.0
    """
    module_name, _, name = path.partition(":")
    found: Any = _imported(module_name, path)
    for step in name.split("."):
        if not hasattr(found, step):
            offered = [known for known in vars(found) if not known.startswith("_")]
            where = getattr(found, "__file__", None) or module_name
            raise UsageError(f"{path!r}: {where} has no {step!r}.{near_miss(step, offered)}")
        found = getattr(found, step)
    return found


def _imported(module_name: str, path: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise UsageError(_broken(module_name, error)) from error
        files = [file.stem for file in Path(here).glob("*.py")]
        raise UsageError(
            f"{path!r}: there is no module {error.name!r}, in {here} or installed."
            f"{near_miss(module_name, files)} A model's name has its provider before it: "
            "'ollama/…', 'openai/…'."
        ) from None
    except Exception as error:
        raise UsageError(_broken(module_name, error)) from error


def _broken(module_name: str, error: Exception) -> str:
    return f"Importing {module_name!r} failed: {type(error).__name__}: {error}"
