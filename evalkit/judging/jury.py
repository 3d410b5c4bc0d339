"""Several models judge the same cases: their verdict together, and a report on themselves."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, cast

from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.judging.calibration import Calibrated
from evalkit.judging.judge import Judge
from evalkit.judging.outcome import ballot, mean
from evalkit.judging.together import together
from evalkit.scoring.facts import MetricFacts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalkit.stats.rater_errors import DawidSkene

Combine = Literal["majority", "mean", "trimmed_mean"]

_FEWEST: Final = 2
_VOTE: Final = ("label", "value", "reason", "explanation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jury(Calibrated):
    """Score each case by several judges; one that cannot say anything abstains.

    A case fails where at least half of the jury abstains, and, for ``majority``, with reason
    ``no_majority`` where no verdict has more than half of the votes given.  Votes, agreement and
    whether the first juror was overruled are in each score's metadata; `jury_report` sums them up.

    References:
        Verga et al. (2024), *Replacing Judges with Juries*, arXiv 2404.18796.

    Examples:
        >>> judge = Judge(name="polite", instructions="Is {{ outputs }} polite?")
        >>> jury_of(judge, ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]).name
        'polite'
    """

    name: str = "jury"
    judges: tuple[Judge, ...]
    """Jurors; best of models of different families, whose errors differ."""

    combine: Combine = "majority"
    """``majority`` of labels (strict), or ``mean`` or ``trimmed_mean`` of values; the last leaves
    out the lowest and the highest where three or more vote."""

    borderline: tuple[float, float] | None = None
    """Only where the first juror's value lies in this range are the others asked."""

    metered: ClassVar[bool] = True

    def __post_init__(self) -> None:
        judges = [Judge(**cast("Any", j)) if isinstance(j, Mapping) else j for j in self.judges]
        object.__setattr__(self, "judges", tuple(judges))
        if self.borderline is not None:
            object.__setattr__(self, "borderline", tuple(self.borderline))
        if len(judges) < _FEWEST:
            raise UsageError(f"A jury has two judges or more; got {len(judges)}.")
        if self.combine not in {"majority", "mean", "trimmed_mean"}:
            raise UsageError(f"combine= is majority, mean or trimmed_mean; got {self.combine!r}.")

    @property
    def facts(self) -> MetricFacts:
        """Facts of the first juror; yes or no only where votes are counted."""
        facts = self.judges[0].facts
        return facts if self.combine == "majority" else dataclasses.replace(facts, binary=False)

    @property
    def requires(self) -> frozenset[str]:
        """What any of the jurors needs."""
        return frozenset[str]().union(*(judge.requires for judge in self.judges))

    @property
    def reads_session(self) -> bool:
        """Whether any juror reads conversations."""
        return any(judge.reads_session for judge in self.judges)

    @property
    def model(self) -> str | None:
        """Model strings of the jurors; ``None`` while one has none."""
        models = [judge.model for judge in self.judges]
        return None if None in models else ", ".join(str(model) for model in models)

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the signature shows: each juror, and how they are combined."""
        jurors = [dict(judge.identity) for judge in self.judges]
        return {"jurors": jurors, "combine": self.combine, "borderline": self.borderline}

    def with_model(self, model: str, *, base_url: str | None = None) -> Self:
        """Return this jury, where those without a model ask *model*."""
        judges = [
            judge.with_model(model, base_url=base_url) if judge.model is None else judge
            for judge in self.judges
        ]
        return dataclasses.replace(self, judges=tuple(judges))

    def check(self) -> None:
        """Refuse to start where a juror cannot work, or verdicts cannot be combined.

        Raises:
            UsageError: Saying what is wrong.
        """
        forms = [judge.prepared.form for judge in self.judges]
        if self.combine == "majority" and len({form.labels for form in forms}) > 1:
            raise UsageError("A majority needs jurors with the same choices; use combine='mean'.")
        if self.combine != "majority" and not all(form.valued for form in forms):
            raise UsageError("A mean needs choices with values; use combine='majority'.")
        for judge in self.judges:
            judge.check()

    async def score(self, case: Case, /) -> Score:
        """Return what the jury says of *case*."""
        first, *others = [functools.partial(judge.score, case) for judge in self.judges]
        if self.borderline is None:
            return self.combined(await together([first, *others]))
        scores = [await first()]
        low, high = self.borderline
        value = scores[0].value
        if scores[0].status is Status.FAILED or (value is not None and low <= value <= high):
            scores += await together(others)
        return self.combined(scores)

    def combined(self, votes: Sequence[Score]) -> Score:
        """Return the score that *votes*, one of each juror asked, give together."""
        if any(vote.status is Status.SKIPPED for vote in votes):
            return next(vote for vote in votes if vote.status is Status.SKIPPED)
        verdicts = [vote for vote in votes if vote.status is Status.OK]
        facts: dict[str, Any] = {
            "votes": [
                {"model": judge.model, **{name: getattr(vote, name) for name in _VOTE}}
                for judge, vote in zip(self.judges, votes, strict=False)
            ]
        }
        if len(verdicts) * 2 <= len(votes):
            reason = Counter(vote.reason for vote in votes if vote.reason).most_common(1)[0][0]
            explanation = f"{len(votes) - len(verdicts)} of {len(votes)} jurors abstain."
            return dataclasses.replace(Score.failed(reason, explanation), metadata=facts)
        facts["agreement"] = agreement([ballot(vote.label, vote.value) for vote in verdicts])
        if self.combine == "majority":
            return _majority(verdicts, votes[0], facts)
        values = sorted(float(vote.value) for vote in verdicts if vote.value is not None)
        trimmed = self.combine == "trimmed_mean" and len(values) > _FEWEST
        value = mean(values[1:-1] if trimmed else values)
        facts["flipped"] = votes[0].value != value
        return Score(value, explanation=verdicts[0].explanation, metadata=facts)


def jury_of(judge: Judge, models: Sequence[str | Mapping[str, str]], **settings: Any) -> Jury:
    """Return a jury in which each of *models* asks what *judge* asks.

    Args:
        judge: The question.
        models: Model strings, or mappings with ``model`` and ``base_url``.
        **settings: ``name``, ``combine``, ``borderline`` of `Jury`.
    """
    named = [{"model": m} if isinstance(m, str) else dict(m) for m in models]
    judges = tuple(judge.with_model(m["model"], base_url=m.get("base_url")) for m in named)
    settings = {"name": judge.name, **settings}
    return Jury(judges=judges, **settings)


def agreement(verdicts: Sequence[str]) -> float | None:
    """Return the share of pairs of votes that are equal; ``None`` with fewer than two.

    Examples:
        >>> round(agreement(["yes", "yes", "no"]), 4)
        0.3333
    """
    pairs = math.comb(len(verdicts), 2)
    return sum(math.comb(n, 2) for n in Counter(verdicts).values()) / pairs if pairs else None


def _majority(verdicts: Sequence[Score], first: Score, facts: dict[str, Any]) -> Score:
    ballots = [ballot(vote.label, vote.value) for vote in verdicts]
    votes = Counter(ballots)
    (top, count), *_ = votes.most_common()
    if count * 2 <= len(verdicts):
        counts = ", ".join(f"{label}: {n}" for label, n in votes.items())
        explanation = f"No verdict has more than half of the votes ({counts})."
        return dataclasses.replace(Score.failed("no_majority", explanation), metadata=facts)
    facts["flipped"] = first.status is not Status.OK or ballot(first.label, first.value) != top
    return dataclasses.replace(verdicts[ballots.index(top)], metadata=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class JuryReport:
    """What the votes of all cases say of the jury itself."""

    jurors: tuple[str, ...]
    labels: tuple[str, ...]
    """Verdicts that occur, in alphabetical order."""

    n_cases: int
    """Cases with at least one vote."""

    abstentions: tuple[float, ...]
    """Share of cases in which each juror was asked and abstained."""

    alpha: float | None
    """Krippendorff's alpha of the labels; ``None`` where only one label occurs."""

    flip_rate: float | None
    """Share of decided cases in which the first juror was overruled or abstained."""

    error_correlation: float | None
    """Mean correlation of the jurors' errors against the likeliest labels, over their pairs;
    ``None`` where no two jurors err."""

    effective_jurors: float | None
    """Number of independent jurors worth as much: ``m / (1 + (m - 1) r)``."""

    dawid_skene: DawidSkene = field(repr=False)
    """True labels and each juror's confusion, as expectation maximisation finds them."""

    @property
    def consensus(self) -> tuple[str, ...]:
        """Return the likeliest label of each case that has a vote, in order."""
        return tuple(self.labels[place] for place in self.dawid_skene.labels)


def jury_report(metadata: Iterable[Mapping[str, Any] | None]) -> JuryReport:
    """Return the report on a jury from the metadata of its scores, one a case.

    Args:
        metadata: Metadata with ``votes``, as `Jury` leaves them; others are passed over.

    Raises:
        ValueError: If there is no vote.

    Examples:
        >>> def case(*labels):
        ...     votes = [{"model": f"m{n}", "label": label} for n, label in enumerate(labels)]
        ...     return {"votes": votes, "flipped": False}
        >>> report = jury_report([case("yes", "yes", "no"), case("no", "no", "no")])
        >>> report.consensus, report.flip_rate
        (('yes', 'no'), 0.0)

    References:
        Dawid and Skene (1979), *Applied Statistics* 28:20; Kish (1965), *Survey Sampling*, for the
        effective number.
    """
    import numpy as np

    # start-up: statistics import numpy
    from evalkit.stats.rater_errors import dawid_skene
    from evalkit.stats.reliability import krippendorff_alpha

    rows = [row for row in metadata if row and row.get("votes")]
    ballots = [cast("list[Mapping[str, Any]]", row["votes"]) for row in rows]
    jurors = max(ballots, key=len, default=[])
    words = [[ballot(vote.get("label"), vote.get("value")) for vote in votes] for votes in ballots]
    labels = sorted({word for votes in words for word in votes if word})
    if not labels:
        raise ValueError("there is no vote")
    codes = np.full((len(jurors), len(ballots)), np.nan)
    present = np.zeros_like(codes, dtype=bool)
    for case, votes in enumerate(words):
        for juror, word in enumerate(votes):
            present[juror, case] = True
            if word:
                codes[juror, case] = labels.index(word)
    voted = ~np.isnan(codes).all(axis=0)
    codes, present = codes[:, voted], present[:, voted]
    counts = np.stack([place == codes.T for place in range(len(labels))], axis=2)
    truth = dawid_skene(counts.astype(np.float64), smoothing=0.01)
    correlation = _error_correlation(codes, np.asarray(truth.labels, dtype=np.float64))
    flips = [bool(row["flipped"]) for row in rows if "flipped" in row]
    m = len(jurors)
    return JuryReport(
        jurors=tuple(str(vote.get("model")) for vote in jurors),
        labels=tuple(labels),
        n_cases=int(codes.shape[1]),
        abstentions=tuple((present & np.isnan(codes)).mean(axis=1).tolist()),
        alpha=krippendorff_alpha(codes) if m >= _FEWEST else None,
        flip_rate=sum(flips) / len(flips) if flips else None,
        error_correlation=correlation,
        effective_jurors=None if correlation is None else m / (1 + (m - 1) * max(0.0, correlation)),
        dawid_skene=truth,
    )


def _error_correlation(
    codes: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]
) -> float | None:
    """Return the mean correlation of errors over pairs of jurors who both err and both vote."""
    import numpy as np

    correlations: list[float] = []
    for first in range(codes.shape[0]):
        for second in range(first + 1, codes.shape[0]):
            both = ~np.isnan(codes[first]) & ~np.isnan(codes[second])
            errors = [codes[juror, both] != truth[both] for juror in (first, second)]
            if all(error.any() and not error.all() for error in errors):
                correlations.append(float(np.corrcoef(*errors)[0, 1]))
    return sum(correlations) / len(correlations) if correlations else None
