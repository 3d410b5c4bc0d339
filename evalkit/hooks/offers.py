"""What a plug-in offers by one hook: its entries, and what each kind must have."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final, Generic, TypeVar, cast

from evalkit.errors import EvalkitError, PluginError
from evalkit.hooks.loader import Provenance

T = TypeVar("T")

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "evalkit_scorers": ("facts",),
    "evalkit_judges": ("facts",),
    "evalkit_datasets": ("extensions", "schemes", "accepts", "read"),
    "evalkit_reports": ("extensions", "write"),
    "evalkit_commands": (),
}
"""What each thing that a hook lists must have beside its name; other hooks map names to makers."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "extensions": (re.compile(r"\.[^A-Z]+|[^A-Z]*\*[^A-Z]*"), "['.log']"),
    "schemes": (_SCHEME, "['hf']"),
}
"""Texts of another form would be compared with names of files and addresses, and never fit."""


@dataclasses.dataclass(frozen=True)
class Entry(Generic[T]):
    """One thing in the catalog and where it comes from."""

    name: str
    make: Callable[[], T]
    provenance: Provenance

    @functools.cached_property
    def item(self) -> T:
        """The thing itself, made when it is first asked for.

        Raises:
            PluginError: If the plug-in cannot make it, or if two strangers offer the name.
        """
        with self.blamed(f"make {self.name!r}"):
            return self.make()

    @property
    def origin(self) -> str:
        """Plug-in and distribution in words."""
        return f"{self.provenance.plugin} of {self.provenance}"

    @contextmanager
    def blamed(self, act: str) -> Generator[None]:
        """Name the plug-in where a stranger's code raises what is no error of evalkit.

        Raises:
            PluginError: Instead of what was raised; says what it cannot do: *act*.
        """
        with nullcontext() if self.provenance.ours else blamed(f"Plug-in {self.origin}", act):
            yield


@contextmanager
def blamed(who: str, act: str) -> Generator[None]:
    """Say that *who* cannot *act* where a stranger's code raises what is no error of evalkit.

    Raises:
        PluginError: Instead of what was raised.
    """
    try:
        yield
    except EvalkitError:
        raise
    except Exception as error:
        raise PluginError(f"{who} cannot {act}: {type(error).__name__}: {error}") from error


def entries_of(offered: Any, hook: str, origin: Provenance) -> Iterator[Entry[Any]]:
    """Yield what is offered; what has a maker is made, and checked, when it is asked for.

    Raises:
        TypeError: If it is not what the hook returns.
    """
    if isinstance(offered, Mapping):
        for name, make in offered.items():
            if not callable(make):
                raise TypeError(f"{name!r} has no __call__")
            if hook == "evalkit_targets" and not _SCHEME.fullmatch(_text(name)):
                raise TypeError(f"{name!r} is no scheme such as 'hf'")
            made = functools.partial(_made if hook in _NEEDS else _itself, make, name, hook)
            yield Entry(_text(name), made, origin)
        return
    if hook not in _NEEDS:
        raise TypeError(f"{type(offered).__name__} is no mapping of names to makers")
    if isinstance(offered, str) or not isinstance(offered, Iterable):
        raise TypeError(f"{type(offered).__name__} is no list")
    for item in offered:
        yield Entry(checked(item, hook).name, functools.partial(_itself, item), origin)


def _text(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name {name!r} is no text")
    return name


def checked(item: T, hook: str) -> T:
    """Return *item*, or refuse what lacks something that every other of its kind has."""
    if isinstance(item, type):
        raise TypeError(f"{item.__name__} is a class; offer an object of it")
    name = _text(cast("Any", item).name)
    # The class is asked first: a property such as a judge's facts may have to read files.
    lacks = [x for x in _NEEDS[hook] if not hasattr(type(item), x) and not hasattr(item, x)]
    if lacks:
        raise TypeError(f"{name!r} has no {', '.join(lacks)}")
    for attribute in _FORMS.keys() & _NEEDS[hook]:
        words: Any = getattr(item, attribute)
        form, example = _FORMS[attribute]
        if isinstance(words, str) or not all(map(form.fullmatch, words)):
            raise TypeError(f"{name!r} has {attribute} {words!r}, no list such as {example}")
    return item


def _made(make: Callable[[], Any], name: str, hook: str) -> Any:
    item = checked(make(), hook)
    if item.name != name:
        raise TypeError(f"{name!r} is called {item.name!r}")
    return item


def _itself(item: T, *_: str) -> T:
    return item
