"""What a reader must know besides the numbers, in sentences that every report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.gates.verdict import COVERAGE
from evalkit.report.texts import one_line, percent, plural

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence on a result."""

    text: str
    alarming: bool = False
    """Whether the numbers mislead a reader who does not know it."""


def subtitle(result: EvaluationResult) -> str:
    """Return size, data and run of *result* on one line."""
    dataset = result.dataset
    digest = str(dataset.get("digest") or "")[:12]
    name = one_line(str(dataset.get("name") or ""), 48)
    parts = [plural(len(result), "case")]
    if result.repeats > 1:
        parts[0] += f" × {result.repeats} repeats"
    parts += [" ".join(part for part in ("data", name, digest) if part)] if name or digest else []
    parts += [f"run {result.run_id[:12]}"] if result.run_id else []
    parts += [f"${result.cost:.4g}"] if result.cost else []
    return " · ".join(parts)


def remarks(result: EvaluationResult) -> list[Remark]:
    """Return what limits the numbers of *result*: thin coverage, interruption, the run's notes."""
    found = [
        Remark(_thin(estimate.key, estimate.n_scored, estimate.n_total, coverage), alarming=True)
        for estimate in result.estimates.values()
        if (coverage := estimate.coverage) is not None and coverage < COVERAGE
    ]
    unfinished = _unfinished(result)
    if unfinished:
        found.append(Remark(unfinished, alarming=True))
    return found + [Remark(one_line(note, 400)) for note in result.facts.notes]


def _thin(key: str, scored: int, total: int, coverage: float) -> str:
    return (
        f"{one_line(key)}: only {scored:,} of {plural(total, 'case')} "
        f"{'has' if scored == 1 else 'have'} a value (coverage {percent(coverage)}); "
        "the number speaks for those alone."
    )


def _unfinished(result: EvaluationResult) -> str | None:
    status = result.facts.status
    if status == "complete":
        return None
    left = max((estimate.n_not_run for estimate in result.estimates.values()), default=0)
    what = "The budget was spent" if status == "budget" else "The evaluation was interrupted"
    text = f"{what}: {left:,} of {plural(len(result), 'case')} were not run."
    if result.run_id is None:
        return f"{text} Without a store it cannot be resumed."
    more = " --budget AMOUNT" if status == "budget" else ""
    return f"{text} Finish it: evalkit resume {result.run_id}{more}"
