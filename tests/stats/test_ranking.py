"""Strengths of systems."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from evalkit.stats import bradley_terry, davidson

Equal = Callable[[float | None, str], bool]
Floats = npt.NDArray[np.float64]
JOURNALS = [[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]]
"""Citations among Biometrika, Comm. Statist., JASA and JRSS B; Stigler (1994)."""


def test_the_published_strengths_of_journals_are_reproduced(as_printed: Equal) -> None:
    found = bradley_terry(JOURNALS)

    strengths, errors = found.strengths.tolist(), found.standard_errors.tolist()
    for value, printed in zip(strengths, ["0", "-2.9491", "-.4796", ".2690"], strict=True):
        assert as_printed(value, printed)
    for value, printed in zip(errors, ["0", ".10255", ".06059", ".07083"], strict=True):
        assert as_printed(value, printed)


def tables(votes: list[dict[str, Any]]) -> tuple[Floats, Floats]:
    """Return wins and ties of MT-Bench's systems, in alphabetical order."""
    names = sorted({vote[side] for vote in votes for side in ("model_a", "model_b")})
    place = {name: row for row, name in enumerate(names)}
    wins, ties = np.zeros((len(names),) * 2), np.zeros((len(names),) * 2)
    for vote in votes:
        a, b = place[vote["model_a"]], place[vote["model_b"]]
        if vote["winner"] == "model_a":
            wins[a, b] += 1
        elif vote["winner"] == "model_b":
            wins[b, a] += 1
        else:
            ties[[a, b], [b, a]] += 1
    return wins, ties


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("judge", "strengths", "tie"),
    [
        pytest.param("human", "2.058 1.993 2.610 -1.024 1.035", ".860", id="human"),
        pytest.param("gpt4_pair", "4.041 3.202 5.528 -1.266 1.934", "1.549", id="gpt-4"),
    ],
)
def test_davidsons_model_of_mt_bench_is_reproduced(
    judge: str,
    strengths: str,
    tie: str,
    mtbench: dict[str, list[dict[str, Any]]],
    as_printed: Equal,
) -> None:
    found = davidson(*tables(mtbench[judge]))

    for value, printed in zip(found.strengths[1:].tolist(), strengths.split(), strict=True):
        assert as_printed(value, printed)
    assert as_printed(found.tie, tie)
    if judge == "human":
        assert as_printed(found.negative_log_likelihood, "2886.84")


@pytest.mark.conformance
def test_bradley_terry_of_mt_bench_is_reproduced(
    mtbench: dict[str, list[dict[str, Any]]], as_printed: Equal
) -> None:
    wins, ties = tables(mtbench["human"])

    for counts, printed in (
        (wins + ties / 2, "1.404 1.361 1.783 -.683 .705"),
        (wins, "1.954 1.918 2.486 -1.004 .979"),
    ):
        fitted = bradley_terry(counts).strengths[1:].tolist()
        assert all(
            as_printed(value, text) for value, text in zip(fitted, printed.split(), strict=True)
        )


@pytest.mark.parametrize(
    ("wins", "ties"),
    [
        pytest.param([[0, 0], [0, 0]], 4, id="ties-alone"),
        pytest.param([[0, 3], [0, 0]], 2, id="one-side-never-lost"),
        pytest.param([[0, 0], [1, 0]], 9, id="one-win"),
    ],
)
def test_davidsons_model_refuses_what_has_no_maximum(wins: list[list[int]], ties: int) -> None:
    with pytest.raises(ValueError, match="infinite"):
        davidson(wins, [[0, ties], [ties, 0]])


square = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(1, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)


@settings(max_examples=10)
@given(square)
def test_bradley_terry_equals_logistic_regression(table: list[list[int]]) -> None:
    counts = np.array(table, dtype=float)
    k = len(counts)
    i, j = np.nonzero(~np.eye(k, dtype=bool))
    design = np.zeros((i.size, k))
    design[np.arange(i.size), i], design[np.arange(i.size), j] = 1.0, -1.0
    model = LogisticRegression(C=1e8, fit_intercept=False, tol=1e-10, max_iter=2000)
    # Both directions, so that there are two classes.
    model.fit(
        np.vstack([design, -design])[:, 1:],
        np.repeat([1, 0], i.size),
        sample_weight=np.tile(counts[i, j], 2),
    )

    assert bradley_terry(counts).strengths[1:] == pytest.approx(model.coef_[0], abs=1e-3)


@given(square)
def test_the_reference_shifts_strengths_and_the_ridge_shrinks_them(table: list[list[int]]) -> None:
    first, last = bradley_terry(table), bradley_terry(table, reference=len(table) - 1)
    shrunk = bradley_terry(table, ridge=10.0)

    np.testing.assert_allclose(first.strengths - first.strengths[-1], last.strengths, atol=1e-7)
    assert np.abs(shrunk.strengths).sum() <= np.abs(first.strengths).sum() + 1e-9


def test_davidson_maximises_its_likelihood() -> None:
    rng = np.random.default_rng(1)
    wins = rng.integers(1, 20, size=(4, 4)).astype(float)
    ties = rng.integers(0, 9, size=(4, 4)).astype(float)
    ties = np.triu(ties, 1) + np.triu(ties, 1).T
    i, j = np.triu_indices(4, 1)

    def loss(theta: Floats) -> float:
        t = np.concatenate([[0.0], theta[:3]])
        tie = theta[3] + (t[i] + t[j]) / 2
        total = np.logaddexp(np.logaddexp(t[i], t[j]), tie)
        return float(
            (wins[i, j] * (total - t[i]) + wins[j, i] * (total - t[j])).sum()
            + (ties[i, j] * (total - tie)).sum()
        )

    found = davidson(wins, ties)
    expected: Any = minimize(loss, np.zeros(4))

    assert found.strengths[1:] == pytest.approx(expected.x[:3], abs=1e-3)
    assert found.negative_log_likelihood == pytest.approx(float(expected.fun))
    assert found.standard_errors[1:] == pytest.approx(
        np.sqrt(np.diag(expected.hess_inv))[:3], rel=0.05
    )


def test_strengths_have_an_elo_scale() -> None:
    found = bradley_terry([[0, 1], [10, 0]])

    assert found.elo == pytest.approx([1000, 1400])


def test_a_system_that_never_lost_is_named() -> None:
    with pytest.raises(ValueError, match=r"systems \[1\] never beat"):
        bradley_terry([[0, 5, 2], [0, 0, 0], [3, 1, 0]])
    assert np.isfinite(bradley_terry([[0, 5], [0, 0]], ridge=0.1).strengths).all()


def test_systems_that_never_met_are_refused() -> None:
    islands = np.zeros((4, 4))
    islands[0, 1] = islands[1, 0] = islands[2, 3] = islands[3, 2] = 4

    with pytest.raises(ValueError, match="never met"):
        bradley_terry(islands)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: bradley_terry([[1.0]]), id="one-system"),
        pytest.param(lambda: bradley_terry([[0, -1], [1, 0]]), id="negative"),
        pytest.param(lambda: davidson([[0, 1], [1, 0]], [[0, 0], [0, 0]]), id="no-tie"),
        pytest.param(lambda: davidson([[0, 1], [1, 0]], [[0, 1], [0, 0]]), id="uneven-ties"),
    ],
)
def test_tables_that_make_no_sense_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|no tie"):
        call()
