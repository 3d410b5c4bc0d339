"""Which recordings answer, and where new ones go: the four modes, and keeping."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.clock import now_milliseconds
from evalkit.errors import NotRecordedError
from evalkit.llm.mode import Mode
from evalkit.llm.recording import SUBJECTS, Recording, masked_recording

if TYPE_CHECKING:
    from evalkit.llm.cache import Cache
    from evalkit.llm.recordings import RecordingFolder

_COMMIT: Final = re.compile(r"[0-9a-f]{40}\b")
_log = logging.getLogger("evalkit")


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Answers from recordings, and makes them, as the mode says."""

    mode: Mode = "none"
    """``auto`` answers from recordings and records the rest, ``replay`` answers from recordings
    alone, ``live`` records everything anew, ``none`` does neither."""

    places: Sequence[Cache | RecordingFolder] = ()
    """Where recordings are looked for, in order; each gets the new ones."""

    since: int = 0
    """Recordings from this moment on are the run's own, in milliseconds."""

    broken: dict[str, str] = field(default_factory=dict[str, str])
    """Places that could not be written, with the reason."""

    missing: list[NotRecordedError] = field(default_factory=list[NotRecordedError])
    """Calls that only a recording may answer, and none does."""

    http: bool = False
    """Whether it is HTTP that is recorded of an application's own code, instead of outputs."""

    replayed: dict[str, list[int | None]] = field(default_factory=dict[str, list[int | None]])
    """When what has answered was recorded, in milliseconds, by kind: ``output, http, call``."""

    def note_replay(self, kind: str, reply: Mapping[str, Any]) -> None:
        """Note that a recorded *reply* has answered, unless the run itself has recorded it."""
        recorded = reply.get("recorded")
        if recorded is None or recorded < self.since:
            self.replayed.setdefault(kind, []).append(recorded)

    forgives: bool = False
    """Whether what is missing fails its case alone, where other cases have all they need."""

    def miss(self, error: NotRecordedError) -> str | None:
        """Note a missing call, and return why its case fails, if that may fail alone."""
        self.missing.append(error)
        return f"{error.what} is not recorded: {error.cause}" if self.forgives else None

    def check_complete(self, cases: Sequence[str] = ()) -> None:
        """Refuse to go on where calls are missing: all of them are named together, in order.

        Args:
            cases: Ids of all cases.

        Raises:
            NotRecordedError: If there are any, of every case where each may fail alone.
        """
        places = {case: place for place, case in enumerate(cases)}
        self.missing.sort(key=lambda error: places.get(error.case or "", -1))
        lost = {error.case for error in self.missing}
        if lost and not (self.forgives and len(lost) < len(cases)):
            raise self.missing[0].of_all(self.missing)

    @property
    def on(self) -> bool:
        """Whether anything is recorded or replayed."""
        return self.mode != "none"

    def find(self, recording: Recording) -> Any:
        """Return the recorded reply, or ``None``.

        Raises:
            NotRecordedError: In mode ``replay``, if there is none.
        """
        if not self.on:
            return None
        since = self.since if self.mode == "live" else 0
        for number, place in enumerate(self.places):
            reply = place.get(recording.key, since=since)
            if reply is not None:
                if self.mode != "replay":
                    for earlier in self.places[:number]:
                        with self._forgiven(earlier):
                            earlier.put(recording, reply)
                return reply
        if self.mode == "replay":
            raise NotRecordedError(f"This call of {recording.label}", self._why(recording))
        return None

    def keep(self, recording: Recording, reply: Mapping[str, Any]) -> None:
        """Record *reply*."""
        self.keep_all([(recording, reply)])

    def keep_all(self, kept: Sequence[tuple[Recording, Mapping[str, Any]]]) -> None:
        """Record several replies; a disk that fills costs the recordings, not the replies."""
        if self.on and self.mode != "replay":
            moment = {"recorded": now_milliseconds()}
            kept = [(masked_recording(call), {**reply, **moment}) for call, reply in kept]
            for place in self.places:
                with self._forgiven(place):
                    place.put_all(kept)

    @contextlib.contextmanager
    def _forgiven(self, place: Cache | RecordingFolder) -> Generator[None]:
        """Go on where *place* cannot be written: what was paid for counts all the same."""
        try:
            yield
        except OSError as error:
            if place.place not in self.broken:
                self.broken[place.place] = str(error)
                _log.warning("Nothing more can be recorded in %s: %s.", place.place, error)

    def _why(self, recording: Recording) -> str:
        if not self.places:
            return "there are no recordings, since neither a store nor recordings= is given"
        listed = " and ".join(place.place for place in self.places)
        near = [
            recording.differences(question)
            for place in self.places
            for question in place.asked_of(recording.subject)
        ]
        if not near:
            about = next(name for name in SUBJECTS if name in recording.asked)
            return f"no recording in {listed} has th{'is' if about == 'request' else 'ese'} {about}"
        fewest = min(len(names) for names in near)
        differing = " and ".join(next(names for names in near if len(names) == fewest))
        why = f"the nearest recording in {listed} has another {differing}"
        if differing == "version" and _COMMIT.match(str(recording.asked["version"])):
            why += " (a commit cannot hold its own recordings, version='files:…' can)"
        return why

    def close(self) -> None:
        """Close every place."""
        for place in self.places:
            with self._forgiven(place):
                place.close()


_Kept = list[tuple[Recording, Mapping[str, Any]]]


class Keeper:
    """Hands replies to a recorder, those of one turn of the event loop in one transaction.

    Many answers come in at a time; a transaction for each would cost more than reading them.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Keep nothing yet."""
        self._recorder = recorder
        self._turns: dict[asyncio.AbstractEventLoop, tuple[_Kept, asyncio.Future[None]]] = {}
        """What came in one turn of each loop, and what ends once it is written."""

    async def keep(self, recording: Recording, reply: Mapping[str, Any]) -> None:
        """Return once *reply* is recorded; who is cancelled while waiting has it recorded too."""
        loop = asyncio.get_running_loop()
        turn = self._turns.get(loop)
        if turn is None:
            turn = self._turns[loop] = [], loop.create_future()
            loop.call_soon(self._write, loop)
        kept, written = turn
        kept.append((recording, reply))
        await asyncio.shield(written)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        kept, written = self._turns.pop(loop)
        try:
            self._recorder.keep_all(kept)
        except Exception as error:  # noqa: BLE001  raised again in each task that waits
            written.set_exception(error)
        else:
            written.set_result(None)
