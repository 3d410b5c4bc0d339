"""Errors on the command line advise what can be typed there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli.flags import in_flags
from evalkit.cli.keywords import flag
from evalkit.evaluation.running.request import WORDS

Type = Callable[..., Any]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        pytest.param(
            ["--data", "answers.jsonl"], "give --scorer text.exact_match", id="no scorers"
        ),
        pytest.param(["--scorer", "text.exact_match"], "give --data answers.jsonl", id="no data"),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "text.exact_match", "--column", "outputz=a"],
            "--column names 'outputz'",
            id="column",
        ),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "text.exact_match", "--model", "app:bot"],
            "or drop them to call it: --column outputs=",
            id="outputs",
        ),
    ],
)
def test_advice_is_in_flags(type_in: Type, words: list[str], advice: str) -> None:
    refused = type_in("evaluate", *words)

    assert refused.code == 2
    assert advice in refused.err.replace("\n", " ")
    assert "columns=" not in refused.err


def test_a_scorer_that_a_run_has_is_given_another_name_as_the_command_takes_it(
    type_in: Type, folder: Path
) -> None:
    assert folder.is_dir()
    type_in("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match")
    refused = type_in("score", "latest", "--scorer", "text.exact_match")

    assert 'give {"name": "…"} in its JSON' in refused.err


@pytest.mark.parametrize("word", sorted(set(WORDS) - {"name"}))
def test_every_word_without_a_value_is_its_flag(word: str, type_in: Type) -> None:
    assert in_flags(f"leave out {word}=.") == f"leave out {flag(word)}."
    assert flag(word) in type_in("evaluate", "--help").out


@pytest.mark.parametrize(
    "text",
    [
        "GET http://127.0.0.1/?limit=5&seed=3: 404",
        "case 'limit=5' failed",
        "evaluate(..., runtime=Runtime(resume=RUN))",
        "there is no case of the tag region=eu",
    ],
)
def test_what_is_no_advice_stays(text: str) -> None:
    assert in_flags(text) == text
