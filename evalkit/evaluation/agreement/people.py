"""A judge among people: may it replace one, and what would they have said of all cases."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from evalkit.entities.calibration import PopulationMean, Replaceability
from evalkit.evaluation.agreement.cut import Cut
from evalkit.evaluation.agreement.figures import Setting, labels_of

if TYPE_CHECKING:
    from evalkit.evaluation.agreement.pairs import Floats, Pairs

_FEWEST_ANNOTATORS: Final = 3
_FEWEST_LABELS: Final = 2


def replaceability_of(pairs: Pairs, rows: Any, cut: Cut, epsilon: float) -> Replaceability:
    """Return whether the judge may replace a human annotator, by the labels of cases *rows*.

    References:
        Calderon, Reichart and Dror (2025), *The Alternative Annotator Test*, ACL, arXiv
        2501.10970.
    """
    from evalkit.stats.alternative_annotator import alternative_annotator_test

    who = list(pairs.annotators)
    if len(who) < _FEWEST_ANNOTATORS:
        have = f"{len(who)} annotator{'' if len(who) == 1 else 's'}"
        verb = "is" if len(who) == 1 else "are"
        why = f"not enough annotators: the test takes three or more, and there {verb} {have}"
        kappa = _human_kappa(pairs)
        return Replaceability(status="unknown", why=why, n_annotators=len(who), human_kappa=kappa)
    people = np.stack([pairs.annotators[name][rows] for name in who])
    judge = pairs.judge[rows]
    if pairs.graded:
        _, codes = labels_of(pairs, cut, rows)
        judge = np.where(codes < 0, np.nan, codes.astype(np.float64))
    scores = pairs.kind in {"ordinal", "numeric"}
    kappa = _human_kappa(pairs)
    try:
        found = alternative_annotator_test(
            judge, people, epsilon=epsilon, alignment="score" if scores else "label"
        )
    except ValueError as error:
        verb = "is" if len(who) == 1 else "are"
        why = f"not enough labels: {error}"
        return Replaceability(status="unknown", why=why, n_annotators=len(who), human_kappa=kappa)
    better = int(found.rejected.sum())
    why = (
        f"it may replace {better} of {len(found.annotators)} annotators at epsilon {epsilon:g} "
        f"(winning rate {found.winning_rate:.2f}, half is needed)"
    )
    return Replaceability(
        status="yes" if found.passed else "no",
        why=why,
        n_annotators=len(who),
        winning_rate=found.winning_rate,
        advantage=found.advantage,
        epsilon=epsilon,
        human_kappa=kappa,
    )


def _human_kappa(pairs: Pairs) -> float | None:
    """Return the mean Cohen's kappa of all pairs of annotators; quadratic for ordered labels.

    It is that of all cases, those on which no label prevails among them: people agree on the rest.
    """
    from evalkit.stats.agreement import cohen_kappa, contingency_table

    if not pairs.values:
        return None
    weights: Literal["quadratic"] | None = "quadratic" if pairs.kind == "ordinal" else None
    found: list[float] = []
    for a, b in itertools.combinations(pairs.annotators.values(), 2):
        both = np.isin(a, pairs.values) & np.isin(b, pairs.values)
        if both.any():
            table = contingency_table(a[both], b[both], labels=pairs.values)
            kappa = cohen_kappa(table, weights=weights, values=pairs.values).value
            found += [] if kappa is None else [kappa]
    return float(np.mean(found)) if found else None


def population_of(
    pairs: Pairs, held: Any, dev: Any, cut: Cut, setting: Setting
) -> tuple[PopulationMean, ...]:
    """Return the mean of all judged cases, as the judge has it and corrected by few labels.

    Nothing where every judged case is labelled, where labels have no value, or where no label
    prevails on some case: those are the hard ones, and the rest is no random sample.

    References:
        Angelopoulos, Duchi and Zrnic (2023), arXiv 2311.01453 (PPI++); Rogan and Gladen (1978);
        Lang and Reiczigel (2014).
    """
    from evalkit.stats.debias import prediction_powered_mean
    from evalkit.stats.intervals import mean_interval

    if pairs.kind == "nominal" or pairs.n_undecided:
        return ()
    human, judge = _numbers(pairs, cut)
    judged = np.isfinite(judge)
    rest = np.flatnonzero(judged & ~pairs.labelled)
    # What was cut where the development cases say so fits them too well to correct by them.
    labelled = held if cut.fitted else np.union1d(held, dev)
    labelled = labelled[judged[labelled]]
    if not len(rest) or len(labelled) < _FEWEST_LABELS:
        return ()
    rate = pairs.kind != "numeric" and set(np.unique(judge[judged])) <= {0.0, 1.0}
    everyone = np.flatnonzero(judged)
    groups = setting.groups
    raw = mean_interval(
        judge[everyone],
        groups=None if groups is None else groups[everyone],
        binary=rate,
        level=setting.level,
        seed=setting.seed,
    )
    corrected = prediction_powered_mean(
        human[labelled],
        judge[labelled],
        judge[rest],
        level=setting.level,
        groups_labelled=None if groups is None else groups[labelled],
        groups_unlabelled=None if groups is None else groups[rest],
    )
    found: list[PopulationMean] = []
    n = len(everyone)
    if raw is not None:
        mean = float(judge[everyone].mean())
        found.append(_mean("judge", mean, (raw.low, raw.high), n, 0))
    if corrected.standard_error > 0:
        low, value, high = corrected.low, corrected.value, corrected.high
        if rate:
            low, value, high = (min(1.0, max(0.0, one)) for one in (low, value, high))
        found.append(_mean("ppi++", value, (low, high), n, len(labelled)))
    return (*found, *_by_error_rates(pairs, held, rest, judge, cut, setting, rate=rate))


def _numbers(pairs: Pairs, cut: Cut) -> tuple[Floats, Floats]:
    """Return human labels and verdicts as numbers to average."""
    if not pairs.graded:
        return pairs.human, pairs.judge
    codes = np.where(np.isnan(pairs.judge), np.nan, pairs.judge >= (cut.judge or 0.5))
    return pairs.human, codes


def _by_error_rates(  # noqa: PLR0917
    pairs: Pairs, held: Any, rest: Any, judge: Floats, cut: Cut, setting: Setting, *, rate: bool
) -> tuple[PopulationMean, ...]:
    from evalkit.stats.debias import rogan_gladen

    human, said = labels_of(pairs, cut, held)
    if not rate or human is None:
        return ()
    known = said >= 0
    positive, negative = known & (human == 1), known & (human == 0)
    if not positive.any() or not negative.any():
        return ()
    found_of, cleared_of = said[positive] == 1, said[negative] == 0
    try:
        found = rogan_gladen(
            float(judge[rest].mean()),
            _trials(judge[rest], rest, setting),
            sensitivity=float(found_of.mean()),
            positives=_trials(found_of, held[positive], setting),
            specificity=float(cleared_of.mean()),
            negatives=_trials(cleared_of, held[negative], setting),
            level=setting.level,
        )
    except ValueError:  # hardly better than guessing, which the figures show
        return ()
    ends = (found.low, found.high)
    return (_mean("rogan-gladen", found.value, ends, len(rest), int(known.sum())),)


def _trials(values: Any, rows: Any, setting: Setting) -> float:
    """Return how many independent cases the *values* of cases *rows* are worth."""
    from evalkit.stats.clustered import rate_trials

    return rate_trials(values, groups=None if setting.groups is None else setting.groups[rows])


def _mean(
    method: Any, value: float, ends: tuple[float, float], n: int, n_labelled: int
) -> PopulationMean:
    return PopulationMean(
        method=method, value=value, low=ends[0], high=ends[1], n=n, n_labelled=n_labelled
    )
