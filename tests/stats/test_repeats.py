"""Repeated samples."""

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import clustered_mean, pass_at_k, pass_hat_k, variance_components

Equal = Callable[[float | None, str], bool]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        pytest.param(pass_at_k(5, 2, 3), ".9", id="pass-at-3-of-5"),
        pytest.param(pass_at_k(200, 10, 1), ".05", id="pass-at-1-of-200"),
        pytest.param(pass_at_k(200, 10, 10), ".408548", id="pass-at-10-of-200"),
        pytest.param(pass_at_k(200, 10, 100), ".999229", id="pass-at-100-of-200"),
        pytest.param(pass_hat_k(8, 6, 1), ".75", id="pass-hat-1-of-8"),
        pytest.param(pass_hat_k(8, 6, 2), ".535714", id="pass-hat-2-of-8"),
        pytest.param(pass_hat_k(8, 6, 4), ".214286", id="pass-hat-4-of-8"),
    ],
)
def test_worked_chances_are_reproduced(
    value: npt.NDArray[np.float64], printed: str, as_printed: Equal
) -> None:
    assert as_printed(float(value), printed)


def test_the_chance_is_not_the_biased_one_of_the_rate(as_printed: Equal) -> None:
    for k, biased in ((10, ".401263"), (100, ".994079")):
        assert as_printed(1 - (1 - 10 / 200) ** k, biased)
        assert float(pass_at_k(200, 10, k)) > float(biased) + 0.005


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("k", "all_pass", "one_passes"),
    [(1, ".420", ".420"), (2, ".273", ".567"), (3, ".220", ".660"), (4, ".200", ".720")],
)
def test_the_published_chances_of_tau_bench_are_reproduced(
    k: int, all_pass: str, one_passes: str, tau_bench: npt.NDArray[np.float64], as_printed: Equal
) -> None:
    passed = tau_bench.sum(axis=1)

    assert as_printed(float(pass_hat_k(4, passed, k).mean()), all_pass)
    assert as_printed(float(pass_at_k(4, passed, k).mean()), one_passes)


@pytest.mark.conformance
def test_the_variance_components_of_tau_bench_are_reproduced(
    tau_bench: npt.NDArray[np.float64], as_printed: Equal
) -> None:
    found = variance_components(tau_bench)
    passed = tau_bench.sum(axis=1)

    assert as_printed(found.between, ".545306")
    assert as_printed(found.within, ".146667")
    assert as_printed(found.case_variance, ".099660")
    assert as_printed(found.icc, ".4046")
    assert as_printed(found.standard_error, ".052216")
    assert as_printed(100 * found.repeat_share, "26.9")
    for k, printed in ((2, ".0555"), (4, ".0571")):
        assert as_printed(float(pass_hat_k(4, passed, k).std(ddof=1) / np.sqrt(50)), printed)


samples = st.integers(1, 8).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))
)


@given(samples)
def test_chances_equal_those_of_counting_all_subsets(sample: tuple[int, int, int]) -> None:
    n, c, k = sample
    drawn = [sum(pick) for pick in itertools.combinations([1] * c + [0] * (n - c), k)]

    assert float(pass_at_k(n, c, k)) == pytest.approx(np.mean([one >= 1 for one in drawn]))
    assert float(pass_hat_k(n, c, k)) == pytest.approx(np.mean([one == k for one in drawn]))


def test_counts_may_be_an_array() -> None:
    assert pass_at_k(4, [0, 1, 4], 2).tolist() == pytest.approx([0.0, 0.5, 1.0])


@pytest.mark.parametrize("chance", [pass_at_k, pass_hat_k])
@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_impossible_counts_are_refused(
    chance: Callable[..., object], n: int, c: int, k: int
) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        chance(n, c, k)


matrices = st.tuples(st.integers(2, 8), st.integers(2, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 3), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@given(matrices)
def test_the_error_is_that_of_case_means_and_of_clusters(matrix: list[list[int]]) -> None:
    found = variance_components(matrix)
    table = np.array(matrix, dtype=float)
    n, repeats = table.shape

    assert found.standard_error == pytest.approx(table.mean(axis=1).std(ddof=1) / np.sqrt(n))
    clustered = clustered_mean(table.ravel(), np.repeat(np.arange(n), repeats))
    assert found.standard_error == pytest.approx(clustered.standard_error, abs=1e-9)
    assert 0 <= found.repeat_share <= 1
    assert found.icc <= 1 + 1e-12


def test_pure_noise_leaves_no_variance_to_cases() -> None:
    noise = np.random.default_rng(1).normal(size=(4000, 5))
    found = variance_components(noise)

    assert found.icc == pytest.approx(0.0, abs=0.02)
    assert found.repeat_share == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("matrix", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, np.nan], [1.0, 1.0]]])
def test_a_matrix_without_repeats_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="matrix must"):
        variance_components(matrix)
