"""Names that judges have elsewhere lead to the judges of the library."""

import pytest

from evalkit.errors import UnknownScorerError
from evalkit.hooks.catalog import catalog, get_scorer
from evalkit_judges.aliases import ALIASES


@pytest.mark.parametrize("alias", ALIASES)
def test_a_name_from_elsewhere_is_the_judge_of_the_library(alias: str) -> None:
    found = get_scorer(f"judge.{alias}", model="openai/x")

    assert found.name == f"judge.{ALIASES[alias]}"
    assert f"judge.{alias}" not in catalog().scorers
    assert f"judge.{ALIASES[alias]}" in catalog().scorers


@pytest.mark.parametrize(
    ("name", "close"),
    [
        pytest.param("judge.correctnes", "judge.correctness", id="ours"),
        pytest.param("judge.answer_relevanc", "judge.answer_relevanc[ey]", id="elsewhere"),
    ],
)
def test_a_misspelt_judge_is_an_error_with_a_close_name(name: str, close: str) -> None:
    with pytest.raises(UnknownScorerError, match=f"Did you mean '{close}"):
        get_scorer(name)
