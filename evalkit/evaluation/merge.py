"""Several results on disjoint cases as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.data.spool import spool
from evalkit.engine.joining import join
from evalkit.errors import UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.plan import DatasetFacts
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.retry import check_complete, columns_of, finished_target, take_over
from evalkit.evaluation.running.runtime import Runtime
from evalkit.scoring.column import Metric
from evalkit.store.artifacts import WorkFolder

_EQUAL = ("signatures", "repeats", "reducers", "level", "seed")


def merge(results: Sequence[EvaluationResult]) -> EvaluationResult:
    """Return several results on disjoint cases as one, kept in a temporary folder.

    Its gates are those of all of them, judged anew on all cases.

    Raises:
        UsageError: If one is not complete, they share cases, or target, signatures, repeats or
            reducers differ.
    """
    if not results:
        raise UsageError("merge needs at least one result.")
    first = results[0]
    _check(results)
    work = WorkFolder.temporary()
    folder = Folder(work.path)
    cases = spool(_rows(results), folder.path)
    gates = dict.fromkeys(gate for result in results for gate in result.facts.plan.gates)
    facts = dataclasses.replace(
        first.facts.plan,
        dataset=DatasetFacts(name="merged", digest=cases.dataset_digest, n=cases.n),
        outputs_digest=cases.outputs_digest,
        run_id=None,
        gates=list(gates),
        baseline=None,
        stop=None,
    )
    job = Job(
        folder=folder,
        spool=cases,
        target=finished_target(first),
        scorers=(),
        plan_facts=facts,
        runtime=Runtime(store=False),
        record=None,
        work=work,
        kind=EvaluationResult,
        kept=_metrics(results),
        kept_scorers=first.facts.scorers,
    )
    try:
        take_over(job, results, lambda _call: True)
        return job.finish()
    except BaseException as error:
        job.fail(error)
        raise


def _check(results: Sequence[EvaluationResult]) -> None:
    first = results[0]
    for result in results:
        check_complete(result)
        plan, other = first.facts.plan, result.facts.plan
        differing = [name for name in _EQUAL if getattr(plan, name) != getattr(other, name)]
        mine, its = plan.target, other.target
        stored = mine.kind == its.kind == "stored"
        if not stored and mine != its:
            differing.append("target")
        if differing:
            raise UsageError(
                f"{first.name!r} and {result.name!r} cannot be merged: their "
                f"{', '.join(differing)} differ."
            )
    ids = [case_id for result in results for case_id in result.spool.strings("id")]
    if len(set(ids)) != len(ids):
        raise UsageError("The results share cases; only disjoint ones can be merged.")


def _rows(results: Sequence[EvaluationResult]) -> Iterator[dict[str, Any]]:
    for result in results:
        yield from result.rows(outputs=not result.folder.outputs.is_file())


def _metrics(results: Sequence[EvaluationResult]) -> list[Metric]:
    known = {metric.key: metric for result in results for metric in result.metrics}
    found: list[Metric] = []
    for name in dict.fromkeys(metric.scorer for metric in known.values()):
        columns = join([columns_of(result, name) for result in results])
        for key, column in columns.items():
            metric = known[f"{name}.{key}" if key else name]
            found.append(dataclasses.replace(metric, column=column))
    return found
