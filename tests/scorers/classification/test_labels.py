"""Which labels are one, which are two, and what becomes of answers that are none."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.classification.labels import (
    LONGEST_KEY,
    in_order,
    label_key,
    label_keys,
    positive_label,
    spelled_number,
    stated_label,
)
from evalkit_scorers.classification.reading import label_pairs

Batch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]
scalars = st.text(max_size=5) | st.integers(-3, 3) | st.booleans() | st.floats(allow_nan=False)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(1, 1.0, id="int-and-float"),
        pytest.param(True, 1, id="bool-and-int"),
        pytest.param(np.int64(3), 3, id="numpy-and-int"),
        pytest.param(np.str_("a"), "a", id="numpy-and-text"),
        pytest.param(0.0, -0.0, id="signs-of-zero"),
    ],
)
def test_equal_values_of_several_types_are_one_label(left: object, right: object) -> None:
    assert label_key(left) == label_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(1, "1", id="number-and-text"),
        pytest.param("a", "A", id="case"),
        pytest.param("a", "a ", id="white-space"),
        pytest.param(2**60, 2**60 + 1, id="large-numbers"),
        pytest.param("x" * LONGEST_KEY + "a", "x" * LONGEST_KEY + "b", id="long-texts"),
    ],
)
def test_different_labels_stay_apart(left: object, right: object) -> None:
    assert label_key(left) != label_key(right)


@given(scalars, scalars)
def test_labels_are_one_exactly_when_python_calls_them_equal(left: Any, right: Any) -> None:
    if not any(isinstance(value, float) and math.isinf(value) for value in (left, right)):
        assert (label_key(left) == label_key(right)) == (left == right)


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan")])
def test_nothing_and_not_a_number_are_no_label(value: object) -> None:
    assert label_key(value) is None


@given(st.lists(st.integers(-20, 20) | st.text(max_size=3), max_size=8))
def test_labels_are_ordered_numbers_first_and_texts_by_code_point(labels: list[int | str]) -> None:
    numbers = sorted({label for label in labels if isinstance(label, int)})
    texts = sorted({label for label in labels if isinstance(label, str)})
    keys = [label_key(label) for label in [*numbers, *texts]]

    assert list(in_order(key for key in map(label_key, labels) if key)) == keys


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1"),
        (" 2.50 ", "2.5"),
        ("-1e3", "-1000"),
        ("TRUE", "1"),
        ("false", "0"),
        ("one", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("Infinity", None),
        ("1_000", None),
    ],
)
def test_a_text_spells_a_number_as_people_read_it(text: str, number: str | None) -> None:
    assert spelled_number(label_key(text) or "") == number


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        pytest.param([0, 1], 1, id="zero-one"),
        pytest.param([-1, 1], 1, id="minus-one-one"),
        pytest.param([False, True], True, id="truth-values"),
        pytest.param(["no", "yes"], "yes", id="no-yes"),
        pytest.param(["Negative", "Positive"], "Positive", id="any-case"),
        pytest.param([1], 1, id="one-class"),
        pytest.param([0], 1, id="only-the-negative-one"),
        pytest.param(["cat", "dog"], None, id="nobody-can-know"),
        pytest.param([0, 1, 2], None, id="three"),
        pytest.param(["yes", "Yes"], None, id="two-spellings"),
        pytest.param([], None, id="none"),
    ],
)
def test_the_positive_label_is_found_where_it_is_clear(labels: list[Any], positive: Any) -> None:
    keys = [key for key in map(label_key, labels) if key]

    assert positive_label(keys) == label_key(positive)


@pytest.mark.parametrize(
    ("output", "label"),
    [
        pytest.param(
            {"label": "a", "probabilities": [0, 1], "classes": ["a", "b"]}, "a", id="label"
        ),
        pytest.param({"probabilities": [0.1, 0.9], "classes": ["a", "b"]}, "b", id="classes"),
        pytest.param({"probabilities": np.array([0.9, 0.1]), "classes": (3, 4)}, 3, id="arrays"),
        pytest.param({"a": 0.5, "b": 0.5}, "a", id="first-of-equals"),
    ],
)
def test_a_mapping_states_its_label_or_the_most_probable(output: Any, label: Any) -> None:
    assert stated_label(output) == label


@pytest.mark.parametrize(
    "output",
    [
        {},
        {"a": "b"},
        {"probabilities": [1.0], "classes": "a"},
        {"a": math.nan},
        {"a": None},
        {"a": []},
    ],
)
def test_a_mapping_that_states_no_label_is_no_wrong_label(output: Any, batch_of: Batch) -> None:
    column = label_pairs(batch_of(["a"], [output])).column

    assert column.reasons == {0: "invalid_response"}
    assert "reads={'outputs':" in column.explanations[0]


@pytest.mark.parametrize(
    ("target", "output", "status"),
    [
        pytest.param(1, "1", Status.FAILED, id="text-that-spells-the-number"),
        pytest.param(1, "0", Status.FAILED, id="text-that-spells-another"),
        pytest.param("1", 1, Status.FAILED, id="number-for-a-text"),
        pytest.param(True, "True", Status.FAILED, id="text-that-spells-a-truth-value"),
        pytest.param(1, "I think it is one", Status.FAILED, id="prose-beside-a-number"),
        pytest.param("yes", "I think so", Status.OK, id="prose-beside-a-text-is-wrong"),
        pytest.param("cat", 3, Status.FAILED, id="number-for-a-word"),
        pytest.param("cat", ["cat"], Status.OK, id="a-list-of-one"),
        pytest.param("cat", ["cat", "dog"], Status.FAILED, id="a-list-of-two"),
        pytest.param(1, "", Status.FAILED, id="an-empty-answer-beside-a-number"),
        pytest.param("cat", "", Status.OK, id="an-empty-answer-beside-a-text-is-wrong"),
        pytest.param(0, 0.69, Status.FAILED, id="probability"),
        pytest.param(True, 0.69, Status.FAILED, id="probability-beside-a-truth-value"),
        pytest.param(-1, 1.83, Status.FAILED, id="decision-value"),
        pytest.param(1, [0.31, 0.69], Status.FAILED, id="probabilities-without-classes"),
        pytest.param(1, {"neg": 0.31, "pos": 0.69}, Status.FAILED, id="classes-of-another-type"),
        pytest.param(2, 1.5, Status.OK, id="steps-of-a-half-are-labels"),
        pytest.param(1, math.inf, Status.FAILED, id="infinity"),
        pytest.param(None, 1, Status.SKIPPED, id="no-target"),
        pytest.param(1, None, Status.SKIPPED, id="no-output"),
        pytest.param(1, math.nan, Status.SKIPPED, id="not-a-number"),
        pytest.param(["cat", "dog"], "cat", Status.FAILED, id="a-target-that-is-no-label"),
        pytest.param(1, {"0": 0.2, "1": 0.8}, Status.OK, id="keys-of-a-mapping-are-texts"),
    ],
)
def test_outcome_of_a_pair(target: Any, output: Any, status: Status, batch_of: Batch) -> None:
    assert label_pairs(batch_of([target], [output])).column.status.tolist() == [status]


class Tensor:
    """What torch and other frameworks give: no array, but one can list it."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def tolist(self) -> Any:
        return self.values


@pytest.mark.parametrize(
    "output",
    [
        pytest.param([1], id="list"),
        pytest.param((1,), id="tuple"),
        pytest.param(np.array([1]), id="array"),
        pytest.param(np.array(1), id="array-without-dimensions"),
        pytest.param(np.array([[1]]), id="table"),
        pytest.param(pd.Series([1], index=["a"]), id="series"),
        pytest.param(Tensor([1]), id="tensor"),
        pytest.param(Tensor(1), id="tensor-without-dimensions"),
        pytest.param([True], id="truth-value"),
        pytest.param({"label": np.array([1])}, id="label-of-a-mapping"),
    ],
)
def test_what_a_model_returns_for_one_row_is_its_one_label(output: Any, batch_of: Batch) -> None:
    pairs = label_pairs(batch_of([1], [output]))

    assert pairs.output == pairs.target == ["1"]


@pytest.mark.parametrize("output", [np.array([0, 1]), Tensor([0, 1]), pd.Series([0, 1])])
def test_several_values_are_no_label(output: Any, batch_of: Batch) -> None:
    column = label_pairs(batch_of([1], [output])).column

    assert column.explanations[0].startswith("The output is a list of 2 values and no label")


def test_a_mistake_in_the_types_of_labels_is_explained(batch_of: Batch) -> None:
    column = label_pairs(batch_of([1], ["1"])).column

    assert column.reasons == {0: "invalid_response"}
    assert column.explanations[0].startswith("The target is the number '1' and the output the text")
    assert "parse_text=True" in column.explanations[0]


def test_labels_that_differ_in_case_alone_are_wrong_and_told() -> None:
    rows = [
        {"question": i, "expected": "yes", "output": o}
        for i, o in enumerate(["Yes", "no", "yes", "yes "])
    ]
    keys = ["classification.accuracy", "classification.f1"]
    runtime = evalkit.Runtime(store=False, progress=False)
    result = evalkit.evaluate(data=rows, scorers=keys, runtime=runtime)

    assert result[keys[0]].value == 0.25
    for key in keys:
        assert "wrong by upper and lower case or spaces alone (2 of 4)" in (result[key].note or "")


@pytest.mark.parametrize(
    ("target", "output", "noted"),
    [
        ("very_good", {"good": 0.9, "bad": 0.1}, True),
        ("good", {"good": 0.1, "bad": 0.9}, False),
        (1, {"0": 0.9, "1": 0.1}, False),
        (2, {"classes": [0, 1], "probabilities": [0.9, 0.1]}, True),
        ("very_good", {"label": "good"}, False),
        ("very_good", {"answer": "good"}, False),
    ],
)
def test_a_target_that_no_class_of_the_output_is_is_told(
    target: Any, output: Any, batch_of: Batch, *, noted: bool
) -> None:
    metadata = label_pairs(batch_of([target], [output])).column.metadata

    assert metadata == (
        {0: {"as_read": "the target is none of the output's classes"}} if noted else {}
    )


def test_parse_text_reads_texts_as_what_they_spell(batch_of: Batch) -> None:
    pairs = label_pairs(batch_of([1, "1", True, "a"], ["1.0", 1, "true", "a"]), parse_text=True)

    assert pairs.output == pairs.target == ["1", "1", "1", '"a"']


@given(st.lists(st.tuples(scalars | st.none(), scalars | st.none()), max_size=6))
def test_a_pair_is_read_alike_alone_and_in_a_batch(pairs: list[tuple[Any, Any]]) -> None:
    def read(some: list[tuple[Any, Any]]) -> list[tuple[str, str, int]]:
        columns = {
            "outputs": [output for _, output in some],
            "expectations": [{"target": target} for target, _ in some],
        }
        found = label_pairs(CaseBatch(columns, length=len(some)))
        return list(zip(found.target, found.output, found.column.status.tolist(), strict=True))

    assert read(pairs) == [cell for pair in pairs for cell in read([pair])]


@pytest.mark.parametrize("labels", [[], ["a", "a"], [1, True], [None], [["a", "b"]]])
def test_a_list_of_labels_holds_distinct_labels(labels: list[Any]) -> None:
    with pytest.raises(ValueError, match="labels must be distinct"):
        label_keys(labels)
