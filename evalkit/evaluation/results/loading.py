"""Reading results back: by run, name or folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evalkit.entities.estimate import Estimate
from evalkit.errors import DataError, EvalkitError, SpecificationError
from evalkit.evaluation.results.facts import Facts, Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.evaluation.results.places import evaluation_folder, using_store
from evalkit.evaluation.results.plan import EvaluationPlan
from evalkit.evaluation.results.result import Result
from evalkit.gates.verdict import ConditionVerdict, GateVerdict, Verdict
from evalkit.scoring.column import Metric, ScoreColumn
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.signature import class_path

if TYPE_CHECKING:
    from evalkit.data.snapshot import Spool

R = TypeVar("R", bound=Result)


def find_folder(run: str | Path, store: str | None = None, *, unfinished: bool = False) -> Folder:
    """Return the folder of the evaluation that *run* names.

    What lies on the disk comes first: only what is no folder or file of an evaluation is the name
    of a run.

    Args:
        run: Run id or unique prefix, name, ``latest``, or a folder.
        store: Store's URI; the configured one by default.
        unfinished: Whether the run's newest evaluation is meant even where that is unfinished; it
            is then on this machine.

    Raises:
        EvalkitError: If there is no such run, or it holds no evaluation.
    """
    path = Path(run)
    if (path / "plan.json").is_file():
        return Folder(path)
    if path.is_file() and path.name in {"plan.json", "result.json", "scores.parquet"}:
        return Folder(path.parent)
    with using_store(store) as kept:
        folder = evaluation_folder(kept.runs.resolve(str(run)), unfinished=unfinished)
    if not (folder / "plan.json").is_file():
        raise DataError(f"Run {run!s} holds no evaluation.")
    return Folder(folder)


def load_result(run: str | Path, *, kind: type[R], store: str | None = None) -> R:
    """Open the result of the evaluation that *run* names, as it was written.

    Raises:
        DataError: If the run holds no evaluation that has ended.
    """
    folder = find_folder(run, store)
    plan = folder.read_plan()
    if not folder.result.is_file():
        raise DataError(
            f"The evaluation in {folder.path} has not ended; finish it with: evalkit resume "
            f"{plan.run_id or folder.path}"
        )
    for file in (folder.cases, folder.scores):
        if not file.is_file():
            raise DataError("this file of the evaluation is gone", file=str(file))
    written = folder.read_json(folder.result)
    return kind(
        facts=_facts(plan, written),
        spool=partial(_spool, folder),
        metrics=partial(read_metrics, folder, plan, written["metrics"]),
        folder=folder,
        verdict=_verdict(written["verdict"], plan),
        known={key: Estimate(**fields) for key, fields in written["estimates"].items()},
    )


def _spool(folder: Folder) -> Spool:
    from evalkit.data.snapshot import Spool  # start-up: numpy and Arrow

    return Spool.open(folder.cases)


def _verdict(content: Any, plan: EvaluationPlan) -> GateVerdict:
    """Read a verdict; an older release wrote its status alone, which stays shown as that."""
    verdict = GateVerdict.from_json(content)
    if verdict.conditions or not isinstance(content, str):
        return verdict
    if not plan.gates:
        return GateVerdict(status=Verdict.NONE)
    why = "recorded by an older release, without the numbers of each condition"
    whole = ConditionVerdict(condition=" and ".join(plan.gates), status=verdict.status, why=why)
    return GateVerdict(status=verdict.status, conditions=(whole,))


def _facts(plan: EvaluationPlan, written: Mapping[str, Any]) -> Facts:
    return Facts(
        run_id=written["run_id"],
        name=written["name"],
        status=written["status"],
        plan=plan,
        environment=written["environment"],
        usage={role: Usage(**fields) for role, fields in written["usage"].items()},
        failures={cell: (reason, text) for cell, reason, text in written["failures"]},
        notes=tuple(written["notes"]),
    )


def read_metrics(
    folder: Folder, plan: EvaluationPlan, described: Sequence[Mapping[str, Any]]
) -> list[Metric]:
    """Return the metrics *described* in ``result.json`` with their scores."""
    from evalkit.evaluation.results.scores_file import read_scores  # start-up: numpy and Arrow

    columns = read_scores(folder.scores, described)
    return [metric_of(facts["key"], columns[facts["key"]], facts, plan) for facts in described]


def metric_of(
    key: str, column: ScoreColumn, described: Mapping[str, Any], plan: EvaluationPlan
) -> Metric:
    """Return the metric that `metric_facts` described, with its scores."""
    scorer, source = described["scorer"], None
    if described["corpus"]:
        source = scorer_of(next(spec for spec in plan.scorers if spec["name"] == scorer))
    return Metric(
        key=key,
        scorer=scorer,
        column=column,
        facts=MetricFacts(**described["facts"]),
        signature=described["signature"],
        source=source,
    )


def scorer_of(spec: Mapping[str, Any]) -> Any:
    """Return the scorer that computes a corpus value, or one that says why it cannot.

    Reading a result must run nothing that its folder names: only what an installed plug-in has
    registered under this name, and is of this very class, is used.
    """
    from evalkit.hooks.catalog import catalog, with_parameters  # start-up: corpus metrics alone

    inner = spec.get("inner", spec)
    try:
        registered: Any = catalog().scorer(inner["name"] if "inner" in spec else spec["name"])
        if class_path(type(registered)) != inner.get("class"):
            return _Absent(f"Scorer {spec['name']!r} is not registered by any plug-in here.")
        return with_parameters(registered, inner["parameters"])
    except EvalkitError as error:
        return _Absent(str(error))


class _Absent:
    """Stands for a corpus scorer that this process cannot rebuild; known estimates still show."""

    def __init__(self, why: str) -> None:
        self._why = why

    def compute(self, *_: Any) -> Any:
        raise SpecificationError(self._why)
