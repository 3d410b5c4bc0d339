"""How a jury's members agree, how often they overrule the first, and what truth they suggest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalkit.stats.rater_errors import DawidSkene

_FEWEST = 2


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

    dawid_skene: DawidSkene
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
    labels = sorted(
        {label for votes in ballots for vote in votes if (label := _said(vote)) is not None}
    )
    if not labels:
        raise ValueError("there is no vote")
    codes = np.full((len(jurors), len(ballots)), np.nan)
    asked = np.zeros_like(codes, dtype=bool)
    for case, votes in enumerate(ballots):
        for juror, vote in enumerate(votes):
            asked[juror, case] = True
            label = _said(vote)
            if label is not None:
                codes[juror, case] = labels.index(label)
    voted = ~np.isnan(codes).all(axis=0)
    codes, asked = codes[:, voted], asked[:, voted]
    counts = np.stack([place == codes.T for place in range(len(labels))], axis=2)
    truth = dawid_skene(counts.astype(np.float64), smoothing=0.01)
    correlation = _error_correlation(codes, np.asarray(truth.labels, dtype=np.float64))
    flips = [bool(row["flipped"]) for row in rows if "flipped" in row]
    m = len(jurors)
    return JuryReport(
        jurors=tuple(str(vote.get("model")) for vote in jurors),
        labels=tuple(labels),
        n_cases=int(codes.shape[1]),
        abstentions=tuple((asked & np.isnan(codes)).mean(axis=1).tolist()),
        alpha=krippendorff_alpha(codes) if m >= _FEWEST else None,
        flip_rate=sum(flips) / len(flips) if flips else None,
        error_correlation=correlation,
        effective_jurors=None if correlation is None else m / (1 + (m - 1) * max(0.0, correlation)),
        dawid_skene=truth,
    )


def _said(vote: Mapping[str, Any]) -> str | None:
    if vote.get("label") is not None:
        return str(vote["label"])
    return None if vote.get("value") is None else f"{float(vote['value']):g}"


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
