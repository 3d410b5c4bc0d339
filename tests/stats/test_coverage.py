"""How often 95 % intervals cover the truth: a quick part of benchmarks/bench_coverage.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom

from evalkit.stats import delong_difference, mean_interval, paired_difference

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, float], Floats]
SAMPLES = 150
SHARES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)


def covers(values: Floats, truth: float, **options: object) -> bool:
    found = mean_interval(values, **options)  # type: ignore[arg-type]
    return found is not None and found.low - 1e-12 <= truth <= found.high + 1e-12


@pytest.mark.parametrize("n", [20, 30, 50, 80, 100, 200, 500])
def test_rates_are_covered(n: int) -> None:
    """Summed over the binomial distribution, so without noise."""
    found = [mean_interval([1] * k + [0] * (n - k), binary=True) for k in range(n + 1)]
    coverage = [
        binom.pmf(np.arange(n + 1), n, p) @ [one is not None and p in one for one in found]
        for p in np.arange(0.02, 0.985, 0.04)
    ]

    assert 0.94 <= np.mean(coverage) <= 0.97
    assert min(coverage) >= 0.92


def yes_no(rng: np.random.Generator, n: int, p: float) -> Floats:
    return (rng.random(n) < p).astype(float)


def three_valued(rng: np.random.Generator, n: int, p: float) -> Floats:
    u, middle = rng.random(n), 0.6 * min(p, 1 - p)
    return np.where(u < p - middle / 2, 1.0, np.where(u < p + middle / 2, 0.5, 0.0))


def flat(rng: np.random.Generator, n: int, p: float) -> Floats:
    return rng.beta(2 * p, 2 * (1 - p), n)


@pytest.mark.parametrize("n", [20, 50, 200, 500])
@pytest.mark.parametrize("draw", [yes_no, three_valued, flat], ids=["yes-no", "three", "flat"])
def test_bounded_means_are_covered(draw: Draw, n: int) -> None:
    rng = np.random.default_rng(n)
    hits = [[covers(draw(rng, n, p), p, bounds=(0, 1)) for _ in range(SAMPLES)] for p in SHARES]

    # 1,050 samples: a standard error of .007; each mean: of .02.
    assert 0.92 <= np.mean(hits) <= 0.985
    assert np.mean(hits, axis=1).min() >= 0.86


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.6])
def test_means_of_repeats_are_covered(icc: float, n: int) -> None:
    rng = np.random.default_rng(n)
    hits: list[bool] = []
    for p in (0.1, 0.5, 0.8):
        for _ in range(SAMPLES):
            chance = chances(rng, p, icc, n)
            hits.append(covers(rng.binomial(4, chance) / 4, p, bounds=(0, 1)))

    assert 0.92 <= np.mean(hits) <= 0.99


def chances(rng: np.random.Generator, p: float, icc: float, n: int) -> Floats:
    if icc == 0:
        return np.full(n, p)
    return rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), n)


@pytest.mark.parametrize("n_groups", [20, 100])
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.6])
def test_rates_of_groups_are_covered(icc: float, n_groups: int) -> None:
    rng = np.random.default_rng(n_groups)
    hits: list[bool] = []
    for p in (0.1, 0.5, 0.8):
        for _ in range(SAMPLES):
            groups = np.repeat(np.arange(n_groups), rng.integers(1, 10, n_groups))
            values = rng.random(groups.size) < chances(rng, p, icc, n_groups)[groups]
            hits.append(covers(values.astype(float), p, groups=groups, binary=True))

    assert 0.92 <= np.mean(hits) <= 0.99


@pytest.mark.parametrize("n", [12, 20, 40])
def test_a_few_normal_values_are_covered(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = [covers(rng.normal(size=n), 0.0) for _ in range(4 * SAMPLES)]

    assert 0.91 <= np.mean(hits) <= 0.98


def lognormal(sigma: float) -> tuple[Draw, float]:
    return lambda rng, n, _: rng.lognormal(0, sigma, n), float(np.exp(sigma**2 / 2))


def clustered_lognormal(rng: np.random.Generator, n: int, sigma: float) -> Floats:
    return np.repeat(rng.lognormal(0, sigma, n), 4) * rng.lognormal(0, 0.3, 4 * n)


@pytest.mark.parametrize(
    "samples", [SAMPLES, pytest.param(20 * SAMPLES, marks=pytest.mark.slow)], ids=["quick", "full"]
)
@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize(
    ("draw", "truth", "groups"),
    [
        pytest.param(*lognormal(0.5), False, id="lognormal-0.5"),
        pytest.param(*lognormal(1.0), False, id="lognormal-1"),
        pytest.param(lambda rng, n, _: rng.normal(size=n) ** 2, 1.0, False, id="squares"),
        pytest.param(
            lambda rng, n, _: rng.standard_t(5, n) ** 2, 5 / 3, False, id="squares-of-heavy-tails"
        ),
        pytest.param(clustered_lognormal, float(np.exp(0.545)), True, id="grouped-lognormal-1"),
    ],
)
def test_skewed_means_are_covered(
    draw: Draw, truth: float, n: int, samples: int, *, groups: bool
) -> None:
    """Where there is an interval: one value that makes up the variance gives none."""
    rng = np.random.default_rng(n)
    options: dict[str, Any] = {"groups": np.repeat(np.arange(n), 4)} if groups else {}
    drawn = (
        mean_interval(draw(rng, n, 1.0), bounds=(0.0, None), **options) for _ in range(samples)
    )
    hits = [truth in interval for interval in drawn if interval is not None]

    assert len(hits) > 0.9 * samples
    assert np.mean(hits) >= enough(len(hits))


def enough(samples: int) -> float:
    """Return 92 % less three standard errors of so many samples."""
    return float(0.92 - 3 * np.sqrt(0.92 * 0.08 / samples))


def test_near_an_end_the_t_interval_would_cover_too_little() -> None:
    """Why t is not used near an end even for many cases: it covers too little."""
    rng = np.random.default_rng(1)
    t_hits = chosen_hits = 0
    for _ in range(400):
        values = yes_no(rng, 200, 0.02)
        reach = 1.97 * values.std(ddof=1) / np.sqrt(200)
        t_hits += abs(values.mean() - 0.02) <= reach
        chosen_hits += covers(values, 0.02, bounds=(0, 1))

    assert t_hits < chosen_hits
    assert chosen_hits / 400 >= 0.92


def noisy_latencies(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    base = rng.lognormal(0, 0.8, n)
    noise = rng.lognormal(-0.02, 0.2, (2, n))  # of mean 1
    return 1.1 * base * noise[0], base * noise[1], 0.1 * float(np.exp(0.32))


def a_tenth_more(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    base = rng.lognormal(0, 1, n)
    return 1.1 * base, base, 0.1 * float(np.exp(0.5))


def rare_timeouts(rng: np.random.Generator, n: int) -> tuple[Floats, Floats, float]:
    seconds = np.where(rng.random((2, n)) < 0.03, 30.0, rng.lognormal(0, 0.3, (2, n)))
    return seconds[0], seconds[1], 0.0


@pytest.mark.parametrize("n", [10, 20, 50, 200])
@pytest.mark.parametrize("draw", [noisy_latencies, a_tenth_more, rare_timeouts])
def test_paired_differences_without_a_range_are_covered(
    draw: Callable[[np.random.Generator, int], tuple[Floats, Floats, float]], n: int
) -> None:
    rng = np.random.default_rng([11, n])
    hits = []
    for _ in range(400):
        a, b, truth = draw(rng, n)
        found = paired_difference(a, b)
        if found.low is not None and found.high is not None:
            hits.append(found.low <= truth <= found.high)

    assert len(hits) > 0.9 * 400
    assert np.mean(hits) >= enough(len(hits))


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_difference_of_two_areas_is_covered_near_the_end(share: float) -> None:
    """AUC .97 with 50 cases, where a bootstrap covers .86."""
    rng = np.random.default_rng(12)
    labels = np.arange(50) < 50 * share
    shift = np.where(labels, 2.66, 0.0)  # of two unit normals, AUC .97
    hits = 0
    for _ in range(600):
        common = 0.7 * rng.normal(size=50)
        first, second = (common + shift + (1 - 0.49) ** 0.5 * rng.normal(size=50) for _ in "ab")
        found = delong_difference(first, second, labels)
        hits += found.low <= 0 <= found.high

    assert hits / 600 >= 0.92
