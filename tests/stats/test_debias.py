"""Judges corrected by a few human labels."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import prediction_powered_mean, rogan_gladen

Equal = Callable[[float | None, str], bool]
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def pandalm(shared_data: Path) -> dict[str, Floats]:
    """Whether humans (by majority) and two judges prefer the second answer."""

    def read(name: str) -> list[dict[str, object]]:
        text = (shared_data / "pandalm" / name).read_text(encoding="utf-8")
        rows: list[dict[str, object]] = json.loads(text)
        return rows

    votes = [[str(row[f"annotator{i}"]) for i in (1, 2, 3)] for row in read("testset-v1.json")]
    judges = {
        "pandalm": [str(row["pandalm_result"]) for row in read("pandalm-7b-testset-v1.json")],
        "gpt": [str(row["gpt_result"]) for row in read("gpt-3.5-turbo-testset-v1.json")],
    }
    human = np.array([Counter(vote)["2"] >= 2 for vote in votes], dtype=float)
    return {
        "human": human,
        **{name: np.array([v == "2" for v in said], dtype=float) for name, said in judges.items()},
    }


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("judge", "weight", "value", "low", "high"),
    [
        pytest.param("pandalm", 0.0, ".4500", ".38105", ".51894", id="labels-alone"),
        pytest.param("pandalm", 1.0, ".4993", ".43412", ".56455", id="ppi"),
        pytest.param("pandalm", None, ".47635", ".42135", ".53134", id="ppi++"),
        pytest.param("gpt", None, ".47001", ".41012", ".52990", id="ppi++-of-a-weaker-judge"),
        pytest.param("gpt", 1.0, None, ".42195", ".56926", id="ppi-of-a-weaker-judge"),
    ],
)
def test_the_corrected_means_of_pandalm_are_reproduced(  # noqa: PLR0917
    judge: str,
    weight: float | None,
    value: str | None,
    low: str,
    high: str,
    pandalm: dict[str, Floats],
    as_printed: Equal,
) -> None:
    human, said = pandalm["human"], pandalm[judge]
    found = prediction_powered_mean(human[:200], said[:200], said[200:], power_tuning=weight)

    assert human.mean() == pytest.approx(0.4725, abs=5e-5)
    assert value is None or as_printed(found.value, value)
    assert as_printed(found.low, low)
    assert found.high == pytest.approx(float(high), abs=1e-5)  # one of them is printed cut off


@pytest.mark.conformance
def test_the_worth_of_the_judge_on_pandalm_is_reproduced(
    pandalm: dict[str, Floats], as_printed: Equal
) -> None:
    human, said = pandalm["human"], pandalm["pandalm"]
    found = prediction_powered_mean(human[:200], said[:200], said[200:])

    assert as_printed(found.correlation, ".6761")
    assert as_printed(found.effective_labels, "315")
    assert as_printed(found.standard_error, ".0281")
    # Printed as .5373 with n - 1 throughout; the printed means follow from .5340.
    assert found.power_tuning == pytest.approx(0.5373, abs=0.004)


@pytest.mark.conformance
def test_rogan_and_gladen_on_pandalm_are_reproduced(
    pandalm: dict[str, Floats], as_printed: Equal
) -> None:
    human, said = pandalm["human"][:200] == 1, pandalm["pandalm"]
    sensitivity, specificity = said[:200][human].mean(), 1 - said[:200][~human].mean()
    rate = said[200:].mean()
    found = rogan_gladen(
        rate,
        799,
        sensitivity=sensitivity,
        positives=int(human.sum()),
        specificity=specificity,
        negatives=int((~human).sum()),
    )

    assert as_printed(sensitivity, ".7889")
    assert as_printed(specificity, ".8818")
    assert rate == pytest.approx(0.46934, abs=1e-5)
    assert as_printed(found.value, ".52356")
    assert as_printed(found.standard_error, ".04794")


def test_the_worked_correction_is_reproduced(as_printed: Equal) -> None:
    found = rogan_gladen(0.6, 1000, sensitivity=0.9, positives=200, specificity=0.8, negatives=200)

    assert as_printed(found.value, ".571429")
    assert as_printed(found.standard_error, ".033008")
    assert as_printed(found.low, ".50619")
    assert as_printed(found.high, ".63722")


labelled = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=40)


@given(labelled, st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_judge_without_weight_changes_nothing(
    rows: list[tuple[float, float]], rest: list[float]
) -> None:
    y, f = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = prediction_powered_mean(y, f, rest, power_tuning=0.0)

    assert found.value == pytest.approx(y.mean())
    assert found.standard_error == pytest.approx(y.std() / np.sqrt(y.size))
    assert found.effective_labels == pytest.approx(y.size, rel=1e-6)


@given(labelled, st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_shifted_judge_gives_the_same_answer(
    rows: list[tuple[float, float]], rest: list[float]
) -> None:
    # In eighths, adding 3 loses no digit: a shift must not turn small scores into equal ones.
    y, f = [row[0] for row in rows], np.round([row[1] * 8 for row in rows]) / 8
    others = np.round(np.array(rest) * 8) / 8
    plain = prediction_powered_mean(y, f, others)
    shifted = prediction_powered_mean(y, f + 3, others + 3)

    assert plain.value == pytest.approx(shifted.value, abs=1e-6)


def test_the_tuned_mean_covers_the_truth_and_gains_by_a_good_judge() -> None:
    rng = np.random.default_rng(1)
    covered, widths = 0, []
    for _ in range(400):
        truth = rng.random(1000) < 0.6
        judge = np.where(rng.random(1000) < 0.9, truth, ~truth).astype(float)
        found = prediction_powered_mean(truth[:150].astype(float), judge[:150], judge[150:])
        covered += found.low <= 0.6 <= found.high
        widths.append(found.high - found.low)

    assert covered / 400 == pytest.approx(0.95, abs=0.03)
    assert np.mean(widths) < 0.8 * 2 * 1.96 * np.sqrt(0.24 / 150)


def test_groups_widen_the_error() -> None:
    rng = np.random.default_rng(2)
    y = np.repeat(rng.random(20), 5)
    f, rest = y + 0.1 * rng.normal(size=100), rng.random(300)
    alone = prediction_powered_mean(y, f, rest, power_tuning=0.0)
    grouped = prediction_powered_mean(
        y, f, rest, power_tuning=0.0, groups_labelled=np.repeat(np.arange(20), 5)
    )

    assert grouped.standard_error == pytest.approx(alone.standard_error * np.sqrt(5), rel=0.05)


@given(st.floats(0, 1), st.floats(0.7, 1), st.floats(0.7, 1))
def test_a_corrected_rate_stays_in_the_unit(rate: float, se: float, sp: float) -> None:
    found = rogan_gladen(rate, 500, sensitivity=se, positives=100, specificity=sp, negatives=80)

    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_perfect_judge_needs_no_correction() -> None:
    found = rogan_gladen(0.3, 100, sensitivity=1.0, positives=50, specificity=1.0, negatives=50)

    assert found.value == pytest.approx(0.3)
    assert found.standard_error == pytest.approx(np.sqrt(0.21 / 100))


@pytest.mark.parametrize(
    ("se", "sp", "n", "message"),
    [
        pytest.param(0.6, 0.55, 10, "close to guessing", id="a-guessing-judge"),
        pytest.param(1.1, 0.9, 10, "must lie in", id="no-share"),
        pytest.param(0.9, 0.9, 0, "at least 1", id="no-cases"),
    ],
)
def test_what_cannot_be_corrected_is_refused(se: float, sp: float, n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rogan_gladen(0.5, n, sensitivity=se, positives=9, specificity=sp, negatives=9)


def test_labels_without_a_judgement_are_refused() -> None:
    with pytest.raises(ValueError, match="a judgement each"):
        prediction_powered_mean([1.0, 0.0], [1.0], [1.0])


@pytest.mark.parametrize("n", [20, 50])
def test_few_labels_take_students_quantile_and_are_covered(n: int) -> None:
    rng, hits = np.random.default_rng(n), 0
    for _ in range(500):
        truth = (rng.random(n + 400) < 0.5).astype(float)
        judged = np.where(rng.random(n + 400) < 0.9, truth, 1 - truth)
        found = prediction_powered_mean(truth[:n], judged[:n], judged[n:])
        hits += found.low <= 0.5 <= found.high
        assert found.high - found.value > 1.959 * found.standard_error

    assert hits / 500 >= 0.92
