"""A path of ``reads=`` at which no case has anything is refused before the run."""

from typing import Any

import pytest

from evalkit import evaluate, get_scorer
from evalkit.entities.target import Output
from evalkit.errors import UsageError

ROWS: list[dict[str, Any]] = [
    {"question": "a", "expected": "x", "output": {"answer": "x", "why": "y"}, "part": {"p": "x"}}
]
COLUMNS = {"inputs": ["question"], "tags": ["part"]}


def score(path: str, rows: list[dict[str, Any]] = ROWS) -> float | None:
    scorer = get_scorer("text.exact_match", reads={"outputs": path})
    return evaluate(data=rows, scorers=[scorer], columns=COLUMNS)["text.exact_match"].value


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        pytest.param("outputs.anser", "mean 'outputs.answer'", id="misspelt"),
        pytest.param("part.p", "mean 'tags.part.p'", id="without-its-field"),
        pytest.param("metadata.p", "'metadata.p', which no case has", id="what-data-has-not"),
        pytest.param("inputs.answer", "mean 'outputs.answer'", id="another-field"),
        pytest.param("tags.part.q", "which no case has", id="deeper"),
    ],
)
def test_an_unknown_path_is_an_error_with_a_near_one(path: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        score(path)


@pytest.mark.parametrize("path", ["outputs.answer", "answer", "tags.part.p", "expectations.target"])
def test_a_path_that_some_case_has_is_read(path: str) -> None:
    assert score(path) == 1.0


def test_one_case_that_has_it_is_enough() -> None:
    rows = [{"question": "b", "expected": "x", "output": {"why": "y"}, "part": {}}, *ROWS]

    assert score("outputs.answer", rows) == 1.0


def test_what_a_target_is_still_to_return_is_not_looked_for() -> None:
    scorer = get_scorer("text.exact_match", reads={"outputs": "metadata.short"})
    rows = [{"question": "a", "expected": "x"}]

    result = evaluate(lambda _: Output("long", metadata={"short": "x"}), rows, [scorer])

    assert result["text.exact_match"].value == 1.0
