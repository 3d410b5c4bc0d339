"""Several results on disjoint cases as one: the shards of one evaluation, or any others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.clock import now_milliseconds
from evalkit.data.join import join_shards
from evalkit.data.snapshot import Spool
from evalkit.data.spool import merged_order, spool
from evalkit.engine.joining import join
from evalkit.errors import UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.plan import EvaluationPlan, model_id_of
from evalkit.evaluation.running.earlier import finished_target, take_over
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.record import belonging, new_folder, run_of, settle
from evalkit.evaluation.running.request import Request, ScorerLike
from evalkit.evaluation.running.retry import check_complete, columns_of
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import resolve_scorers
from evalkit.evaluation.running.start import baseline_on, named_baseline, open_baseline
from evalkit.gates.grammar import parse_gates
from evalkit.scoring.column import Metric
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import signature

_KEEP_NOTHING = Runtime(store=False)


def merge(
    results: Sequence[EvaluationResult],
    *,
    scorers: ScorerLike | Iterable[ScorerLike] = (),
    gates: str | Iterable[str] | None = None,
    baseline: Any = None,
    name: str | None = None,
    experiment: str | None = None,
    runtime: Runtime | None = None,
    folder: str | Path | None = None,
) -> EvaluationResult:
    """Return several results on disjoint cases as one, which is judged by gates as a whole.

    Shards of one evaluation (``evaluate(…, shard="1/4")``) must be all there; their cases come in
    the order of the whole, and every number is that of one evaluation of all of them.

    Args:
        results: The results, each of them complete.
        scorers: Corpus scorers of your own, which files do not bring along: what a result's folder
            names is never run.
        gates: Conditions; by default those that the results were started with.
        baseline: What gates that compare are about; by default that of the shards.
        name: Name of the run; that of the shards, if they have one name.
        experiment: Experiment to put the run in.
        runtime: Where to keep the result, as ``Runtime(store=…)``; by default in a temporary
            folder, which goes with the result.
        folder: Folder to keep it in, where there is no store.

    Raises:
        UsageError: If one is not complete, they share cases, a shard is missing or there twice, or
            target, scorers, data, repeats or reducers differ; names what does.
    """
    if not results:
        raise UsageError("merge needs at least one result.")
    whole = _whole(results, resolve_scorers(scorers))
    runtime = runtime or _KEEP_NOTHING
    plan = whole.plan(gates)
    names = {result.facts.plan.name for result in results}
    request = Request(
        name=name or (names.pop() if len(names) == 1 else None),
        experiment=experiment,
        baseline=baseline,
        runtime=runtime,
    )
    against = open_baseline(request, EvaluationResult)
    run = run_of(request)
    beside = None if folder is None else Path(folder).absolute().parent
    with new_folder(run, durable=runtime.durable, beside=beside) as work:
        cases = whole.cases(work.path)
        plan = _described(plan, cases, run.name if run else request.name or plan.name)
        against = baseline_on(against, request, EvaluationResult, cases)
        if against is not None:
            plan = dataclasses.replace(plan, baseline=named_baseline(against, baseline))
        plan = dataclasses.replace(plan, **belonging(run))
        settle(work, run, plan, plan.tags)
        if run is None and folder is not None:
            try:
                work.take_name(Path(folder))
            except FileExistsError:
                raise UsageError(f"{folder} exists already; merge into a new one.") from None
    job = Job(
        work=work,
        spool=cases,
        target=finished_target(plan),
        scorers=(),
        plan_facts=plan,
        runtime=runtime,
        record=run,
        baseline=against,
        kind=EvaluationResult,
        kept=whole.metrics(),
        kept_scorers=whole.results[0].facts.scorers,
    )
    with job.failing():
        take_over(job, whole.results, lambda _call: True, whole.cells())
        job.state.notes += dict.fromkeys(whole.notes())
        return job.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """Results that make one together."""

    results: Sequence[EvaluationResult]

    order: Sequence[tuple[int, int]] | None
    """Result and row there of each case of the whole; ``None``: one result after the other."""

    scorers: Mapping[str, Scorer]
    """Scorers that files do not bring along."""

    def plan(self, gates: str | Iterable[str] | None) -> EvaluationPlan:
        """Say what is asked of the whole."""
        plans = [result.facts.plan for result in self.results]
        texts = [gates] if isinstance(gates, str) else gates
        if texts is None:
            texts = dict.fromkeys(gate for plan in plans for gate in plan.gates)
        conditions = list(texts)
        parse_gates(conditions)
        return dataclasses.replace(
            plans[0],
            created=now_milliseconds(),
            gates=conditions,
            dataset=plans[0].dataset
            if self.order is not None
            else dataclasses.replace(plans[0].dataset, name="merged"),
            baseline=plans[0].baseline if self.order is not None else None,
            shard=None,
            stop=None,
            added=(),
        )

    def cases(self, folder: Path) -> Spool:
        """Write the cases of all results to *folder*."""
        if self.order is None:
            return spool(self._rows(), folder)
        return join_shards([result.spool for result in self.results], self.order, folder)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for result in self.results:
            yield from result.rows(outputs=not result.folder.outputs.is_file())

    def cells(self) -> Sequence[int] | None:
        """Return the place in the whole of each cell, one result after the other."""
        if self.order is None:
            return None
        import numpy as np

        places: list[int] = np.argsort(self._taken()).tolist()
        return places

    def _taken(self) -> Any:
        """Return which cell of the results, one after the other, each cell of the whole is."""
        import numpy as np

        repeats = self.results[0].repeats
        starts = np.cumsum([0, *(len(result) for result in self.results)])
        rows = np.array([starts[shard] + row for shard, row in self.order or ()], dtype=np.int64)
        return (rows[:, None] * repeats + np.arange(repeats)).ravel()

    def metrics(self) -> list[Metric]:
        """Join the columns of each metric."""
        by_key = {metric.key: metric for result in self.results for metric in result.metrics}
        made: list[Metric] = []
        for name in dict.fromkeys(metric.scorer for metric in by_key.values()):
            columns = join([columns_of(result, name) for result in self.results])
            for key, column in columns.items():
                metric = by_key[f"{name}.{key}" if key else name]
                taken = column if self.order is None else column.take(self._taken())
                source = metric.source and self.scorers.get(name, metric.source)
                made.append(dataclasses.replace(metric, column=taken, source=source))
        return made

    def notes(self) -> Iterator[str]:
        """Yield what the results say of themselves, apart from which part they are."""
        for result in self.results:
            shard = result.facts.plan.shard
            yield from (
                note for note in result.facts.notes if not (shard and note.startswith("Shard "))
            )


def _whole(results: Sequence[EvaluationResult], scorers: Sequence[Scorer]) -> _Whole:
    """Check that *results* can be one.

    Raises:
        UsageError: Naming what differs, or is missing.
    """
    first = results[0]
    for result in results:
        check_complete(result)
        differing = list(_differing(first.facts.plan, result.facts.plan))
        if differing:
            raise UsageError(
                f"{first.name!r} and {result.name!r} cannot be merged: their "
                f"{', '.join(differing)} differ."
            )
    own = {one.name: one for one in scorers}
    for name, one in own.items():
        mark = first.facts.plan.signatures.get(name)
        if mark != signature(one):
            raise UsageError(f"Scorer {name!r} is not that of {first.name!r} ({mark}).")
    if any(result.facts.plan.shard is not None for result in results):
        return _whole_of_shards(results, own)
    ids = [case_id for result in results for case_id in result.spool.strings("id")]
    if len(set(ids)) != len(ids):
        raise UsageError("The results share cases; only disjoint ones can be merged.")
    return _Whole(results=results, order=None, scorers=own)


def _whole_of_shards(results: Sequence[EvaluationResult], own: Mapping[str, Scorer]) -> _Whole:
    shards = sorted(results, key=lambda result: (result.facts.plan.shard is None, _part(result)))
    first = shards[0]
    mine = first.spool.facts["shard"]
    for result in shards:
        its = result.spool.facts.get("shard")
        if its is None:
            raise UsageError(f"{result.name!r} is no shard, and {first.name!r} is {_name(first)}.")
        names = ("dataset_digest", "outputs_digest", "of")
        differing = [name for name in names if mine[name] != its[name]]
        if differing:
            raise UsageError(
                f"{_name(first)} ({first.name!r}) and {_name(result)} ({result.name!r}) are of "
                f"different evaluations: their {', '.join(map(_WORDS.__getitem__, differing))} "
                "differ."
            )
    parts, of = [_part(result) for result in shards], mine["of"]
    missing = [f"{part}/{of}" for part in range(1, of + 1) if part not in parts]
    doubled = sorted({f"{part}/{of}" for part in parts if parts.count(part) > 1})
    if doubled:
        raise UsageError(f"Shard {', '.join(doubled)} is there more than once.")
    if missing:
        raise UsageError(f"Shard {', '.join(missing)} is missing: merge takes all of them.")
    order = merged_order([result.spool for result in shards])
    return _Whole(results=shards, order=order, scorers=own)


_WORDS = {"dataset_digest": "data", "outputs_digest": "outputs", "of": "numbers of shards"}


def _part(result: EvaluationResult) -> int:
    return int(result.spool.facts.get("shard", {}).get("part", 0))


def _name(result: EvaluationResult) -> str:
    return f"shard {result.facts.plan.shard}"


def _differing(mine: EvaluationPlan, its: EvaluationPlan) -> Iterator[str]:
    """Yield what keeps two evaluations from being one."""
    names = {**mine.signatures, **its.signatures}
    scorers = [n for n in names if mine.signatures.get(n) != its.signatures.get(n)]
    if scorers:
        yield f"scorers ({', '.join(scorers)})"
    for name in ("repeats", "reducers", "level", "seed"):
        if getattr(mine, name) != getattr(its, name):
            yield name
    stored = mine.target.kind == its.target.kind == "stored"
    if not stored and mine.target != its.target:
        yield "target"


def _described(plan: EvaluationPlan, cases: Spool, name: str) -> EvaluationPlan:
    """Say what the whole is: its name, its data and, where answers were stored, its target."""
    target = plan.target
    if target.kind == "stored":
        target = dataclasses.replace(
            target, name=name, parameters={"outputs": cases.outputs_digest}
        )
    dataset: Mapping[str, Any] = {"digest": cases.dataset_digest, "n": cases.n}
    return dataclasses.replace(
        plan,
        name=name,
        target=target,
        model_id=model_id_of(target),
        dataset=dataclasses.replace(plan.dataset, **dataset),
        outputs_digest=cases.outputs_digest,
    )
