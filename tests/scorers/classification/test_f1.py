"""F1 in every average, against scikit-learn; and which average is chosen when none is asked for."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from evalkit.plugin import CaseBatch, Rows
from evalkit_scorers.classification.averaging import AVERAGES, F1

Batch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]


def rows_of(metric: F1, batch: CaseBatch) -> Rows:
    statistics = metric.score_batch(batch).statistics
    assert isinstance(statistics, Rows)
    return statistics


def f1(metric: F1, batch: CaseBatch, weights: Any = None) -> float:
    return metric.compute(rows_of(metric, batch), weights)


def reference(*args: Any, **kwargs: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where 0/0 occurs
        return float(f1_score(*args, **kwargs))


@pytest.mark.parametrize(
    ("targets", "outputs", "expected", "note"),
    [
        pytest.param([1, 0, 1], [1, 1, 0], 0.5, "binary, positive label 1", id="zero-one"),
        pytest.param(
            ["yes", "no"], ["yes", "yes"], 2 / 3, "binary, positive label 'yes'", id="yes"
        ),
        pytest.param(["cat", "dog"], ["cat", "cat"], 1 / 3, "macro", id="no-positive-label"),
        pytest.param([0, 1, 2], [0, 1, 1], 5 / 9, "macro", id="three-labels"),
        pytest.param(
            ["no", "no", "yes"],
            ["no", "hm", "er"],
            0.0,
            "binary, positive label 'yes'",
            id="rubbish",
        ),
    ],
)
def test_average_that_is_chosen(
    targets: list[Any], outputs: list[Any], expected: float, note: str, batch_of: Batch
) -> None:
    metric = F1()
    rows = rows_of(metric, batch_of(targets, outputs))

    assert metric.compute(rows, None) == pytest.approx(expected)
    assert metric.note(rows) == note


def test_a_listed_set_of_labels_is_averaged_over(batch_of: Batch) -> None:
    """Rubbish then costs its class a right answer, and is no class itself."""
    targets, outputs = ["a", "b", "b"], ["a", "b", "As an AI…"]
    listed = ["a", "b"]

    found = f1(F1(labels=listed), batch_of(targets, outputs))

    assert found == pytest.approx(reference(targets, outputs, average="macro", labels=listed))
    assert found > f1(F1(), batch_of(targets, outputs))


def test_binary_without_a_positive_label_has_no_value(batch_of: Batch) -> None:
    metric = F1(average="binary")
    rows = rows_of(metric, batch_of(["cat", "dog"], ["cat", "cat"]))

    assert np.isnan(metric.compute(rows, None))
    assert "pos_label" in (metric.note(rows) or "")
    assert f1(F1(pos_label="cat"), batch_of(["cat", "dog"], ["cat", "cat"])) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("zero_division", "expected"), [(0.0, 0.5), (1.0, 1.0), (None, 1.0)], ids=str
)
def test_a_class_without_cases_counts_as_asked(
    zero_division: float | None, expected: float, batch_of: Batch
) -> None:
    metric = F1(average="macro", labels=["a", "b"], zero_division=zero_division)

    assert f1(metric, batch_of(["a"], ["a"])) == expected


labels = st.sampled_from(["a", "b", "ç", ""])
triples = st.lists(
    st.tuples(labels, labels, st.floats(0.125, 8, width=16)), min_size=1, max_size=25
)


@given(triples, st.sampled_from(["macro", "micro", "weighted"]), st.booleans())
def test_every_average_equals_scikit_learn(
    cases: list[tuple[str, str, float]], average: Any, weighted: bool
) -> None:
    targets, outputs, weights = map(list, zip(*cases, strict=True))
    load = np.array(weights) if weighted else None
    batch = CaseBatch(
        {"outputs": outputs, "expectations": [{"target": t} for t in targets]}, length=len(cases)
    )

    found = f1(F1(average=average), batch, load)

    expected = reference(targets, outputs, average=average, sample_weight=load)
    assert found == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=25))
def test_binary_equals_scikit_learn_wherever_there_is_a_positive(
    cases: list[tuple[bool, bool]],
) -> None:
    targets, outputs = map(list, zip(*cases, strict=True))
    undefined = not any(targets) and not any(outputs)
    batch = CaseBatch(
        {"outputs": outputs, "expectations": [{"target": t} for t in targets]}, length=len(cases)
    )

    expected = np.nan if undefined else reference(targets, outputs)
    assert f1(F1(), batch) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_a_case_without_weight_is_absent(batch_of: Batch) -> None:
    weights = np.array([1.0, 1.0, 0.0])

    found = f1(F1(), batch_of(["a", "b", "c"], ["a", "a", "a"]), weights)

    assert found == pytest.approx(reference(["a", "b"], ["a", "a"], average="macro"))


@pytest.mark.parametrize("average", [None, *AVERAGES])
def test_draws_vary_about_the_value(average: Any, batch_of: Batch) -> None:
    generator = np.random.default_rng(5)
    targets = generator.integers(0, 2, 400).tolist()
    outputs = [t if generator.random() < 0.8 else 1 - t for t in targets]
    metric = F1(average=average)
    rows = rows_of(metric, batch_of(targets, outputs))

    draws = metric.draws(rows, None, 2000, 3)

    assert draws.shape == (2000,)
    assert draws.mean() == pytest.approx(metric.compute(rows, None), abs=0.005)
    assert np.array_equal(draws, metric.draws(rows, None, 2000, 3))


@pytest.mark.parametrize(
    "refused", [{"average": "samples"}, {"zero_division": 0.5}, {"labels": []}], ids=str
)
def test_settings_that_mean_nothing_are_refused(refused: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(refused))):
        F1(**refused)
