"""What a reader must know besides the numbers, in sentences that every report shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit._internal.words import percent, plural
from evalkit.entities.registered_model import WHOLE
from evalkit.evaluation.results.facts import OUTAGE
from evalkit.evaluation.results.variance import all_variance_parts
from evalkit.gates.verdict import COVERAGE
from evalkit.report.texts import one_line

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

_MOST_KEYS: Final = 3


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence on a result."""

    text: str
    alarming: bool = False
    """Whether the numbers mislead a reader who does not know it."""


def subtitle(result: EvaluationResult) -> str:
    """Return size, data, judges' models and run of *result* on one line."""
    dataset = result.dataset
    digest = str(dataset.get("digest") or "")[:12]
    name = one_line(str(dataset.get("name") or ""), 48)
    parts = [plural(len(result), "case")]
    if result.repeats > 1:
        parts[0] += f" × {result.repeats} repeats"
    parts += [" ".join(part for part in ("data", name, digest) if part)] if name or digest else []
    judges = one_line(result.facts.plan.judged_by, 80)
    parts += [f"judged by {judges}"] if judges else []
    parts += [f"run {result.run_id[:12]}"] if result.run_id else []
    parts += [f"${result.cost:.4g}"] if result.cost else []
    return " · ".join(parts)


def remarks(result: EvaluationResult) -> list[Remark]:
    """Return what limits the numbers of *result*: thin coverage, interruption, the run's notes."""
    alarming = [*_thin(result), *_unfinished(result)]
    others = [*_variance(result), *(one_line(note, 400) for note in result.facts.notes)]
    return [*(Remark(text, alarming=True) for text in alarming), *map(Remark, others)]


def _variance(result: EvaluationResult) -> Iterator[str]:
    """Yield, for the first metrics with repeats, where the width of the interval comes from."""
    for parts in all_variance_parts(result)[:_MOST_KEYS]:
        if parts.standard_error == 0:
            continue
        shares = {
            "from which cases there are": parts.from_cases,
            "from the target's randomness": parts.from_target,
            "from the judge's": parts.from_judge,
        }
        sources = ", ".join(
            f"{percent(share, 0)} {source}" for source, share in shares.items() if share is not None
        )
        yield f"{one_line(parts.metric)}: of the interval's variance {sources}; {parts.advice}."


def _thin(result: EvaluationResult) -> Iterator[str]:
    """Yield a sentence for each set of metrics that share a coverage too small to rely on."""
    groups: dict[tuple[int, int, float], list[str]] = {}
    for estimate in result.estimates.values():
        coverage = estimate.coverage
        if coverage is not None and coverage < COVERAGE and estimate.value is not None:
            counts = estimate.n_scored, estimate.n_total, coverage
            groups.setdefault(counts, []).append(one_line(estimate.key))
    for (scored, total, coverage), keys in groups.items():
        left = len(keys) - _MOST_KEYS
        more = f" and {plural(left, 'metric')} more" if left > 0 else ""
        speak = "the number speaks" if len(keys) == 1 else "the numbers speak"
        yield (
            f"{', '.join(keys[:_MOST_KEYS])}{more}: only {scored:,} of {plural(total, 'case')} "
            f"{'has' if scored == 1 else 'have'} a value (coverage {percent(coverage)}); "
            f"{speak} for those alone."
        )


def _unfinished(result: EvaluationResult) -> Iterator[str]:
    status = result.facts.status
    if status in WHOLE:
        return
    left = max((estimate.n_not_run for estimate in result.estimates.values()), default=0)
    stops = {"budget": "The budget was spent", OUTAGE: "The evaluation stopped: nothing answers"}
    what = stops.get(status, "The evaluation was interrupted")
    text = f"{what}: {left:,} of {plural(len(result), 'case')} were not run."
    more = " --budget AMOUNT" if status == "budget" else ""
    if result.run_id is None:
        yield f"{text} Without a store it cannot be resumed."
    else:
        yield f"{text} Finish it: evalkit resume {result.run_id}{more}"
        if status == OUTAGE and result.facts.plan.judge_model:
            yield (
                "Another model for judges that name none: "
                f"evalkit retry {result.run_id} --judge-model MODEL"
            )
