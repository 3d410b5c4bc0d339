"""The handle by which a run is asked to end."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancel:
    """Asks for an end, from any thread; what is in flight is finished and kept.

    Examples:
        >>> cancel = Cancel()
        >>> cancel.stop("budget")
        >>> cancel.stop("interrupted")
        >>> cancel.stop("decided")
        >>> cancel.is_set, cancel.reason
        (True, 'interrupted')
    """

    def __init__(self, on_stop: Callable[[str, str | None], None] | None = None) -> None:
        """Ask for nothing yet; *on_stop* is called with each reason that is given."""
        self._event = threading.Event()
        self._on_stop = on_stop
        self.reason: str | None = None
        """``interrupted``, ``budget``, ``outage`` or ``decided`` once no new call is to start."""

        self.why: str | None = None
        """What a reader should know of the reason."""

    @property
    def is_set(self) -> bool:
        """Whether no new call is to start."""
        return self._event.is_set()

    @property
    def interrupted(self) -> bool:
        """Whether someone wants an end now; else what was called is still scored."""
        return self.reason == "interrupted"

    def stop(self, reason: str = "interrupted", why: str | None = None) -> None:
        """Start nothing new.  The first reason counts, but who wants an end gets it."""
        if self.reason is None or reason == "interrupted":
            self.reason, self.why = reason, why
        self._event.set()
        if self._on_stop is not None:
            self._on_stop(reason, why)
