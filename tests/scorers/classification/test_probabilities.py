"""How outputs state probabilities, and which of them cannot be read."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.classification.labels import label_key
from evalkit_scorers.classification.probabilities import UnreadableError, class_probabilities
from evalkit_scorers.classification.probability_metric import LogLoss

Batch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]


def stated(probabilities: Any, classes: list[Any]) -> dict[str, Any]:
    return {"probabilities": probabilities, "classes": classes}


@pytest.mark.parametrize(
    ("output", "target", "settings", "share"),
    [
        pytest.param(
            {"label": "a", **stated([0.9, 0.1], ["a", "b"])}, "b", {}, 0.1, id="estimator"
        ),
        pytest.param(stated(np.array([0.9, 0.1]), [0, 1]), 1.0, {}, 0.1, id="array"),
        pytest.param({"a": 0.9, "b": 0.1}, "a", {}, 0.9, id="mapping"),
        pytest.param({"0": 0.9, "1": 0.1}, 1, {}, 0.1, id="numbers-as-keys"),
        pytest.param({"true": 0.9, "false": 0.1}, True, {}, 0.9, id="truth-values-as-keys"),
        pytest.param([0.2, 0.3, 0.5], 2, {}, 0.5, id="list-of-numbered-classes"),
        pytest.param([0.2, 0.8], "b", {"labels": ['"b"', '"a"']}, 0.2, id="list-with-labels"),
        pytest.param(0.7, 1, {}, 0.7, id="bare-number"),
        pytest.param(0.75, "No", {}, 0.25, id="bare-number-and-no"),
        pytest.param(0.75, "cat", {"pos_label": '"dog"'}, 0.25, id="bare-number-and-pos-label"),
        pytest.param("0.7", True, {}, 0.7, id="text-that-spells-a-number"),
        pytest.param({"a": 0.9, "b": 0.1}, "c", {}, 0.0, id="a-target-it-does-not-know"),
        pytest.param({"a": 1 / 3, "b": 0.3333, "c": 0.3333}, "a", {}, 1 / 3, id="rounded"),
    ],
)
def test_probability_of_the_target(output: Any, target: Any, settings: Any, share: float) -> None:
    found = class_probabilities(output, label_key(target) or "", **settings)

    assert found.of_target == pytest.approx(share)


@pytest.mark.parametrize(
    ("output", "target", "said"),
    [
        pytest.param("I am quite sure", 1, "states no probabilities", id="prose"),
        pytest.param("cat", "cat", "states no probabilities", id="label"),
        pytest.param({"label": "cat"}, "cat", "states no probabilities", id="label-alone"),
        pytest.param({}, "cat", "states no probabilities", id="empty"),
        pytest.param({"a": "high"}, "a", "not a finite number", id="word"),
        pytest.param({"a": math.inf, "b": 0.0}, "a", "not a finite number", id="infinite"),
        pytest.param({"a": 0.5, "b": 0.2}, "a", "sum to 1, and these to 0.7", id="sum"),
        pytest.param({"a": 1.5, "b": -0.5}, "a", r"lie in \[0, 1\]", id="range"),
        pytest.param(1.2, 1, r"lie in \[0, 1\]", id="bare-range"),
        pytest.param(0.5, "cat", "name it with pos_label=", id="which-is-positive"),
        pytest.param([0.5, 0.5], "cat", "list them as labels=", id="which-classes"),
        pytest.param(stated([1.0], [0, 1]), 0, "1 probabilities", id="lengths"),
        pytest.param(stated([0.5, 0.5], ["0", "1"]), 0, "another type", id="types"),
        pytest.param(stated([0.5, 0.5], [0, 0]), 0, "2 probabilities", id="twice"),
    ],
)
def test_an_output_that_states_none_says_why(output: Any, target: Any, said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        class_probabilities(output, label_key(target) or "")


def test_any_finite_scores_will_do_for_a_ranking() -> None:
    found = class_probabilities({"0": -3.5, "1": 7.25}, "1", scores=True)

    assert (found.of_positive, found.event) == (7.25, 1.0)


@pytest.mark.parametrize(
    ("classes", "pos_label", "positive"),
    [
        pytest.param(["yes", "no"], None, "yes", id="known-words"),
        pytest.param(["b", "a"], None, "b", id="the-greater-one"),
        pytest.param([1, 10], None, 10, id="the-greater-number"),
        pytest.param(["b", "a"], "a", "a", id="named"),
    ],
)
def test_which_of_two_classes_is_positive(classes: Any, pos_label: Any, positive: Any) -> None:
    output = {"probabilities": [0.25, 0.75], "classes": classes}

    found = class_probabilities(output, label_key(positive) or "", pos_label=label_key(pos_label))

    assert found.event == 1.0
    assert found.of_positive == [0.25, 0.75][classes.index(positive)]


def test_a_positive_label_that_is_no_class_is_an_error() -> None:
    with pytest.raises(UnreadableError, match="pos_label 'c'"):
        class_probabilities({"a": 0.5, "b": 0.5}, '"a"', pos_label='"c"')


def test_outcomes_of_cells(batch_of: Batch) -> None:
    column = LogLoss().score_batch(
        batch_of([1, 1, None, 1, ["x"]], [0.5, None, 0.5, "no idea", 0.5])
    )

    ok, skipped, failed = Status.OK, Status.SKIPPED, Status.FAILED
    assert column.status.tolist() == [ok, skipped, skipped, failed, failed]
    assert set(column.reasons.values()) == {"invalid_response"}
