"""The garbage collector beside large libraries, which bring hundreds of thousands of objects."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Generator
from typing import Final

_LOCK: Final = threading.Lock()
_INSIDE = [0]
_IMPORTING = [0]


@contextlib.contextmanager
def without_old_objects() -> Generator[None]:
    """Leave the objects that exist now out of the collector's rounds while the block runs.

    pandas, PyArrow and SQLAlchemy bring hundreds of thousands of objects, and a round through all
    of them stops every call in flight for a tenth of a second or more.  New objects are collected
    as ever.  Nothing is done where the process has frozen objects by itself, or has no collector.

    Examples:
        >>> with without_old_objects():
        ...     gc.get_freeze_count() > 0
        True
        >>> gc.get_freeze_count()
        0
    """
    with _LOCK:
        ours = _INSIDE[0] > 0 or (gc.isenabled() and not gc.get_freeze_count())
        if ours and _INSIDE[0] == 0:
            gc.freeze()
        _INSIDE[0] += ours
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE[0] -= ours
            if ours and _INSIDE[0] == 0:
                gc.unfreeze()


@contextlib.contextmanager
def without_collecting() -> Generator[None]:
    """Let the collector rest while the block imports: next to nothing of a library is garbage.

    Rounds through what is being imported take about a tenth of the time that the imports take.
    Afterwards all that there is counts as old, so that no round through it follows either.

    Examples:
        >>> with without_collecting():
        ...     gc.isenabled()
        False
    """
    with _LOCK:
        ours = gc.isenabled() or _IMPORTING[0] > 0
        _IMPORTING[0] += ours
        if ours:
            gc.disable()
    try:
        yield
    finally:
        with _LOCK:
            _IMPORTING[0] -= ours
            if ours and not _IMPORTING[0]:
                if not gc.get_freeze_count():
                    gc.freeze()
                    gc.unfreeze()
                gc.enable()
