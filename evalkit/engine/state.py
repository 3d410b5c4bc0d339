"""What work has gathered: records in, calls and columns out, for one shard or for a whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evalkit._internal.clock import monotonic
from evalkit.engine.call import NOT_MADE, Call
from evalkit.engine.cancel import Cancel
from evalkit.engine.journal import Journal, read_journal
from evalkit.engine.plan import Plan, Shard
from evalkit.engine.records import (
    Begun,
    Called,
    CellScored,
    Charged,
    Columns,
    Record,
    Scored,
    decoded,
)
from evalkit.engine.verdicts import Cells
from evalkit.entities.score import Status
from evalkit.llm.usage import Charge, Ledger, Spent

Emit = Callable[[Record], None]
"""Takes a record; once it returns, the record is kept as safely as it ever will be."""


@dataclass(slots=True)
class Gathered:
    """The sum of some records."""

    calls: dict[int, Call] = field(default_factory=dict[int, Call])
    """Finished calls by cell."""

    failures: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Cells whose call failed, with reason and explanation."""

    scored: dict[tuple[int, int], Columns] = field(default_factory=dict[tuple[int, int], Columns])
    """Scored batches by shard and place of the scorer."""

    cells: dict[tuple[int, str], Cells] = field(default_factory=dict[tuple[int, str], Cells])
    """Cells of asynchronous scorers by place of the scorer, and case id and repeat."""

    ledger: Ledger = field(default_factory=Ledger)
    """What calls have cost by role."""

    cut: set[int] = field(default_factory=set[int])
    """Cells whose answer the model's limit of tokens has cut off."""

    notes: list[str] = field(default_factory=list[str])

    def take(self, record: Record) -> None:
        """Add *record*."""
        match record:
            case Called(cell, call, metered):
                self.calls[cell] = call
                if call.metadata and call.metadata.get("finish_reason") == "length":
                    self.cut.add(cell)
                if call.status is Status.FAILED and call.reason != "skipped":
                    self.failures[cell] = call.reason or "target_error", call.explanation or ""
                if not metered and call.reason not in NOT_MADE:  # what was never made costs nothing
                    failed = call.status is not Status.OK
                    charge = Charge(
                        cached=call.cached,
                        failed=failed,
                        lost=failed,  # nobody counts what a function has paid before it failed
                        tokens=call.usage,
                        cost=call.cost,
                    )
                    self.ledger.restore("target", charge)
            case Scored(shard, place, columns):
                self.scored[shard, place] = columns
            case CellScored(place, cell, scores):
                self.cells[place, cell] = scores
            case Charged(role, charge):
                if isinstance(charge, Spent):
                    self.ledger.merge(role, charge)
                else:
                    self.ledger.restore(role, charge)
            case Begun():
                pass

    def part(self, plan: Plan, shard: Shard) -> Gathered:
        """Return what there is of *shard*; cells of asynchronous scorers are not told apart."""
        cells = plan.cells_of(shard)
        places = [(shard.index, place) for place in range(len(plan.scorers))]
        return Gathered(
            calls={cell: self.calls[cell] for cell in cells if cell in self.calls},
            failures={cell: self.failures[cell] for cell in cells if cell in self.failures},
            scored={place: self.scored[place] for place in places if place in self.scored},
            cells=self.cells,
        )


@dataclass(frozen=True, slots=True)
class ShardResult:
    """All that came of a shard, and of what was recorded of it before; it pickles."""

    shard: Shard
    gathered: Gathered
    stopped: str | None = None
    """Why it is not whole, if it is not."""


@dataclass(slots=True)
class ShardWork:
    """A shard on its way: what there is of it, and where what comes of it is kept."""

    shard: Shard
    gathered: Gathered
    emit: Emit

    def record(self, record: Record) -> None:
        """Keep *record*, then add it."""
        self.emit(record)
        self.gathered.take(record)


@dataclass(slots=True)
class RunState(Gathered):
    """All that a run has gathered, in this process and earlier ones, and the journal that keeps it.

    A record goes to the journal before it counts; what `restore` reads back is exactly what had
    been recorded when the earlier process ended.  Calls are dropped once their shard is scored.
    """

    journal: Journal | None = None
    finished: int = 0
    """Calls of the target that ended in this process."""

    finished_before: int = 0
    """Calls of the target that had ended before."""

    started: float = field(default_factory=monotonic)
    cancel: Cancel = field(default_factory=Cancel)
    on_call: Callable[[RunState], None] | None = None
    on_batch: Callable[[RunState], None] | None = None

    def record(self, record: Record, entry: tuple[bytes, bytes] | None = None) -> None:
        """Keep *record*, whose *entry* may be at hand, and add it."""
        if self.journal is not None and record.kept:
            self.journal.append(*(entry or record.encoded()))
        self.take(record)
        if isinstance(record, Called):
            self.finished += 1
            if self.on_call is not None:
                self.on_call(self)
        elif isinstance(record, Scored) and self.on_batch is not None:
            self.on_batch(self)

    def unfinished(self, plan: Plan) -> Iterator[Shard]:
        """Yield the shards that are to be run still; once an end is asked for, those with calls."""
        live, places = plan.target is not None, range(len(plan.scorers))
        for shard in plan.shards:
            called = [cell in self.calls for cell in plan.cells_of(shard)] if live else []
            if self.cancel.is_set and not any(called):
                continue  # but what an earlier process has called is scored
            if not all(called) or any((shard.index, p) not in self.scored for p in places):
                yield shard

    def forget(self, plan: Plan, shard: Shard) -> None:
        """Drop the calls of *shard* from memory, if it is scored; the journal has them."""
        cells = plan.cells_of(shard)
        scored = all((shard.index, place) in self.scored for place in range(len(plan.scorers)))
        if scored and all(cell in self.calls for cell in cells):
            for cell in cells:
                del self.calls[cell]

    def note_abandoned(self, count: int) -> None:
        """Note how many calls may still be running."""
        if count:
            self.notes.append(f"{count} calls overran their timeout and were abandoned.")

    def charge(self, role: str, charge: Charge) -> None:
        """Keep what the ledger itself is about to count."""
        record = Charged(role, charge)
        if self.journal is not None and record.kept:
            self.journal.append(*record.encoded())

    def restore(self, path: Path, plan: Plan) -> None:
        """Take in what an earlier process recorded in *path*.

        Scores whose call is not there are left out: it is made again, and may end otherwise.
        """
        for entry in read_journal(path):
            record = decoded(entry.kind, entry.payload)
            if record is not None:
                self.take(record)
                self.finished_before += isinstance(record, Called)
        if plan.target is None:
            return
        lost = {s.index for s in plan.shards if any(c not in self.calls for c in plan.cells_of(s))}
        self.scored = {key: scores for key, scores in self.scored.items() if key[0] not in lost}
        if not self.cells:
            return
        ids, repeats = plan.spool.strings("id"), plan.repeats
        called = {f"{ids[cell // repeats]}\0{cell % repeats}" for cell in self.calls}
        self.cells = {key: scores for key, scores in self.cells.items() if key[1] in called}
