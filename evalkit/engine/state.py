"""What a run has gathered so far, in memory, whichever process gathered it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import monotonic
from evalkit.engine.call import NOT_MADE, Call
from evalkit.engine.codec import decode_columns, encode_columns
from evalkit.engine.journal import BATCH, CALL, CELL, Journal, read_journal
from evalkit.engine.verdicts import Cells
from evalkit.entities.score import Score, Status
from evalkit.scoring.column import ScoreColumn

Columns = Mapping[str, ScoreColumn]


@dataclass(slots=True)
class Spent:
    """What the calls of a run have cost so far."""

    calls: int = 0
    failed: int = 0
    usage: dict[str, int] = field(default_factory=dict[str, int])
    cost: float = 0.0
    unpriced: int = 0
    """Answered calls whose price is unknown."""

    def add(self, call: Call) -> None:
        """Count one finished call; one that was never made costs nothing."""
        if call.reason == NOT_MADE:
            return
        self.calls += 1
        self.failed += call.status is not Status.OK
        for name, tokens in (call.usage or {}).items():
            if isinstance(tokens, int):
                self.usage[name] = self.usage.get(name, 0) + tokens
        if call.cost is not None:
            self.cost += call.cost
        elif call.status is Status.OK:
            self.unpriced += 1


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

    spent: Spent = field(default_factory=Spent)
    spent_before: Spent = field(default_factory=Spent)
    started: float = field(default_factory=monotonic)
    stopping: threading.Event = field(default_factory=threading.Event)
    stop_reason: str | None = None
    """``interrupted`` or ``budget`` once no new call is to start."""

    notes: list[str] = field(default_factory=list[str])
    on_call: Callable[[RunState], None] | None = None
    on_batch: Callable[[RunState], None] | None = None

    def stop(self, reason: str) -> None:
        """Start nothing new; what is in flight is finished and kept."""
        if self.stop_reason is None:
            self.stop_reason = reason
        self.stopping.set()

    def record_call(self, cell: int, call: Call) -> None:
        """Keep a finished call, as it will be read back: what JSON cannot hold is a failure."""
        call, written = _as_written(cell, call)
        if self.journal is not None:
            self.journal.append(CALL, written)
        self._take_in(cell, call)
        self.spent.add(call)
        if self.on_call is not None:
            self.on_call(self)

    def _take_in(self, cell: int, call: Call) -> None:
        self.calls[cell] = call
        if call.status is Status.FAILED and call.reason != "skipped":
            self.failures[cell] = call.reason or "target_error", call.explanation or ""

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
                self.spent_before.add(call)
            elif record.kind == BATCH:
                shard = int.from_bytes(record.payload[:4], "little")
                place = int.from_bytes(record.payload[4:6], "little")
                self.scored[shard, place] = decode_columns(record.payload[6:])
            elif record.kind == CELL:
                fields = parse_json(record.payload)
                scores = {key: _score(value) for key, value in fields["scores"].items()}
                self.cells[fields["scorer"], fields["cell"]] = scores


def _as_written(cell: int, call: Call) -> tuple[Call, bytes]:
    try:
        written = canonical_json({"cell": cell, **call.to_json()})
    except TypeError as error:
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
