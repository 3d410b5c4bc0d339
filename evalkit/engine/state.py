"""What a run has gathered so far, in memory, whichever process gathered it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import monotonic
from evalkit.engine.call import NOT_MADE, Call
from evalkit.engine.codec import decode_columns, encode_columns
from evalkit.engine.journal import BATCH, CALL, CELL, USAGE, Journal, read_journal
from evalkit.engine.verdicts import Cells
from evalkit.entities.score import Score, Status
from evalkit.llm.usage import Charge, Ledger, Spent
from evalkit.scoring.column import ScoreColumn

Columns = Mapping[str, ScoreColumn]


@dataclass(slots=True)
class RunState:
    """Finished calls and scores, and the journal that keeps them.

    Everything that is recorded goes to the journal first; what `restore` reads back is exactly
    what had been recorded when the earlier process ended.
    """

    journal: Journal | None = None
    calls: dict[int, Call] = field(default_factory=dict[int, Call])
    """Finished calls by cell, until their shard is scored."""

    failures: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Cells whose call failed, with reason and explanation."""

    scored: dict[tuple[int, int], Columns] = field(default_factory=dict[tuple[int, int], Columns])
    """Finished batches by shard and place of the scorer."""

    cells: dict[tuple[int, str], Cells] = field(default_factory=dict[tuple[int, str], Cells])
    """Finished cells of asynchronous scorers by place of the scorer, and case id and repeat."""

    finished: int = 0
    """Calls of the target that ended in this process."""

    finished_before: int = 0
    """Calls of the target that had ended before."""

    ledger: Ledger = field(default_factory=Ledger)
    """What calls have cost by role, in this process and earlier ones."""

    started: float = field(default_factory=monotonic)
    stopping: threading.Event = field(default_factory=threading.Event)
    stop_reason: str | None = None
    """``interrupted`` or ``budget`` once no new call is to start."""

    notes: list[str] = field(default_factory=list[str])
    on_call: Callable[[RunState], None] | None = None
    on_batch: Callable[[RunState], None] | None = None

    def stop(self, reason: str) -> None:
        """Start nothing new; what is in flight is finished and kept."""
        if self.stop_reason is None or reason == "interrupted":  # who wants an end gets it
            self.stop_reason = reason
        self.stopping.set()

    def record_call(self, cell: int, call: Call, *, metered: bool = False) -> None:
        """Keep a finished call, as it will be read back: what JSON cannot hold is a failure.

        One that is *metered* has been counted by the model session that it went through.
        """
        call, written = _as_written(cell, call)
        if not metered:
            self._charge(call)
            written = _UNMETERED + written[1:]
        if self.journal is not None:
            self.journal.append(CALL, written)
        self._take_in(cell, call)
        self.finished += 1
        if self.on_call is not None:
            self.on_call(self)

    def _charge(self, call: Call) -> None:
        """Count a call of a target of the user's own; one that was never made costs nothing."""
        if call.reason != NOT_MADE:
            charge = Charge(
                cached=call.cached,
                failed=call.status is not Status.OK,
                tokens=call.usage,
                cost=call.cost,
            )
            self.ledger.restore("target", charge)

    def _take_in(self, cell: int, call: Call) -> None:
        self.calls[cell] = call
        if call.status is Status.FAILED and call.reason != "skipped":
            self.failures[cell] = call.reason or "target_error", call.explanation or ""

    def record_charge(self, role: str, charge: Charge) -> None:
        """Keep what a call through the model session has cost; what was cached cost nothing."""
        if self.journal is not None and not charge.cached:
            fields = {
                "role": role,
                "failed": charge.failed,
                "tokens": charge.tokens,
                "cost": charge.cost,
            }
            self.journal.append(USAGE, canonical_json(fields))

    def record_spent(self, role: str, spent: Spent) -> None:
        """Keep what was spent on this work before, in another run."""
        self.ledger.merge(role, spent)
        if self.journal is not None:
            fields = {"role": role, "spent": dataclasses.asdict(spent)}
            self.journal.append(USAGE, canonical_json(fields))

    def record_batch(self, shard: int, place: int, columns: Columns, *, whole: bool) -> None:
        """Keep a scored batch; one that is not *whole* is for this process's result only."""
        if self.journal is not None and whole:
            header = shard.to_bytes(4, "little") + place.to_bytes(2, "little")
            self.journal.append(BATCH, header + encode_columns(columns))
        self.scored[shard, place] = columns
        if self.on_batch is not None:
            self.on_batch(self)

    def record_cell(self, place: int, cell: str, cells: Cells) -> None:
        """Keep one cell of an asynchronous scorer."""
        if self.journal is not None:
            written = {key: _score_fields(score) for key, score in cells.items()}
            self.journal.append(
                CELL, canonical_json({"scorer": place, "cell": cell, "scores": written})
            )
        self.cells[place, cell] = cells

    def restore(self, path: Path) -> None:
        """Take in what an earlier process recorded in *path*."""
        for record in read_journal(path):
            if record.kind == CALL:
                fields = parse_json(record.payload)
                call = Call.from_json(fields)
                self._take_in(fields["cell"], call)
                self.finished_before += 1
                if fields.get("unmetered"):
                    self._charge(call)
            elif record.kind == BATCH:
                shard = int.from_bytes(record.payload[:4], "little")
                place = int.from_bytes(record.payload[4:6], "little")
                self.scored[shard, place] = decode_columns(record.payload[6:])
            elif record.kind == USAGE:
                fields = parse_json(record.payload)
                role = fields.pop("role")
                if "spent" in fields:
                    self.ledger.merge(role, Spent(**fields["spent"]))
                else:
                    self.ledger.restore(role, Charge(**fields))
            elif record.kind == CELL:
                fields = parse_json(record.payload)
                scores = {key: _score(value) for key, value in fields["scores"].items()}
                self.cells[fields["scorer"], fields["cell"]] = scores


_UNMETERED = b'{"unmetered":true,'


def _as_written(cell: int, call: Call) -> tuple[Call, bytes]:
    try:
        written = canonical_json({"cell": cell, **call.to_json()})
    except Exception as error:  # noqa: BLE001  a user's object may raise anything on the way
        explanation = f"The target's answer cannot be kept: {error}; return JSON values."
        call = Call.failed("invalid_response", explanation, call.latency_seconds)
        return call, canonical_json({"cell": cell, **call.to_json()})
    if type(call.output) is str and call.output.isprintable():
        return call, written
    back = Call.from_json(parse_json(written))
    if back.status is Status.OK and back.output is None:
        back = Call.failed("empty", "The target returned nothing.", call.latency_seconds)
        return back, canonical_json({"cell": cell, **back.to_json()})
    return back, written


def _score_fields(score: Score) -> list[Any]:
    return [
        score.value,
        score.label,
        score.explanation,
        score.weight,
        score.metadata,
        int(score.status),
        score.reason,
    ]


def _score(fields: list[Any]) -> Score:
    value, label, explanation, weight, metadata, status, reason = fields
    return Score(value, label, explanation, weight, metadata, Status(status), reason)
