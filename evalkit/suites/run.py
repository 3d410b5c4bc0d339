"""Running a suite once, however many tests and processes ask for it."""

from __future__ import annotations

import dataclasses
import glob
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.data.snapshot import FILE_NAME, Spool
from evalkit.data.spool import spool
from evalkit.engine.sessions import reads_sessions
from evalkit.entities.case import Case
from evalkit.errors import EvalkitError, InterruptedRunError, NotRecordedError
from evalkit.evaluation.baselines.opening import open_result
from evalkit.evaluation.evaluate import open_job
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.running.execute import execute
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import check_musts, resolve_scorers
from evalkit.gates.grammar import parse_gates
from evalkit.llm.budget import Budget
from evalkit.llm.prices import Prices
from evalkit.suites.gates import with_gates
from evalkit.suites.ledger import SessionLedger, SuiteFailure, SuiteRecord
from evalkit.suites.options import SuiteOptions
from evalkit.suites.suite import DATA_OPTIONS, RESULT_OPTIONS, Suite
from evalkit.suites.target import SuiteTarget

_READ_AT_ONCE = 1024


class SuiteFailedError(EvalkitError):
    """A suite was tried, and could not be evaluated."""

    def __init__(self, failure: SuiteFailure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return f"Suite {self.failure.name!r} could not be evaluated: {self.failure.why}"


@dataclass(eq=False, kw_only=True)
class SuiteRun:
    """One suite in one test session."""

    suite: Suite
    key: str
    """What tells this suite from others, in every process of the session."""

    ledger: SessionLedger
    folder: Path = field(default_factory=Path.cwd)
    """Project of the test file, which the suite's relative paths start from."""

    options: SuiteOptions = field(default_factory=SuiteOptions)
    target: SuiteTarget | None = None
    """The test function that answers cases; ``None`` where the data holds outputs."""

    owner: type | None = None
    """Class of that function, where it is a method."""

    selection: list[str] | None = None
    """Case ids that are to run; ``None`` means all."""

    gates: list[str] = field(default_factory=list[str])
    """Conditions of all gates of the suite that were collected."""

    time_limit: float | None = None
    """Seconds that one test may take, by the session's own rules: so long has each case."""

    tell: Callable[[str], None] | None = None
    """Takes lines on the progress, where the session has a place for them."""

    judges: list[str] = field(default_factory=list[str])
    """Judges whose health is shown among the gates."""

    _result: EvaluationResult | None = None

    @cached_property
    def cases(self) -> Spool:
        """The suite's cases, read once in each session.

        Raises:
            DataError: If the data is wrong.
        """
        options = {k: v for k, v in self.suite.options.items() if k in DATA_OPTIONS}
        if self.options.sample is not None:
            options["sample"] = self.options.sample
        options["seed"] = self.seed
        name = f"cases-{_digest(self.key.encode('utf-8'))}"
        place = self.ledger.folder / name
        with self.ledger.turn(name):
            if (place / FILE_NAME).is_file():
                return Spool.open(place / FILE_NAME)
            options["has_model"] = self.suite.cases_mark is not None
            options["prices"] = Prices(self._runtime.prices)
            return spool(self._placed(self.suite.data), place, **options)

    @cached_property
    def ids(self) -> list[str]:
        """Case ids, in the order of the data."""
        return [str(case_id) for case_id in self.cases.strings("id")]

    @cached_property
    def places(self) -> Mapping[str, tuple[str | None, int | None]]:
        """File and line that each case was read from, where it was."""
        name = str(self.cases.facts["name"])
        whole = name if Path(name).is_file() else None
        files, lines = self.cases.values("file"), self.cases.values("line")
        places = zip(self.ids, files, lines, strict=True)
        return {case_id: (file or whole, line) for case_id, file, line in places}

    @property
    def seed(self) -> int:
        """Seed of every draw."""
        return self.suite.options.get("seed", 0) if self.options.seed is None else self.options.seed

    @property
    def repeats(self) -> int:
        """Times that each case is run."""
        mark = self.suite.cases_mark
        return self.options.repeats or (1 if mark is None else mark.repeats)

    @property
    def min_pass(self) -> int:
        """Repeats that must pass, in proportion where the session asks for other repeats."""
        mark = self.suite.cases_mark
        return 1 if mark is None else math.ceil(self.repeats * mark.min_pass / mark.repeats)

    @property
    def is_partial(self) -> bool:
        """Whether some cases are not going to run."""
        return self.selection is not None and len(self.selection) < len(self.ids)

    @property
    def baseline(self) -> Any:
        """What gates compare with; nothing, where the suite is partial."""
        if self.is_partial:
            return None
        baseline = self.options.baseline or self.suite.options.get("baseline")
        if isinstance(baseline, str):
            baseline = baseline.replace("{suite}", self.suite.name)
        return baseline if self.options.baseline else self._placed(baseline)

    def _placed(self, path: Any, *, is_new: bool = False) -> Any:
        """Return *path* below the suite's project where it is there, or *is_new* and nowhere else.

        What is no path, and a path that only the current folder has, stay what they are.
        """
        if isinstance(path, (list, tuple)) and all(isinstance(x, (str, os.PathLike)) for x in path):
            return [self._placed(each) for each in path]
        if not isinstance(path, (str, os.PathLike)):
            return path
        own, other = self.folder / path, Path(path)
        is_there = own.exists() or any(glob.iglob(str(own), recursive=True))  # noqa: PTH207  any root
        if not (is_there or (is_new and not other.exists())):
            return path
        here = Path.cwd()
        return str(own.relative_to(here) if own.is_relative_to(here) else own)

    def _opened_baseline(self) -> tuple[Any, str | None]:
        """Return the baseline if it can be opened, else why not: that is for gates that compare."""
        baseline = None if self.options.update_baseline else self.baseline
        if baseline is None:
            return None, None
        try:
            open_result(baseline, kind=EvaluationResult)
        except EvalkitError as error:
            why = str(error)
            if str(baseline).endswith(".json") and not Path(baseline).exists():
                why = f"there is no file {baseline} yet; write it with --evalkit-update-baseline"
            return None, f"the baseline cannot be opened: {why}"
        return baseline, None

    @cached_property
    def conditions(self) -> list[str]:
        """What is asked of the suite as a whole; nothing, where it is partial."""
        gates = [] if self.is_partial else dict.fromkeys(self.gates)
        return [condition for condition in gates if not self.waits(condition)]

    def waits(self, condition: str) -> bool:
        """Say whether *condition* compares with the baseline that is being written."""
        return self.options.update_baseline and any(c.compares for c in parse_gates(condition))

    @property
    def digest(self) -> str:
        """What tells this run of the suite, with its cases and gates, from any other."""
        return _digest(canonical_json([self.key, self.selection, self.conditions]))

    @property
    def is_evaluated(self) -> bool:
        """Whether this process has the suite's evaluation already."""
        return self._result is not None

    def result(self, fixtures: Mapping[str, Any], item: str = "") -> EvaluationResult:
        """Return the suite's evaluation, run by whichever process needs it first.

        Args:
            fixtures: What the body gets.
            item: The test that asks; where the suite cannot be evaluated, the first one shows why.

        Raises:
            SuiteFailedError: If it was tried before, and could not be evaluated.
        """
        if self._result is None:
            with self.ledger.turn(f"suite-{self.digest}"):
                record = self.ledger.suite(self.digest)
                if record is not None:
                    self._result = EvaluationResult.load(record.folder)
                else:
                    self._result = self._first_result(self.digest, fixtures, item)
        return self._result

    def _first_result(
        self, digest: str, fixtures: Mapping[str, Any], item: str
    ) -> EvaluationResult:
        """Evaluate the suite, unless it was tried, and note in the ledger what came of it."""
        failure = self.ledger.failure(digest)
        if failure is not None:
            raise SuiteFailedError(failure)
        chosen = self.ids if self.selection is None else self._with_turns(self.selection)
        store = self._runtime.store
        if store is False:
            store = f"sqlite:///{self.ledger.folder}/suites.db"
        try:
            mark = self.suite.cases_mark
            if mark is not None:
                check_musts(mark.must, resolve_scorers(self.suite.scorers), self.cases)
            baseline, why = self._opened_baseline()
            ungated = self._evaluate(chosen, fixtures, store=store, baseline=baseline)
            result = with_gates(
                ungated,
                self.conditions,
                self.cases.facts["name"],
                judges=() if self.is_partial else self.judges,
                waiting=dict.fromkeys(self.gates) if self.is_partial else (),
                of=len(self.ids),
                no_baseline=why,
            )
        except InterruptedRunError:  # which ends the session
            raise
        except BaseException as error:  # whatever it was, nobody may pay for it again
            self.ledger.fail(
                SuiteFailure(
                    digest=digest,
                    key=self.key,
                    name=self.suite.name,
                    item=item,
                    why=_why(error),
                    n=len(chosen),
                    missing=error.cases if isinstance(error, NotRecordedError) else (),
                )
            )
            raise
        self.ledger.enter(
            SuiteRecord(
                digest=digest,
                key=self.key,
                name=self.suite.name,
                folder=str(result.folder.path.resolve()),
                partial=self.is_partial,
                baseline=self.baseline if isinstance(self.baseline, str) else None,
            )
        )
        return result

    def again(self, case_id: str, fixtures: Mapping[str, Any]) -> EvaluationResult:
        """Return a new evaluation of one case alone; gates keep to the first."""
        return self._evaluate(self._with_turns([case_id]), fixtures, store=False, baseline=None)

    def _with_turns(self, chosen: list[str]) -> list[str]:
        """Return *chosen* with the earlier turns of their sessions, which they follow upon.

        Where a scorer reads conversations, with all turns: half a conversation is another one.
        """
        if "session" not in self.cases.fields:
            return chosen
        sessions, turns = self.cases.strings("session"), self.cases.values("turn")
        whole = reads_sessions(resolve_scorers(self.suite.scorers))
        places = {
            case_id: (turns[row] is None, turns[row] or 0, row)
            for row, case_id in enumerate(self.ids)
        }
        last: dict[str | None, tuple[bool, int, int]] = {}
        session_of = dict(zip(self.ids, sessions, strict=True))
        for case_id in chosen:
            session = session_of[case_id]
            last[session] = max(places[case_id], last.get(session, places[case_id]))
        alone, kept = set(chosen), {session for session in last if session is not None}
        return [
            case_id
            for case_id, session in session_of.items()
            if case_id in alone or (session in kept and (whole or places[case_id] <= last[session]))
        ]

    @property
    def _runtime(self) -> Runtime:
        return self.suite.options.get("runtime") or Runtime()

    def _evaluate(
        self,
        chosen: list[str],
        fixtures: Mapping[str, Any],
        *,
        store: str | bool | None,
        baseline: Any,
    ) -> EvaluationResult:
        late = {name: f"outputs.{path}" for name, path in self.cases.late.items()}
        limits = [s for s in (self._runtime.timeout_seconds, self.time_limit) if s]
        with self.ledger.allowance(self.options.budget) as left:
            runtime = dataclasses.replace(
                self._runtime,
                store=store,
                progress=False,
                mode=self.options.mode or self._runtime.mode,
                cards=self.options.cards or self._placed(self._runtime.cards),
                recordings=self._placed(self._runtime.recordings, is_new=True),
                timeout_seconds=min(limits, default=None),
                budget=_tighter(self._runtime.budget, left),
            )
            request = Request(
                model=self.target and self.target.bound(fixtures, self.suite.scorers),
                data=self._rows(set(chosen)),
                scorers=self.suite.scorers,
                columns=late or None,
                name=self.suite.name,
                tags={"evalkit.suite": self.suite.name, "evalkit.partial": str(self.is_partial)},
                repeats=self.repeats,
                seed=self.seed,
                baseline=baseline,
                runtime=runtime,
                **{k: v for k, v in self.suite.options.items() if k in RESULT_OPTIONS},
            )
            job = open_job(request)
            job.tell = self.tell
            job.forgives = True
            try:
                return execute(job)
            finally:  # whatever came of it, what was spent is spent
                spent = job.state.ledger.roles.values()
                self.ledger.charge(math.fsum(role.cost for role in spent))

    def _rows(self, chosen: set[str]) -> list[Case]:
        starts = range(0, self.cases.n, _READ_AT_ONCE)
        batches = (self.cases.cells(n, min(n + _READ_AT_ONCE, self.cases.n)) for n in starts)
        return [case for batch in batches for case in batch if case.id in chosen]


def _why(error: BaseException) -> str:
    """Return what ended a suite on one line; of many missing recordings, the first."""
    if isinstance(error, NotRecordedError):
        return f"{error.what} is not recorded: {error.cause}"
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _digest(content: bytes) -> str:
    return content_hash(content, size=8)


def _tighter(own: Any, session: float | None) -> Any:
    """Return the tighter of a suite's own budget and what is left of the session's."""
    if session is None:
        return own
    limits = Budget.of(own).to_json()
    return {**limits, "usd": min(limits.get("usd", session), session)}
