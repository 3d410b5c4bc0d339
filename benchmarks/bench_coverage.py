"""Print how often 95 % intervals cover the truth, by simulation.

Run it from the root of a checkout: ``python benchmarks/bench_coverage.py [--samples 4000]``.  Each
table is seeded; the bars it is held to are printed beside it, and the exit code is 1 where one
fails.  `evalkit.stats.mean_interval` chooses every interval, as it does in an evaluation.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import evalkit
from evalkit.evaluation.comparing.resampled import additive_difference, rows_difference
from evalkit.plugin import Additive, Interval, Rows, ScoreColumn
from evalkit.scoring import estimate
from evalkit.stats import mean_interval, paired_difference, quantile_interval
from evalkit.stats.calibration import debiased_calibration_error
from evalkit.stats.difference import PairedDifference
from evalkit_scorers.classification import (
    F1,
    AveragePrecision,
    BalancedAccuracy,
    CohenKappa,
    Mcc,
    Precision,
    Recall,
    RocAuc,
)

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
Limits = Interval | None

_OF_LABELS: dict[str, Any] = {
    "recall": Recall(pos_label=1),
    "precision": Precision(pos_label=1),
    "F1": F1(pos_label=1),
    "macro F1": F1(average="macro"),
    "balanced accuracy": BalancedAccuracy(),
    "MCC": Mcc(),
    "kappa": CohenKappa(),
}
SIZES = (20, 30, 50, 100, 200, 500)
SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


@dataclass(frozen=True, slots=True)
class Row:
    """Coverage of one kind of values at one size, over a range of true means."""

    kind: str
    n: int
    coverage: tuple[float, ...]
    low: float
    high: float
    least: float
    given: float = 1.0
    """Share of the samples that have an interval; coverage is that of these."""

    @property
    def mean(self) -> float:
        """Return the coverage averaged over the true means."""
        return float(np.mean(self.coverage))

    @property
    def holds(self) -> bool:
        """Return whether mean and minimum are within the bar."""
        return self.low <= self.mean <= self.high and min(self.coverage) >= self.least

    def __str__(self) -> str:
        verdict = "" if self.holds else "  <- outside the bar"
        numbers = f"{self.mean:7.4f} {min(self.coverage):7.4f} {max(self.coverage):7.4f}"
        numbers += f" {self.given:6.3f}"
        return f"{self.kind:34} {self.n:5} {numbers}{verdict}"


def exact_rates(
    sizes: tuple[int, ...] = SIZES, shares: tuple[float, ...] = SHARES
) -> Iterator[Row]:
    """Yield the coverage of rates, summed over the binomial distribution: no simulation noise."""
    from scipy.stats import binom

    for n in sizes:
        found = [mean_interval([1] * k + [0] * (n - k), binary=True) for k in range(n + 1)]
        counts = np.arange(n + 1)
        coverage = []
        for p in shares:
            inside = np.array([one is not None and p in one for one in found])
            coverage.append(float(binom.pmf(counts, n, p) @ inside))
        yield Row("rate, declared yes/no (exact)", n, tuple(coverage), 0.94, 0.97, 0.92)


def three_valued(p: float) -> Draw:
    """Return draws of 0, 0.5 and 1 with mean *p*, 0.5 as often as it can be, times 0.3."""
    middle = 0.6 * min(p, 1 - p)
    one = p - middle / 2

    def draw(rng: np.random.Generator, n: int) -> Floats:
        u = rng.random(n)
        return np.where(u < one, 1.0, np.where(u < one + middle, 0.5, 0.0))

    return draw


def beta(p: float, size: float) -> Draw:
    """Return draws from a beta distribution with mean *p*; *size* is the sum of its parameters."""
    return lambda rng, n: rng.beta(p * size, (1 - p) * size, n)


def overlap(p: float) -> Draw:
    """Return scores such as token F1: some 0, some 1, the rest between."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        u, middle = rng.random(n), rng.beta(6 * p, 6 * (1 - p), n)
        return np.where(u < 0.25 * p, 1.0, np.where(u > 1 - 0.25 * (1 - p), 0.0, middle))

    return draw


def repeated(p: float, repeats: int, icc: float) -> Draw:
    """Return case means of yes/no repeats, correlated within a case."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        chance = _chances(rng, p, icc, n)
        return rng.binomial(repeats, chance) / repeats

    return draw


def bounded(samples: int, sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    """Yield the coverage of means of scores bounded in [0, 1], over their true means."""
    kinds: dict[str, Callable[[float], Draw]] = {
        "bounded: 0 or 1, undeclared": lambda p: lambda rng, n: (rng.random(n) < p).astype(float),
        "bounded: 0, 0.5 or 1": three_valued,
        "bounded: beta, u-shaped": lambda p: beta(p, 0.5),
        "bounded: beta, flat": lambda p: beta(p, 2.0),
        "bounded: overlap with 0s and 1s": overlap,
    }
    for kind, make in kinds.items():
        for n in sizes:
            coverage = [_coverage(kind, make(p), n, p, samples) for p in SHARES]
            yield Row(kind, n, tuple(coverage), 0.92, 0.99, 0.92 - 2 * _noise(samples))


def repeats(samples: int, sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    """Yield the coverage of means of cases run several times, over ICC 0 to 0.6 and rates."""
    for times in (2, 4, 8):
        kind = f"repeats: {times} a case"
        for n in sizes:
            coverage = [
                _coverage(f"{kind} {icc}", repeated(p, times, icc), n, p, samples)
                for icc in (0.0, 0.1, 0.3, 0.6)
                for p in (0.1, 0.3, 0.5, 0.8)
            ]
            yield Row(kind, n, tuple(coverage), 0.93, 0.99, 0.0)


def hard_to_see(samples: int, sizes: tuple[int, ...] = SIZES) -> Iterator[Row]:
    """Yield what few samples show: scores near 0.9, and a rare 0.  Reported, without a bar."""
    kind = "bounded: near 0.9, rarely 0"
    for n in sizes:
        coverage = []
        for rare in (0.02, 0.05, 0.1):
            draw = failing(rare)
            coverage.append(_coverage(kind, draw, n, 0.9 * (1 - rare), samples))
        yield Row(kind, n, tuple(coverage), 0.0, 1.0, 0.0)


def failing(rare: float) -> Draw:
    """Return draws near 0.9 that are 0 with probability *rare*."""
    return lambda rng, n: rng.beta(27, 3, n) * (rng.random(n) >= rare)


@dataclass(frozen=True, slots=True)
class Design:
    """How cases are grouped."""

    n_groups: int
    size: int
    uneven: bool

    def groups(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return the group of each case; uneven sizes are uniform from 1 to twice the mean."""
        sizes = np.full(self.n_groups, self.size)
        if self.uneven:
            sizes = rng.integers(1, 2 * self.size, self.n_groups)
        return np.repeat(np.arange(self.n_groups), sizes)

    def coverage(self, samples: int, p: float, icc: float) -> float:
        """Return how often the interval of a rate covers *p*."""
        rng = np.random.default_rng(_seed(str(self), self.n_groups, p + icc))
        hits = 0
        for _ in range(samples):
            groups = self.groups(rng)
            chance = _chances(rng, p, icc, self.n_groups)[groups]
            values = (rng.random(groups.size) < chance).astype(float)
            hits += _covers(values, p, groups=groups, binary=True)
        return hits / samples


def clustered(samples: int, counts: tuple[int, ...] = (20, 30, 50, 100)) -> Iterator[Row]:
    """Yield the coverage of rates of grouped cases, over ICC 0 to 0.6 and several rates."""
    for uneven in (False, True):
        for n_groups in counts:
            for size in (3, 10):
                design = Design(n_groups, size, uneven)
                coverage = [
                    design.coverage(samples, p, icc)
                    for icc in (0.0, 0.1, 0.3, 0.6)
                    for p in (0.1, 0.3, 0.5, 0.8)
                ]
                kind = f"groups of {f'1 to {2 * size - 1}' if uneven else size}"
                yield Row(kind, n_groups, tuple(coverage), 0.93, 0.98, 0.0)


def _row(
    kind: str, n: int, samples: int, find: Callable[[], Limits], truth: float, *, bar: bool = True
) -> Row:
    """Return how often what *find* gives, of a new sample each time, holds the truth."""
    hits = [truth in found for found in (find() for _ in range(samples)) if found is not None]
    least = 0.92 - _noise(samples) if bar else 0.0
    coverage = float(np.mean(hits)) if hits else float("nan")
    return Row(kind, n, (coverage,), least, 1.0, least, len(hits) / samples)


def skewed(samples: int, sizes: tuple[int, ...] = (20, 40, 80, 200, 500)) -> Iterator[Row]:
    """Yield the coverage of means of unbounded, skewed values.

    A tail as long as the last two cannot be told from a shorter one: these are only reported.
    """
    kinds: dict[str, tuple[Draw, float]] = {
        "unbounded: normal": (lambda rng, n: rng.normal(size=n), 0.0),
        "unbounded: exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
        "unbounded: gamma(0.5)": (lambda rng, n: rng.gamma(0.5, size=n), 0.5),
        "unbounded: 4 of 5 are 0": (
            lambda rng, n: rng.exponential(size=n) * (rng.random(n) < 0.2),
            0.2,
        ),
        "unbounded: Pareto(3)": (lambda rng, n: rng.pareto(3, n), 0.5),
        **{
            f"unbounded: lognormal({sigma:g})": _lognormal(sigma)
            for sigma in (0.5, 0.8, 1.0, 1.5, 2.0)
        },
    }
    for kind, (draw, truth) in kinds.items():
        for n in sizes:
            find = _mean_of(draw, n, _seed(kind, n, 0.0))
            reported = kind.endswith(("(1.5)", "(2)"))
            yield _row(kind, n, samples, find, truth, bar=not reported)


def _lognormal(sigma: float) -> tuple[Draw, float]:
    return lambda rng, n: rng.lognormal(0, sigma, n), float(np.exp(sigma**2 / 2))


def _mean_of(draw: Draw, n: int, seed: list[int], **options: Any) -> Callable[[], Limits]:
    rng = np.random.default_rng(seed)
    return lambda: mean_interval(draw(rng, n), **options)


def paired(samples: int, sizes: tuple[int, ...] = (20, 50, 200)) -> Iterator[Row]:
    """Yield the coverage of paired differences of correlated scores.  Reported, without a bar."""
    for kind, binary in (("paired: yes/no", True), ("paired: means of 5 repeats", False)):
        for n in sizes:
            coverage = []
            for p, gain in ((0.3, 0.0), (0.5, 0.1), (0.8, 0.05), (0.9, 0.0)):
                rng = np.random.default_rng(_seed(kind, n, p))
                hits = [_pair_covers(rng, n, p, gain, binary) for _ in range(samples)]
                coverage.append(float(np.mean(hits)))
            yield Row(kind, n, tuple(coverage), 0.0, 1.0, 0.0)


def differences(samples: int, sizes: tuple[int, ...] = (20, 50, 200)) -> Iterator[Row]:
    """Yield the coverage of paired differences without a range, of small spread, and of labels."""
    for kind, draw, bounds in (
        ("paired: latencies and 10 % more", _slower, None),
        ("paired: exactly 10 % more", _a_tenth_more, None),
        ("paired: rare timeouts of both", _timeouts, None),
        ("paired: beta, small spread", _small_spread, (0.0, 1.0)),
    ):
        for n in sizes:
            rng = np.random.default_rng(_seed(kind, n, 0.0))
            truth = draw(rng, n)[2]
            find = functools.partial(_pair_limits, draw, rng, n, bounds)
            yield _row(kind, n, samples, find, truth)
    for noise in (0.0, 0.3):
        for n in sizes:
            kind = f"paired: RMSE of t(5), noise {noise:g}"
            rng = np.random.default_rng(_seed(kind, n, noise))
            truth = (1.21 * 5 / 3 + noise**2) ** 0.5 - (5 / 3) ** 0.5
            find = functools.partial(_rmse_limits, rng, n, noise)
            yield _row(kind, n, samples // 4, find, truth)
    for metric in ("recall", "precision", "f1", "balanced_accuracy", "mcc"):
        for n in sizes:
            coverage = [
                _labels_cover(metric, n, p, max(20, samples // 20)) for p in (0.05, 0.3, 0.5)
            ]
            least = 0.92 - _noise(max(20, samples // 20))
            yield Row(f"paired: {metric}", n, tuple(coverage), least, 1.0, least)


def _pair_limits(
    draw: Any, rng: np.random.Generator, n: int, bounds: tuple[float, float] | None
) -> Limits:
    a, b, _ = draw(rng, n)
    return _limits(paired_difference(a, b, bounds=bounds))


def _rmse_limits(rng: np.random.Generator, n: int, noise: float) -> Limits:
    errors = rng.standard_t(5, n)
    pair = [
        Additive(np.stack([np.ones(n), each**2], axis=1))
        for each in (1.1 * errors + noise * rng.normal(size=n), errors)
    ]
    scorer = evalkit.get_scorer("regression.rmse")
    design = estimate.Design(n=n)
    return _limits(additive_difference(scorer, (pair[0], pair[1]), None, None, design))


def _limits(found: PairedDifference) -> Limits:
    if found.low is None or found.high is None:
        return None
    return Interval(found.low, found.high, "")


def _a_tenth_more(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    base = rng.lognormal(0, 1, n)
    return 1.1 * base, base, 0.1 * float(np.exp(0.5))


def _slower(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    base = rng.lognormal(0, 0.8, n)
    noise = rng.lognormal(-0.02, 0.2, (2, n))  # of mean 1
    return 1.1 * base * noise[0], base * noise[1], 0.1 * float(np.exp(0.32))


def _timeouts(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    late = rng.random((2, n)) < 0.03
    seconds = np.where(late, 30.0, rng.lognormal(0, 0.3, n) * rng.lognormal(0, 0.1, (2, n)))
    return seconds[0], seconds[1], 0.0


def _small_spread(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    base = rng.beta(30, 2, n) * 0.9 + 0.05
    return base - 0.02 + rng.normal(0, 0.002, n), base, -0.02


def _labels_cover(metric: str, n: int, prevalence: float, samples: int) -> float:
    """Return how often the difference of a metric of labels of two systems is covered."""
    scorer: Any = evalkit.get_scorer(f"classification.{metric}")
    rng = np.random.default_rng(_seed(metric, n, prevalence))

    def draw(size: int) -> tuple[Rows, Rows]:
        truth = rng.random(size) < prevalence
        said = [truth ^ (rng.random(size) < wrong) for wrong in (0.05, 0.12)]
        target = np.where(truth, "1", "0").astype(object)
        outputs = [np.where(each, "1", "0").astype(object) for each in said]
        return tuple(Rows({"target": target, "output": each}) for each in outputs)  # type: ignore[return-value]

    truth = float(np.subtract(*(scorer.compute(rows, None) for rows in draw(500_000))))
    hits = 0
    for _ in range(samples):
        pair = draw(n)
        while len(set(pair[0].columns["target"])) == 1:  # of one class it is undefined
            pair = draw(n)
        found = rows_difference(scorer, pair, None, None, estimate.Design(n=n))
        hits += found.low is not None and found.low <= truth <= (found.high or 0.0)
    return hits / samples


def classified(
    samples: int, prevalences: tuple[float, ...] = (0.01, 0.05, 0.1, 0.3, 0.5)
) -> Iterator[Row]:
    """Yield the coverage of metrics of labels, over how good a classifier is.

    Sizes run from 20 to 1,000.  Samples in which a metric is undefined or has no interval are left
    out.
    """
    for name, metric in _OF_LABELS.items():
        for prevalence in prevalences:
            for n in (20, 50, 200, 1000):
                if prevalence * n < 2:
                    continue
                coverage = [
                    _labels_covered(metric, prevalence, n, skill, samples)
                    for skill in ((0.95, 0.98), (0.8, 0.95), (0.5, 0.9))
                ]
                bar = 0.92 - _noise(samples)
                yield Row(f"{name}, {prevalence:g} positive", n, tuple(coverage), bar, 1.0, bar)


def _labels_covered(
    metric: Any, prevalence: float, n: int, skill: tuple[float, float], samples: int
) -> float:
    found, right = skill
    cells = prevalence * found, prevalence * (1 - found), (1 - prevalence) * (1 - right)
    shares = np.array([*cells, 1 - sum(cells)])
    truth = metric.compute(_pairs(np.round(shares * 1_000_000).astype(int)), None)
    rng, hits = np.random.default_rng(_seed(metric.name, n, prevalence + found)), []
    for counts in rng.multinomial(n, shares, size=samples):
        interval = _interval_of(metric, _pairs(counts))
        if interval is not None:
            hits.append(interval.low - 1e-9 <= truth <= interval.high + 1e-9)
    return float(np.mean(hits))


def _pairs(counts: npt.NDArray[np.int64]) -> Rows:
    """Return hits, misses, false alarms and right rejections as pairs of labels."""
    texts = np.array(["0", "1"], dtype=object)
    target, output = np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)
    return Rows({"target": texts[target], "output": texts[output]})


def _interval_of(metric: Any, rows: Rows) -> Any:
    """Return the interval of a corpus metric as an evaluation does."""
    status = np.zeros(len(rows), dtype=np.int8)
    column = ScoreColumn(np.full(len(rows), np.nan), status, statistics=rows)
    design = estimate.Design(n=len(rows))
    found = estimate.estimate_corpus(metric.name, column, metric.facts, design, metric)
    return None if found.low is None or found.high is None else Interval(found.low, found.high, "")


def ranked(
    samples: int, prevalences: tuple[float, ...] = (0.01, 0.05, 0.1, 0.3, 0.5)
) -> Iterator[Row]:
    """Yield the coverage of areas under curves of normal scores, over the area."""
    for metric in (RocAuc(pos_label=1), AveragePrecision(pos_label=1)):
        for prevalence in prevalences:
            for n in (20, 50, 200, 1000):
                if prevalence * n < 4:
                    continue
                coverage = [
                    _ranking_covered(metric, prevalence, n, area, samples)
                    for area in (0.7, 0.8, 0.9, 0.97, 0.99)
                ]
                bar = 0.92 - _noise(samples)
                kind = f"{metric.name.split('.')[1]}, {prevalence:g} positive"
                yield Row(kind, n, tuple(coverage), bar, 1.0, bar)


def _ranking_covered(metric: Any, prevalence: float, n: int, area: float, samples: int) -> float:
    from scipy.stats import norm

    shift = np.sqrt(2) * norm.ppf(area)
    truth = area
    if isinstance(metric, AveragePrecision):
        at = np.linspace(-8, 12, 20_001)
        hits, wrong = norm.sf(at - shift) * prevalence, norm.sf(at) * (1 - prevalence)
        truth = float(np.trapezoid(hits / (hits + wrong) * norm.pdf(at - shift), at))
    rng, inside = np.random.default_rng(_seed(metric.name, n, prevalence + area)), []
    for _ in range(samples):
        event = rng.random(n) < prevalence
        score = rng.normal(size=n) + shift * event
        if event.any() and not event.all():
            keys = np.where(event, "1", "0").astype(object)
            empty = np.full(n, "", dtype=object)
            rows = Rows(
                {"score": score, "event": event * 1.0, "target": keys, "probabilities": empty}
            )
            found = metric.interval(rows)
            inside.append(found is not None and found.low <= truth <= found.high)
    return float(np.mean(inside))


def calibrated(samples: int) -> Iterator[Row]:
    """Yield the coverage of the calibration error of forecasts: right, too sure, too high."""
    from scipy.special import expit, logit

    for slope, shift in ((1.0, 0.0), (0.8, 0.0), (0.6, 0.0), (1.0, -0.5)):
        for stated, draw in (("flat", (1, 1)), ("high", (5, 1)), ("low", (2, 8))):

            def sample(rng: np.random.Generator, n: int) -> tuple[Floats, ...]:
                p = rng.beta(*draw, n)  # noqa: B023  used up before the next
                right = expit(slope * logit(p) + shift)  # noqa: B023
                return p, right, np.minimum(p * 15, 14).astype(int)

            p, right, bins = sample(np.random.default_rng(0), 1_000_000)
            truth = float(abs(np.bincount(bins, right - p)).sum() / p.size)
            for n in (60, 200, 500, 1000):
                kind = f"ECE {truth:.3f}, {stated} forecasts"
                rng = np.random.default_rng(_seed(kind, n, slope + shift))

                def find() -> Limits:
                    p, right, bins = sample(rng, n)  # noqa: B023
                    excess = (rng.random(n) < right) - p  # noqa: B023
                    found = debiased_calibration_error(excess, p, bins)
                    return None if found is None else found.interval

                yield _row(kind, n, samples // 4, find, truth)


def squared(samples: int) -> Iterator[Row]:
    """Yield the coverage of mean squares, whose root is RMSE, of normal and heavy-tailed errors."""
    kinds: dict[str, tuple[Draw, float]] = {
        "RMSE, normal errors": (lambda rng, n: rng.normal(size=n) ** 2, 1.0),
        "RMSE, Laplace errors": (lambda rng, n: rng.laplace(size=n) ** 2, 2.0),
        "RMSE, t errors (5)": (lambda rng, n: rng.standard_t(5, n) ** 2, 5 / 3),
    }
    for kind, (draw, truth) in kinds.items():
        for n in (20, 50, 200, 1000):
            find = _mean_of(draw, n, _seed(kind, n, 0.0), bounds=(0.0, None))
            yield _row(kind, n, samples, find, truth)


def quantiles(samples: int) -> Iterator[Row]:
    """Yield the coverage of the median and the 95th percentile, weighted and in groups."""
    from scipy.stats import norm

    for share in (0.5, 0.95):
        truth = float(norm.ppf(share))
        for n in (100, 300, 1000):
            rng = np.random.default_rng(_seed("quantile", n, share))
            found = [
                quantile_interval(rng.normal(size=n), share, weights=rng.integers(1, 6, n))
                for _ in range(samples)
            ]
            hits = [truth in one for one in found if one is not None]
            bar = 0.92 - _noise(samples)
            yield Row(f"weighted p{share * 100:g}", n, (float(np.mean(hits)),), bar, 1.0, bar)
        for n_groups in (20, 100, 300):
            coverage = []
            for icc in (0.1, 0.5):
                rng, hits = np.random.default_rng(_seed("quantile", n_groups, share + icc)), []
                for _ in range(samples):
                    groups = np.repeat(np.arange(n_groups), rng.integers(1, 10, n_groups))
                    values = np.sqrt(icc) * rng.normal(size=n_groups)[groups]
                    values += np.sqrt(1 - icc) * rng.normal(size=groups.size)
                    one = quantile_interval(values, share, groups=groups)
                    if one is not None:
                        hits.append(truth in one)
                coverage.extend([float(np.mean(hits))] if hits else [])
            if coverage:
                kind = f"grouped p{share * 100:g}"
                bar = 0.92 - _noise(samples)
                yield Row(kind, n_groups, tuple(coverage), bar, 1.0, bar)


def grouped_scores(samples: int) -> Iterator[Row]:
    """Yield the coverage of means of grouped values: skewed ones, and scores of small spread."""
    for sigma in (0.5, 0.8, 1.0):
        for n_groups in (20, 40, 100):
            groups = np.repeat(np.arange(n_groups), 5)

            def draw(rng: np.random.Generator, n: int) -> Floats:
                effect = rng.lognormal(0, sigma, n)  # noqa: B023  used up before the next
                return np.repeat(effect, 5) * rng.lognormal(0, 0.3, 5 * n)

            kind = f"grouped: lognormal({sigma:g})"
            find = _mean_of(draw, n_groups, _seed(kind, n_groups, sigma), groups=groups)
            yield _row(kind, n_groups, samples, find, float(np.exp((sigma**2 + 0.09) / 2)))
    for n_groups in (20, 40, 200):
        rng = np.random.default_rng(_seed("grouped scores", n_groups, 0.0))
        groups = np.repeat(np.arange(n_groups), 10)
        hits = []
        for _ in range(samples):
            centre = rng.beta(30, 70, n_groups)[groups]
            values = np.clip(rng.normal(centre, 0.02), 0, 1)
            hits.append(_covers(values, 0.3, groups=groups, bounds=(0.0, 1.0)))
        bar = 0.92 - _noise(samples)
        yield Row("grouped: scores near 0.3", n_groups, (float(np.mean(hits)),), bar, 1.0, bar)


def _coverage(kind: str, draw: Draw, n: int, truth: float, samples: int) -> float:
    rng = np.random.default_rng(_seed(kind, n, truth))
    return float(np.mean([_covers(draw(rng, n), truth, bounds=(0.0, 1.0)) for _ in range(samples)]))


def _noise(samples: int) -> float:
    """Return three standard errors of a simulated coverage of 92 %."""
    return float(3 * np.sqrt(0.92 * 0.08 / samples))


def _covers(values: Floats, truth: float, **options: object) -> bool:
    found = mean_interval(values, **options)  # type: ignore[arg-type]
    return found is not None and found.low - 1e-12 <= truth <= found.high + 1e-12


def _chances(rng: np.random.Generator, p: float, icc: float, n: int) -> Floats:
    if icc == 0:
        return np.full(n, p)
    size = 1 / icc - 1
    return rng.beta(p * size, (1 - p) * size, n)


def _pair_covers(rng: np.random.Generator, n: int, p: float, gain: float, binary: bool) -> bool:
    hard = _chances(rng, p, 0.3, n)
    # The clipped gain is what the second system truly loses.
    chances = hard, np.clip(hard - gain, 0.0, 1.0)
    if binary:
        a, b = ((rng.random(n) < chance).astype(float) for chance in chances)
    else:
        a, b = (rng.binomial(5, chance) / 5 for chance in chances)
    found = paired_difference(a, b, binary=binary, bounds=(0.0, 1.0))
    truth = _true_gain(p, gain)
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


@functools.cache
def _true_gain(p: float, gain: float) -> float:
    hard = _chances(np.random.default_rng(0), p, 0.3, 2_000_000)
    return float((hard - np.clip(hard - gain, 0.0, 1.0)).mean())


def _seed(kind: str, n: int, p: float) -> list[int]:
    return [*kind.encode(), n, round(1000 * p)]


def main() -> int:
    """Print every table, and return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000, help="samples of each cell")
    samples = parser.parse_args().samples
    print(f"{'kind':34} {'n':>5} {'mean':>7} {'min':>7} {'max':>7} {'given':>6}")
    missed = 0
    for table in (
        exact_rates(),
        bounded(samples),
        repeats(samples),
        clustered(samples),
        skewed(samples),
        hard_to_see(samples),
        grouped_scores(samples),
        squared(samples),
        quantiles(samples),
        calibrated(samples),
        classified(samples // 4),
        ranked(samples // 4),
        paired(samples),
        differences(samples),
    ):
        for row in table:
            print(row, flush=True)
            missed += not row.holds
    print(f"{missed} rows outside their bar")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
