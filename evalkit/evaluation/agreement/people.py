"""A judge among people: may it replace one, and what would they have said of all cases."""

from __future__ import annotations

import itertools
from typing import Any, Final, Literal

import numpy as np

from evalkit.entities.calibration import PopulationMean, Replaceability
from evalkit.evaluation.agreement.cut import Codes, Cut, label_codes, verdict_numbers
from evalkit.evaluation.agreement.labelled import Floats, LabelledCases
from evalkit.scoring.estimate import Design
from evalkit.stats.agreement import cohen_kappa, contingency_table
from evalkit.stats.alternative_annotator import alternative_annotator_test
from evalkit.stats.clustered import rate_trials
from evalkit.stats.debias import prediction_powered_mean, rogan_gladen
from evalkit.stats.intervals import mean_interval

_FEWEST_ANNOTATORS: Final = 3
_FEWEST_LABELS: Final = 2


def replaceability_of(cases: LabelledCases, rows: Any, cut: Cut, epsilon: float) -> Replaceability:
    """Return whether the judge may replace a human annotator, by the labels of cases *rows*.

    Cases with fewer than two annotators say nothing, and cases on which people tie do.

    References:
        Calderon, Reichart and Dror (2025), *The Alternative Annotator Test*, ACL, arXiv
        2501.10970.
    """
    n, kappa = len(cases.annotators), _human_kappa(cases)

    def unknown(why: str) -> Replaceability:
        return Replaceability(status="unknown", why=why, n_annotators=n, human_kappa=kappa)

    if n < _FEWEST_ANNOTATORS:
        have = "is 1 annotator" if n == 1 else f"are {n} annotators"
        return unknown(f"not enough annotators: the test takes three or more, and there {have}")
    scores = cases.kind in {"ordinal", "numeric"}
    try:
        test = alternative_annotator_test(
            verdict_numbers(cases, cut)[rows],
            np.stack([labels[rows] for labels in cases.annotators.values()]),
            epsilon=epsilon,
            alignment="score" if scores else "label",
        )
    except ValueError as error:
        return unknown(f"not enough labels: {error}")
    why = (
        f"it may replace {int(test.rejected.sum())} of {len(test.annotators)} annotators at "
        f"epsilon {epsilon:g} (winning rate {test.winning_rate:.2f}, half is needed)"
    )
    return Replaceability(
        status="yes" if test.passed else "no",
        why=why,
        n_annotators=n,
        winning_rate=test.winning_rate,
        advantage=test.advantage,
        epsilon=epsilon,
        human_kappa=kappa,
    )


def _human_kappa(cases: LabelledCases) -> float | None:
    """Average Cohen's kappa over all pairs of annotators; quadratic for ordered labels.

    It is that of all cases, those on which no label prevails among them: people agree on the rest.
    """
    if not cases.values:
        return None
    weights: Literal["quadratic"] | None = "quadratic" if cases.kind == "ordinal" else None
    kappas: list[float] = []
    for a, b in itertools.combinations(cases.annotators.values(), 2):
        both = np.isin(a, cases.values) & np.isin(b, cases.values)
        if both.any():
            table = contingency_table(a[both], b[both], labels=cases.values)
            kappa = cohen_kappa(table, weights=weights, values=cases.values).value
            kappas += [] if kappa is None else [kappa]
    return float(np.mean(kappas)) if kappas else None


def population_of(
    cases: LabelledCases, held: Any, dev: Any, cut: Cut, design: Design
) -> tuple[PopulationMean, ...]:
    """Return the mean of all judged cases, as the judge has it and corrected by few labels.

    Nothing where every judged case is labelled, where labels have no value, or where no label
    prevails on some case: those are the hard ones, and the rest is no random sample.

    References:
        Angelopoulos, Duchi and Zrnic (2023), arXiv 2311.01453 (PPI++); Rogan and Gladen (1978);
        Lang and Reiczigel (2014).
    """
    if cases.kind == "nominal" or cases.n_undecided:
        return ()
    judge = verdict_numbers(cases, cut)
    judged = np.isfinite(judge)
    everyone, rest = np.flatnonzero(judged), np.flatnonzero(judged & ~cases.labelled)
    # What was cut where the development cases say so fits them too well to correct by them.
    labelled = held if cut.fitted else np.union1d(held, dev)
    labelled = labelled[judged[labelled]]
    if not len(rest) or len(labelled) < _FEWEST_LABELS:
        return ()
    rate = cases.kind != "numeric" and set(np.unique(judge[judged])) <= {0.0, 1.0}
    n, means = len(everyone), list[PopulationMean]()
    raw = mean_interval(
        judge[everyone],
        groups=design.groups_of(everyone),
        binary=rate,
        level=design.level,
        seed=design.seed,
    )
    if raw is not None:
        limits = {"value": float(judge[everyone].mean()), "low": raw.low, "high": raw.high}
        means.append(PopulationMean(method="judge", n=n, n_labelled=0, **limits))
    mean = prediction_powered_mean(
        cases.human[labelled],
        judge[labelled],
        judge[rest],
        level=design.level,
        groups_labelled=design.groups_of(labelled),
        groups_unlabelled=design.groups_of(rest),
    )
    if mean.standard_error > 0:
        limits = {"value": mean.value, "low": mean.low, "high": mean.high}
        if rate:
            limits = {name: min(1.0, max(0.0, limit)) for name, limit in limits.items()}
        means.append(PopulationMean(method="ppi++", n=n, n_labelled=len(labelled), **limits))
    codes = label_codes(cases, cut, held) if rate else None
    by_rates = None if codes is None else _by_error_rates(held, codes, rest, judge[rest], design)
    return tuple(means) if by_rates is None else (*means, by_rates)


def _by_error_rates(
    held: Any, codes: tuple[Codes, Codes], rest: Any, judge: Floats, design: Design
) -> PopulationMean | None:
    """Correct the rate of *rest*, which the judge gives as *judge*, by its errors on *held*."""
    human, verdicts = codes
    positive, negative = (verdicts >= 0) & (human == 1), (verdicts >= 0) & (human == 0)
    if not positive.any() or not negative.any():
        return None
    right_of_positive, right_of_negative = verdicts[positive] == 1, verdicts[negative] == 0
    try:
        rate = rogan_gladen(
            float(judge.mean()),
            rate_trials(judge, groups=design.groups_of(rest)),
            sensitivity=float(right_of_positive.mean()),
            positives=rate_trials(right_of_positive, groups=design.groups_of(held[positive])),
            specificity=float(right_of_negative.mean()),
            negatives=rate_trials(right_of_negative, groups=design.groups_of(held[negative])),
            level=design.level,
        )
    except ValueError:  # hardly better than guessing, which the figures show
        return None
    return PopulationMean(
        method="rogan-gladen",
        value=rate.value,
        low=rate.low,
        high=rate.high,
        n=len(rest),
        n_labelled=int((verdicts >= 0).sum()),
    )
