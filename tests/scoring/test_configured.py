"""A configured scorer reads elsewhere and cuts answers out, and rebuilds from its specification."""

import os.path
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.errors import UsageError
from evalkit.hooks.catalog import get_scorer
from evalkit.scoring.decorator import scorer as decorate
from evalkit.scoring.signature import rebuild, signature, specification

CASES = CaseBatch.of(
    [
        Case(outputs="so 3 or 4. Answer:/5", expectations={"target": "2 + 3 ####/5"}),
        Case(outputs="no idea", expectations={"target": ["1 ####/1", "####/one"]}),
        Case(outputs=None, expectations={"target": "####/7"}),
    ]
)


last_word: Callable[[str], str] = os.path.basename
"""A function that another process can import: what follows the last slash."""


@pytest.mark.parametrize(
    "extract",
    [
        pytest.param({"outputs": r"Answer:/(\w+)", "expectations": r"####/(\w+)"}, id="patterns"),
        pytest.param({"outputs": last_word, "expectations": last_word}, id="functions"),
    ],
)
def test_outputs_and_expectations_are_cut(
    extract: Mapping[str, str | Callable[[str], str]],
) -> None:
    scorer: Any = get_scorer("text.exact_match", extract=extract)
    column = scorer.score_batch(CASES)

    assert column.values[:2].tolist() == [1.0, 0.0]
    assert column.cell(2).status.word == "skipped"


def test_outputs_alone_are_cut_by_a_plain_extract() -> None:
    scorer: Any = get_scorer("text.exact_match", extract=r"Answer:/(\w+)")
    batch = CASES.replacing(expectations=[{"target": "5"}] * 3)

    assert scorer.score_batch(batch).values[:2].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"reads": {"outputs": "answer.text"}}, id="reads"),
        pytest.param({"extract": r"(\d+)"}, id="pattern"),
        pytest.param({"extract": last_word}, id="function"),
        pytest.param({"extract": {"outputs": last_word, "expectations": "x"}}, id="both"),
        pytest.param({"name": "mine", "ignore_case": True}, id="name-and-parameter"),
    ],
)
def test_it_is_rebuilt_from_its_specification(parameters: dict[str, Any]) -> None:
    scorer = get_scorer("text.exact_match", **parameters)
    spec = specification(scorer)

    assert spec["rebuildable"]
    assert signature(rebuild(spec)) == signature(scorer)
    assert signature(pickle.loads(pickle.dumps(scorer))) == signature(scorer)  # noqa: S301
    assert signature(scorer) != signature(get_scorer("text.exact_match"))


def same(outputs: str, expectations: Mapping[str, Any]) -> bool:
    return bool(outputs == expectations["target"])


def test_a_function_is_rebuilt_with_all_its_facts() -> None:
    made: Any = decorate(name="same", low=0.0, high=1.0, best_for_identity=True)  # type: ignore[call-overload]
    scorer = made(same)

    assert rebuild(specification(scorer)).facts == scorer.facts
    assert signature(rebuild(specification(scorer))) == signature(scorer)


def test_fields_are_read_from_elsewhere() -> None:
    scorer: Any = get_scorer(
        "text.exact_match", reads={"outputs": "answer.text", "expectations": "inputs.right"}
    )
    batch = CaseBatch.of(
        [Case(outputs={"answer": {"text": "a"}}, inputs={"right": "a"}), Case(outputs={})]
    )
    column = scorer.score_batch(batch)

    assert column.cell(0).value is True
    assert column.cell(1).status.word == "skipped"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        pytest.param({"extract": "("}, "not a regular expression", id="pattern"),
        pytest.param({"extract": {"inputs": "x"}}, "not inputs", id="role"),
        pytest.param({"reads": {"output": "x"}}, "a case has", id="field"),
        pytest.param({"ignore_cases": True}, "Did you mean 'ignore_case'", id="parameter"),
    ],
)
def test_mistakes_are_said(parameters: dict[str, Any], text: str) -> None:
    def score() -> None:
        scorer: Any = get_scorer("text.exact_match", **parameters)
        scorer.score_batch(CASES)

    with pytest.raises(UsageError, match=text):
        score()
