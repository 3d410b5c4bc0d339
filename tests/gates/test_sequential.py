"""Conditions that are tested after every case."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.entities.score import Status
from evalkit.evaluation.deciding.course import Course, Follower
from evalkit.gates.grammar import parse_gates
from evalkit.gates.sequential import Question, SequentialTest, question_of
from evalkit.gates.verdict import Verdict

Floats = npt.NDArray[np.float64]
RUNS = 1000


def asked(gate: str, *, margin: float = 0.0, binary: bool = False) -> Question:
    (condition,) = parse_gates(gate)
    return question_of(condition, bounds=(0.0, 1.0), level=0.95, margin=margin, binary=binary)


def verdicts(question: Question, draw: Callable[[np.random.Generator], Floats]) -> list[str | None]:
    """Return what each of 1,000 runs says that is looked at after every case."""
    rng = np.random.default_rng(20)
    found: list[str | None] = []
    for _ in range(RUNS):
        test = SequentialTest(question, grid=2)
        test.take(draw(rng))
        found.append(None if test.verdict is None else test.verdict.value)
    return found


def share(found: list[str | None], verdict: str) -> float:
    return found.count(verdict) / RUNS


@pytest.mark.parametrize("mean", [0.1, 0.5, 0.8])
def test_looking_after_every_case_rarely_settles_a_threshold_that_is_the_truth(mean: float) -> None:
    found = verdicts(asked(f"m >= {mean}"), lambda rng: (rng.random(400) < mean).astype(float))

    assert share(found, "PASS") <= 0.05
    assert share(found, "FAIL") <= 0.05


@pytest.mark.parametrize("discordance", [0.1, 0.4])
def test_equal_systems_rarely_improve_on_each_other(discordance: float) -> None:
    def draw(rng: np.random.Generator) -> Floats:
        return np.where(rng.random(600) < discordance, rng.choice([-1.0, 1.0], 600), 0.0)

    found = verdicts(asked("improves(m)", binary=True), draw)

    assert share(found, "PASS") <= 0.05
    assert share(found, "FAIL") <= 0.05


@pytest.mark.parametrize(
    ("gate", "loss"),
    [
        pytest.param("no_regression(m, margin=0.1)", 0.1, id="loss-of-the-margin"),
        pytest.param("equivalent(m, margin=0.1)", 0.1, id="difference-of-the-margin"),
        pytest.param("improves(m, by=0.1)", -0.1, id="gain-of-the-margin"),
    ],
)
def test_a_difference_of_the_margin_rarely_passes_or_fails(gate: str, loss: float) -> None:
    worse, better = (0.3 + loss) / 2, (0.3 - loss) / 2

    def draw(rng: np.random.Generator) -> Floats:
        u = rng.random(500)
        return np.where(u < worse, -1.0, np.where(u < worse + better, 1.0, 0.0))

    found = verdicts(asked(gate, margin=0.1), draw)

    assert share(found, "PASS") <= 0.05
    assert share(found, "FAIL") <= 0.05


@pytest.mark.parametrize(
    ("gate", "mean", "verdict"),
    [
        pytest.param("m >= 0.6", 0.8, "PASS", id="at-least-passes"),
        pytest.param("m >= 0.6", 0.4, "FAIL", id="at-least-fails"),
        pytest.param("m > 0.6", 0.8, "PASS", id="above-passes"),
        pytest.param("m <= 0.6", 0.4, "PASS", id="at-most-passes"),
        pytest.param("m < 0.6", 0.8, "FAIL", id="below-fails"),
        pytest.param("m >= 0", 0.5, "PASS", id="always-true"),
        pytest.param("m < 0", 0.5, "FAIL", id="never-true"),
        pytest.param("m > 1", 0.5, "FAIL", id="beyond-the-range"),
        pytest.param("m <= 1", 0.5, "PASS", id="within-the-range"),
    ],
)
def test_a_clear_case_is_settled_by_its_side(gate: str, mean: float, verdict: str) -> None:
    test = SequentialTest(asked(gate))
    test.take((np.random.default_rng(3).random(1000) < mean).astype(float))

    assert test.verdict is not None
    assert test.verdict.value == verdict
    assert test.n < 1000


def test_the_answer_stands_whatever_comes_after_it() -> None:
    test = SequentialTest(asked("m >= 0.5"))
    test.take(np.ones(30))
    answered = test.verdict, test.n, test.low, test.high
    test.take(np.zeros(500))

    assert answered[0] is Verdict.PASS
    assert (test.verdict, test.n, test.low, test.high) == answered


def test_values_beyond_the_declared_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        SequentialTest(asked("m >= 0.5")).take([1.2])


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_it_does_not_matter_in_which_order_cases_end(seed: int, grouped: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 120
    groups = np.sort(rng.integers(0, 40, n)) if grouped else None
    values = (rng.random(n) < 0.85).astype(float)
    status = np.where(rng.random(n) < 0.02, Status.FAILED, Status.OK).astype(np.int8)
    course = Course.draw(n, groups, seed=1)

    def follow(batches: list[npt.NDArray[np.int64]]) -> Follower:
        found = Follower(SequentialTest(asked("m >= 0.6")), course, weights=None)
        for rows in batches:
            found.fill(rows, values[rows], status[rows])
            found.advance()
        return found

    whole = follow([np.arange(n)])
    pieces = follow(np.array_split(rng.permutation(n), 30))
    in_turn = follow([np.array([row]) for row in course.order])

    assert (whole.cases, whole.settled) == (pieces.cases, pieces.settled)
    assert (whole.cases, whole.settled) == (in_turn.cases, in_turn.settled)
    assert whole.test.verdict is pieces.test.verdict is in_turn.test.verdict


def test_a_group_counts_as_one_draw() -> None:
    groups = np.repeat(np.arange(30), 10)
    course = Course.draw(300, groups, seed=0)
    follower = Follower(SequentialTest(asked("m >= 0.6")), course, weights=None)
    follower.fill(np.arange(300), np.ones(300), np.full(300, Status.OK, dtype=np.int8))
    follower.advance()
    alone = SequentialTest(asked("m >= 0.6"))
    alone.take(np.ones(30))

    assert follower.cases == alone.n * 10


def test_weights_move_the_mean_that_is_tested() -> None:
    values = np.tile([1.0, 0.0], 200)
    weights = np.tile([9.0, 1.0], 200)
    course = Course.draw(400, None, seed=0)
    follower = Follower(SequentialTest(asked("m >= 0.7")), course, weights=weights)
    follower.fill(np.arange(400), values, np.full(400, Status.OK, dtype=np.int8))
    follower.advance()

    assert follower.test.verdict is Verdict.PASS


def test_a_pass_is_not_final_while_too_many_cases_have_failed() -> None:
    n = 200
    course = Course.draw(n, None, seed=0)
    status = np.full(n, Status.OK, dtype=np.int8)
    status[course.order[:3]] = Status.FAILED
    follower = Follower(
        SequentialTest(asked("m >= 0.5")), course, weights=None, least_coverage=0.95
    )
    follower.fill(np.arange(n), np.ones(n), status)
    follower.advance()

    assert follower.cases is not None
    assert follower.cases < 60
    assert follower.settled == 60  # 57 of 60 have a value


@pytest.fixture(scope="session")
def gsm8k() -> dict[str, Floats]:
    """Whether each of four models solved each of 1,319 problems, in the order stored."""
    import csv
    import os
    from pathlib import Path

    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("EVALKIT_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no published data: EVALKIT_SHARED_DATA names no folder")
    with (folder / "gsm8k/correctness.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    models = [name for name in rows[0] if name != "item"]
    return {name: np.array([float(row[name]) for row in rows]) for name in models}


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("better", "worse", "stop", "wins", "losses"),
    [
        pytest.param("175b_verification", "6b_verification", 36, 11, 1, id="stops-early"),
        pytest.param("6b_verification", "6b_finetuning", 115, 23, 6, id="stops-later"),
        pytest.param("6b_verification", "175b_finetuning", None, 209, 152, id="never-stops"),
    ],
)
def test_gsm8k_models_are_told_apart_as_soon_as_published(  # noqa: PLR0917
    gsm8k: dict[str, Floats], better: str, worse: str, stop: int | None, wins: int, losses: int
) -> None:
    test = SequentialTest(asked("improves(m)", binary=True))
    test.take(gsm8k[better] - gsm8k[worse])

    assert (test.wins, test.losses) == (wins, losses)
    if stop is None:
        assert test.verdict is None
        assert test.e_value == pytest.approx(3.85, abs=0.005)
    else:
        assert test.verdict is Verdict.PASS
        assert test.n == stop


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("n", "low", "high"), [(100, 0.402, 0.712), (500, 0.469, 0.635), (1319, 0.501, 0.614)]
)
def test_gsm8k_intervals_are_those_of_the_betting_sequence(
    gsm8k: dict[str, Floats], n: int, low: float, high: float
) -> None:
    test = SequentialTest(asked("m >= 0.56"))
    test.take(gsm8k["175b_verification"][:n])

    assert test.verdict is None
    assert (test.low, test.high) == pytest.approx((low, high), abs=5e-4)
