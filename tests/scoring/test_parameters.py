"""Parameters of scorers are checked before anything is paid for, whatever the door."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pytest

from evalkit import evaluate
from evalkit.errors import UsageError
from evalkit.hooks.catalog import get_scorer
from evalkit.scoring.described import parameters_of_user
from evalkit.scoring.parameters import checked_parameters, fits

ROWS = [{"question": "a", "expected": "running fast", "output": "run fast"}]


@pytest.mark.parametrize(
    ("scorer", "parameters", "why"),
    [
        pytest.param("text.rouge", {"stemmer": "no"}, "true or false, written without", id="no"),
        pytest.param("text.rouge", {"stemmer": "false"}, "true or false", id="false-in-quotes"),
        pytest.param("text.exact_match", {"ignore_case": "off"}, "true or false", id="off"),
        pytest.param("text.bleu", {"lowercase": 5}, "true or false", id="number-for-a-flag"),
        pytest.param("text.bleu", {"max_order": "4"}, "a whole number, written", id="quoted"),
        pytest.param("text.bleu", {"max_order": True}, "a whole number", id="flag-for-a-number"),
        pytest.param("classification.calibration_error", {"bins": 2.5}, "a whole", id="fraction"),
        pytest.param("text.contains", {"match": "al"}, "Did you mean 'all'", id="choice"),
        pytest.param("text.rouge", {"stemer": True}, "Did you mean 'stemmer'", id="misspelt"),
        pytest.param("text.rouge", {"variants": [1]}, "a list of texts", id="list-of-numbers"),
        pytest.param("text.rouge", {"variants": "rougeX"}, "no ROUGE variant 'rougeX'", id="value"),
        pytest.param("judge.correctness", {"temperature": "0"}, "a number, or null", id="judge"),
        pytest.param("judge.correctness", {"temprature": 0}, "mean 'temperature'", id="of-a-judge"),
        pytest.param("judge.pairwise_preference", {"samples": "3"}, "a whole number", id="pair"),
        pytest.param("sklearn.f1_score", {"averag": "macro"}, "mean 'average'", id="sklearn"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run(
    scorer: str, parameters: Mapping[str, Any], why: str
) -> None:
    def never(question: str) -> str:
        del question
        raise AssertionError("the target was asked")

    with pytest.raises(UsageError, match=why) as raised:
        evaluate(never, ROWS, [{scorer: parameters}])
    assert str(raised.value).count(scorer) == 1 or why.startswith("no ROUGE")


def test_one_text_for_a_list_of_texts_is_a_list_of_one() -> None:
    scorer: Any = get_scorer("text.rouge", variants="rougeL")

    assert scorer.variants == ("rougeL",)


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        pytest.param(np.True_, bool, True, id="truth-of-numpy"),
        pytest.param(np.int64(3), int, True, id="integer-of-numpy"),
        pytest.param(1, float, True, id="integer-for-number"),
        pytest.param(True, float, False, id="flag-for-number"),
        pytest.param(None, float | None, True, id="nothing"),
        pytest.param("x", Literal["x"] | None, True, id="choice-or-nothing"),
        pytest.param(("a",), Sequence[str], True, id="tuple"),
        pytest.param("a", Sequence[str], False, id="text-for-list"),
        pytest.param([], Mapping[str, str], False, id="list-for-mapping"),
        pytest.param("anything", "unresolved", True, id="what-cannot-be-checked"),
    ],
)
def test_a_value_fits_its_annotation(value: object, hint: object, right: bool) -> None:
    assert fits(value, hint) is right


def test_a_scorer_whose_annotations_cannot_be_resolved_takes_any_value() -> None:
    kind: Any = dataclasses.make_dataclass("Odd", [("limit", "NoSuchType", None)])

    assert checked_parameters("odd", {"limit": "3"}, {"limit": Any}) == {"limit": "3"}
    assert list(parameters_of_user(kind())) == ["limit"]


class TestMeanings:
    @pytest.mark.parametrize(
        ("scorer", "parameter", "meaning"),
        [
            pytest.param("text.rouge", "stemmer", "Porter stems", id="below-the-field"),
            pytest.param("sklearn.f1_score", "pos_label", "class to report", id="of-scikit-learn"),
            pytest.param("judge.correctness", "samples", "How often each case", id="of-a-judge"),
            pytest.param("judge.pairwise_preference", "base_url", "Address of", id="of-a-pair"),
        ],
    )
    def test_each_parameter_is_described(self, scorer: str, parameter: str, meaning: str) -> None:
        assert meaning in parameters_of_user(get_scorer(scorer))[parameter].meaning

    def test_a_docstring_may_list_them_as_arguments(self) -> None:
        @dataclasses.dataclass
        class Mine:
            """Score it.

            Args:
                limit: How many words,
                    at most.
            """

            limit: int = 3

        assert parameters_of_user(Mine())["limit"] == (3, "How many words, at most.")

    def test_those_of_scikit_learn_are_listed_as_they_can_be_given(self) -> None:
        parameters = parameters_of_user(get_scorer("sklearn.fbeta_score", beta=2))

        assert parameters["beta"].value == 2
        assert list(parameters) == ["beta", "labels", "pos_label", "average", "zero_division"]
        assert get_scorer("sklearn.fbeta_score", beta=2, average="macro").name
