"""One evaluation on its way: folder, lock, journal, plan and state, from start to result."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evalkit._internal.arrow import text_array
from evalkit._internal.clock import day, monotonic
from evalkit._internal.words import plural
from evalkit.data.snapshot import Spool
from evalkit.engine.absent import EMPTY, NO_ANSWER
from evalkit.engine.backend.local import run_local
from evalkit.engine.journal import LOCK_FILE, Journal, RunLock
from evalkit.engine.merge import merge
from evalkit.engine.plan import Plan, cut_shards
from evalkit.engine.progress import Progress
from evalkit.engine.sessions import reads_sessions
from evalkit.engine.state import RunState
from evalkit.entities.score import Status
from evalkit.entities.target import Target
from evalkit.errors import EvalkitError, RunLockedError, UsageError
from evalkit.evaluation.deciding.gates import judge_gates
from evalkit.evaluation.results.columns import moved
from evalkit.evaluation.results.estimates import listed_labels
from evalkit.evaluation.results.facts import DECIDED, OUTAGE, Facts, Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.outputs_file import write_outputs
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.results.saving import write_result
from evalkit.evaluation.results.scores_file import write_scores
from evalkit.evaluation.running.environment import environment
from evalkit.evaluation.running.model_session import desk_of, session_of, worker_session
from evalkit.evaluation.running.runtime import Runtime
from evalkit.gates.verdict import GateVerdict
from evalkit.hooks.catalog import tell
from evalkit.llm.budget import Budget
from evalkit.llm.session import ModelSession
from evalkit.llm.tokens import UNEXPLAINED
from evalkit.llm.usage import ROLES, Spent
from evalkit.scoring.column import Metric
from evalkit.scoring.protocol import Scorer
from evalkit.store.artifacts import WorkFolder

if TYPE_CHECKING:
    from evalkit.evaluation.deciding.course import Course
    from evalkit.evaluation.deciding.watching import Watcher
    from evalkit.evaluation.running.record import RunRecord


R = TypeVar("R", bound=Result)

_LIGHT = 1e-6
"""Share of the mean weight below which a case counts in no number that is shown."""

_FEW_COPIES = 0.1
"""Share of cases that may ask what another one asks, without a word of it."""

_ON_THE_WHOLE = "judged once, on the whole, by evalkit merge"


@dataclass(slots=True, kw_only=True)
class Job(Generic[R]):
    """Everything that one evaluation holds while it runs."""

    work: WorkFolder
    """The evaluation's folder; published when it ends."""

    spool: Spool
    target: Target | None
    scorers: Sequence[Scorer]
    plan_facts: EvaluationPlan
    runtime: Runtime
    record: RunRecord | None
    baseline: Result | None = None
    kind: type[R]
    """Class of the result."""

    verdict: GateVerdict | None = None
    """Verdict of the earlier work that this one adds to; it is not judged again."""

    watches: bool = False
    """Whether to stop once the gates are decided."""

    kept: Sequence[Metric] = ()
    """Metrics of earlier work that the result has too, before its own."""

    kept_scorers: Sequence[Any] = ()
    """Scorers of those metrics, where they are at hand."""

    state: RunState = field(default_factory=RunState)
    session: ModelSession | None = None
    """What models are asked through, while the job runs."""

    forgives: bool = False
    """Whether a missing recording fails its case alone, unless every case misses one."""

    pending: tuple[int, int] = (0, 0)
    """Batches that the job has left with the provider, and the requests in them."""

    tell: Callable[[str], None] | None = None
    """Takes lines on the progress, which are else for stderr."""

    lock: RunLock | None = None
    started: float = field(default_factory=monotonic)

    def plan(self) -> Plan:
        """Return the engine's plan."""
        facts = self.plan_facts
        live = self.target is not None
        whole = live or reads_sessions(self.scorers)
        grouped = whole and "session" in self.spool.fields
        sessions = self.spool.strings("session").tolist() if grouped else None
        course = self._course()
        if course is not None and sessions is not None:
            sessions = [sessions[row] for row in course.order]
        return Plan(
            spool=self.spool,
            target=self.target,
            scorers=self.scorers,
            repeats=facts.repeats,
            seed=facts.seed,
            limits=self.runtime.limits(),
            from_output=self.spool.late,
            shards=cut_shards(self.spool.n, facts.shard_rows, sessions),
            order=None if course is None else course.order.tolist(),
        )

    def _course(self) -> Course | None:
        """Return the order in which cases are run, if the run may stop early."""
        if not self.plan_facts.stop:
            return None
        from evalkit.evaluation.deciding.watching import course_of  # start-up: sequential tests

        return course_of(self.spool, self.plan_facts)

    @property
    def folder(self) -> Folder:
        """The files of the evaluation."""
        return Folder(self.work.path, self.work.durable)

    @property
    def run_id(self) -> str | None:
        """Id of the run, or ``None`` without a store."""
        return None if self.record is None else self.record.run_id

    def open_journal(self) -> None:
        """Take the lock, read what an earlier process recorded, and open the journal.

        Raises:
            RunLockedError: If another process is writing this run.
            JournalError: If the folder cannot be written.
        """
        if self.state.journal is not None:
            return
        self.lock = RunLock(self.folder.path, self.run_id or self.folder.path.name)
        if self.folder.result.is_file() and not self.folder.journal.is_file():
            name = self.run_id or self.folder.path.name
            if self.record is not None:  # whoever finished the run meanwhile has ended it
                self.record.close()
                self.record = None
            raise UsageError(f"Run {name} is complete already.")
        if self.record is not None:
            self.record.begin()
        self._note_recorded_errors()
        self.state.restore(self.folder.journal, self.plan())
        self.state.journal = Journal(self.folder.journal, durable=self.work.durable)
        if self.work.durable:
            self.work.sync()  # the journal's name has to be on the disk, too
        self.state.ledger.on_charge = self.state.charge

    def _note_recorded_errors(self) -> None:
        """Count errors and lacking answers of stored outputs as failures of the target."""
        spool, fields = self.spool, self.spool.fields
        if self.target is not None or not fields & {"error", "outputs"}:
            return
        failures: dict[int, tuple[str, str]] = {}
        if "outputs" in fields:
            failures = dict.fromkeys(spool.rows_without("outputs"), (EMPTY, NO_ANSWER))
        if "error" in fields:
            errors = enumerate(spool.cell_values("error"))
            failures |= {
                row: ("target_error", str(text)) for row, text in errors if text is not None
            }
        each = self.plan_facts.repeats // spool.n_repeats
        for row, failure in failures.items():
            self.state.failures |= dict.fromkeys(range(row * each, (row + 1) * each), failure)

    async def run(self) -> None:
        """Run what is not done yet; returns early where the state says stop."""
        plan = self.plan()
        watcher = self._watcher(plan)
        tell("evalkit_run_started", run_id=self.run_id, plan=self.plan_facts.to_json())
        with Progress(plan, self.state, shown=self.runtime.progress, tell=self.tell) as progress:

            def scored(state: RunState) -> None:
                progress.update(state)
                if watcher is not None:
                    watcher.look(state)
                done, total = len(state.scored), len(plan.shards) * len(plan.scorers)
                tell("evalkit_batch_scored", run_id=self.run_id, done=done, total=total)

            self.state.on_call = progress.update if progress.drawn else None
            self.state.on_batch = scored
            since = self.plan_facts.created
            desk = desk_of(self.runtime, since=since, stopped=lambda: self.state.cancel.interrupted)
            session = session_of(self.runtime, ledger=self.state.ledger, since=since, desk=desk)
            own = not self.plan_facts.target.asks_models
            session.budget = dataclasses.replace(session.budget, own_target=own)
            self.session = session
            session.recorder.forgives = self.forgives
            try:
                if plan.limits.workers:
                    from evalkit.engine.backend.processes import (  # start-up: few runs need it
                        run_processes,
                    )

                    opener = worker_session(self.runtime, since)
                    await run_processes(plan, self.state, session, opener)
                else:
                    await run_local(plan, self.state, session)
                if session.recorder.missing:
                    session.recorder.check_complete(self.spool.strings("id").tolist())
                    missing = session.recorder.missing
                    self.state.notes.append(str(missing[0].of_all(missing)))
            finally:
                self.pending = (0, 0) if session.desk is None else session.desk.on_the_way
                session.close()
                self.state.notes += [
                    f"Not every answer could be recorded in {place}: {why}."
                    for place, why in session.recorder.broken.items()
                ]
                self.state.on_call = self.state.on_batch = None

    def _watcher(self, plan: Plan) -> Watcher | None:
        """Return what stops the run once its gates are decided, if it is to."""
        if not self.watches:
            return None
        from evalkit.evaluation.deciding.watching import watcher_of  # start-up: sequential tests

        baseline = self._baseline()
        if isinstance(baseline, str):
            raise UsageError(baseline)
        watcher = watcher_of(plan, self.plan_facts, baseline)
        watcher.look(self.state)  # what an earlier process has scored
        return watcher

    def finish(self) -> R:
        """Turn the state into files and a result, and release everything.

        Raises:
            JournalError: If the disk is full; the journal keeps what was done.
        """
        plan = self.plan()
        metrics = [*self.kept, *merge(plan, self.state)]
        status = self.state.cancel.reason or "complete"
        if status == OUTAGE and self.state.cancel.why:
            self.state.notes.append(self.state.cancel.why)
        if status == DECIDED:
            self.state.notes.append(self._saved(plan, metrics))
        if self.plan_facts.shard is not None:
            self.state.notes.append(
                f"Shard {self.plan_facts.shard} of the cases; gates are {_ON_THE_WHOLE}."
            )
        self.state.notes += _caveats(self.spool)
        self.state.notes += getattr(self.target, "notes", ())
        self.state.notes += _unlisted(metrics)
        self.state.notes += moved([metric.key for metric in metrics])
        self.state.notes += self._replayed(plan.cells)
        if cut := len(self.state.cut):
            self.state.notes.append(
                f"{cut:,} of {plan.cells:,} answers were cut off at the model's limit (max_tokens)."
            )
        facts = Facts(
            run_id=self.run_id,
            name=self.plan_facts.name,
            status=status,
            plan=self.plan_facts,
            environment=environment(self.plan_facts.seed),
            usage=self._usage(),
            failures=self.state.failures,
            notes=tuple(self.state.notes),
            scorers=(*self.kept_scorers, *self.scorers),
        )
        measured = self.kind(
            facts=facts,
            spool=self.spool,
            metrics=metrics,
            folder=self.folder,
            keep=(self.work, self.baseline, None if self.record is None else self.record.store),
        )
        verdict = self._verdict(measured)
        if self.plan_facts.stop:
            from evalkit.evaluation.deciding.early import keep_sequences  # start-up: as above

            keep_sequences(measured, verdict)
        result = measured.replaced(verdict=verdict)
        ids = text_array(self.spool.strings("id").tolist())
        write_scores(self.folder.scores, metrics, ids, plan.repeats)
        if self.target is not None:
            write_outputs(self.folder.outputs, self.folder.journal, plan.cells)
        write_result(result)
        # The files are safe before the store says that the run is finished.
        journal = {self.folder.journal.name} if status == "complete" else set[str]()
        self.work.publish(but={LOCK_FILE, *journal})
        if self.record is not None:
            self.record.finish(result)
        self.release(drop_journal=status == "complete")
        tell("evalkit_run_finished", run_id=self.run_id, result=result)
        return result

    def _verdict(self, measured: R) -> GateVerdict:
        """Judge the gates, unless this is one part of the cases: they are about the whole."""
        if self.verdict is not None:
            return self.verdict
        if self.plan_facts.shard is None:
            return judge_gates(measured, self.plan_facts.gates, self._baseline(), lenient=True)
        fate = judge_gates(measured, ())
        return dataclasses.replace(fate, note=_ON_THE_WHOLE) if self.plan_facts.gates else fate

    def _baseline(self) -> Result | str | None:
        """Open what the gates compare with, if the run is resumed; a text says why it cannot be."""
        named = self.plan_facts.baseline
        if self.baseline is None and named is not None:
            # start-up: logs, git and the registry
            from evalkit.evaluation.baselines.opening import reopened

            try:
                self.baseline = reopened(named, kind=self.kind)
            except EvalkitError as error:
                return f"the baseline {named.name!r} cannot be opened any more: {error}"
        return self.baseline

    def _replayed(self, cells: int) -> Iterator[str]:
        """Note what recordings gave, since when, and whether the code behind it was run."""
        version = self.plan_facts.target.version
        words = {
            "output": (
                f" of {cells:,} outputs",
                f" as {version}; the code behind them was not run",
            ),
            "http": (" HTTP replies", "; the code that asked ran"),
            "call": (" model calls", ""),
        }
        if self.session is None:
            return
        recorder = self.session.recorder
        edited = sum(len(getattr(place, "edited", ())) for place in recorder.places)  # not caches
        if edited:
            yield f"{plural(edited, 'recording')} replayed as changed by hand."
        for kind, moments in recorder.replayed.items():
            days = sorted({day(moment) for moment in moments if moment is not None})
            when = f" {' to '.join(dict.fromkeys([days[0], days[-1]]))}" if days else ""
            what, rest = words[kind]
            yield f"{len(moments):,}{what} replayed, recorded{when}{rest}."

    def _saved(self, plan: Plan, metrics: Sequence[Metric]) -> str:
        ran = {
            int(cell) for m in metrics for cell in (m.column.status != Status.NOT_RUN).nonzero()[0]
        }
        calls = None if self.target is None else len(ran.union(self.state.calls))
        from evalkit.evaluation.deciding.watching import saved  # start-up: sequential tests

        return saved(plan.cells, calls, self.spool.n, len(ran) // plan.repeats)

    def _usage(self) -> dict[str, Usage]:
        """Return what was spent by role; unknown prices are told in a note."""
        ledger = self.state.ledger
        charged = [role for role in dict.fromkeys([*ROLES, *ledger.roles]) if role in ledger.roles]
        if self.target is not None and "target" not in charged:
            charged = ["target", *charged]
        budget = Budget.of(self.runtime.budget)
        in_dollars = any("usd" in limits for limits in (budget.total, *budget.roles.values()))
        asks_models = self.plan_facts.target.asks_models  # other targets' calls need not cost
        if in_dollars and any(
            ledger[role].unpriced and (role != "target" or asks_models or ledger[role].tokens)
            for role in charged
        ):
            self.state.notes.append("The budget leaves out calls whose price is unknown.")
        for role in charged:
            rest = ledger[role].tokens.get(UNEXPLAINED)
            if rest is not None:
                by = f"{rest:,} more" if rest else "less"
                self.state.notes.append(
                    f"The provider's total of {role} tokens is not the sum of its parts ({by}); "
                    "the price rests on the parts."
                )
        seconds = monotonic() - self.started
        return {role: _usage(ledger[role], seconds) for role in charged}

    def cancel(self) -> None:
        """Ask for an end, from any thread: what is in flight is finished and kept."""
        self.state.cancel.stop()

    @contextlib.contextmanager
    def failing(self) -> Generator[None]:
        """Release everything where the block fails, and say so in the store; the journal stays."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, RunLockedError) and self.record is not None:
                self.record.close()  # another process has the run, and ends it
            elif self.record is not None:
                self.record.fail(error)
            self.release(drop_journal=False)
            raise

    def release(self, *, drop_journal: bool) -> None:
        """Close the journal and let go of the lock."""
        if self.state.journal is not None:
            self.state.journal.close()
            self.state.journal = None
        if drop_journal:
            self.folder.journal.unlink(missing_ok=True)
        if self.lock is not None:  # its file stays: another process may be waiting on it
            self.lock.release()
            self.lock = None


def _usage(spent: Spent, seconds: float) -> Usage:
    return Usage(
        calls=spent.calls,
        cached=spent.cached,
        failed=spent.failed,
        tokens=dict(spent.tokens),
        cost=spent.price,
        seconds=seconds,
    )


def _caveats(cases: Spool) -> Iterator[str]:
    """Yield what the data itself makes of the numbers, for who reads them."""
    copies = cases.copies()
    if copies > _FEW_COPIES * cases.n:
        yield (
            f"{copies:,} of {cases.n:,} cases ask what another one asks, and each counts as one of "
            "its own; a group for each question says that they are not: columns={'group': …}."
        )
    if "weight" in cases.fields:
        weights = cases.numbers("weight")
        light = int((weights <= _LIGHT * weights.mean()).sum())
        if light:
            yield f"{light:,} of {cases.n:,} cases weigh nothing, or next to it: they do not count."


def _unlisted(metrics: Sequence[Metric]) -> Iterator[str]:
    """Note the metrics that have more labels than are listed."""
    for metric in metrics:
        n, listed = len(set(metric.column.labels.values())), len(listed_labels(metric))
        if listed < n:
            yield (
                f"{metric.key} lists {listed} of {n:,} {'label' if n == 1 else 'labels'}, the most "
                f"frequent and not too long; the rate of any other is result['{metric.key}=…']."
            )
