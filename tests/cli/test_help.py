"""What the pages of help say, and what they load."""

import dataclasses
import inspect
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest

from evalkit.cli.command import Command
from evalkit.cli.main import COMMANDS, cli
from evalkit.evaluation.evaluate import evaluate
from evalkit.evaluation.running.request import CHAT_WORDS, WORDS
from evalkit.evaluation.running.runtime import Runtime

PLURALS = ("scorers", "gates", "columns", "tags", "prices")
SINGULAR = {plural: plural.removesuffix("s") for plural in PLURALS}
HEAVY = {"evalkit.evaluation", "evalkit.hooks", "numpy", "pandas", "pydantic", "rich", "sqlalchemy"}
LOADED_BY_HELP = """
import json, sys
from evalkit.cli.main import cli
cli.main(["--help"], prog_name="evalkit", standalone_mode=False)
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def _walk(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _walk(f"{words} {name}", child)
    else:
        yield words, command


VERBS = dict(_walk("evalkit", cli))


def _option_names(command: click.Command) -> set[str]:
    return {name for option in command.params for name in (*option.opts, *option.secondary_opts)}


def test_the_help_names_every_command_and_loads_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BY_HELP], capture_output=True, text=True, check=True
    )
    page, _, loaded = done.stdout.rstrip().rpartition("\n")

    assert all(f"  {name} " in page for name in COMMANDS)
    assert not HEAVY & set(json.loads(loaded))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_summary_of_a_command_is_its_own_first_sentence(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    first = (command.help or "").replace("\n", " ").partition(". ")[0].partition("  ")[0]
    words = set(COMMANDS[name].summary.lower().rstrip(".").split())
    assert len(words & set(first.lower().replace(",", "").split())) >= len(words) // 3


@pytest.mark.parametrize("words", list(VERBS))
def test_every_command_shows_one_example_of_itself(words: str) -> None:
    command = VERBS[words]

    assert isinstance(command, Command)
    typed = shlex.split(command.example.replace("\\\n", " "))
    prefix = words.split()
    assert typed[: len(prefix)] == prefix
    used = {word.partition("=")[0] for word in typed if word.startswith("-")}
    assert used <= _option_names(command)


@pytest.mark.parametrize("words", list(VERBS))
def test_every_page_of_help_fits_eighty_columns(words: str, type_in: Callable[..., Any]) -> None:
    done = type_in(*words.split()[1:], "--help")

    assert done.code == 0
    before_example = done.out.partition("Example:")[0]
    assert max(map(len, before_example.splitlines())) <= 80


def test_every_keyword_of_evaluate_and_field_of_runtime_is_an_option() -> None:
    options = _option_names(VERBS["evalkit evaluate"])
    words = {
        *inspect.signature(evaluate).parameters,
        *(f.name for f in dataclasses.fields(Runtime)),
    }
    missing = [
        word
        for word in words - {"runtime"}
        if f"--{SINGULAR.get(word, word).replace('_', '-')}" not in options
    ]

    assert not missing


def test_every_word_of_the_command_line_is_one_of_python_too() -> None:
    words = {
        *inspect.signature(evaluate).parameters,
        *(field.name for field in dataclasses.fields(Runtime)),
        *CHAT_WORDS,
    }

    assert set(WORDS) == words - {"runtime"}


@pytest.mark.parametrize(
    "word", ["--scorers", "--gates", "--columns", "--tags", "--timeout_seconds", "--judge_model"]
)
def test_the_words_of_python_are_understood_too(word: str, type_in: Callable[..., Any]) -> None:
    values = {"--columns": "inputs=question", "--tags": "a=b", "--timeout_seconds": "9"}
    value = values.get(word, "text.exact_match >= 0" if word == "--gates" else "text.exact_match")
    done = type_in(
        "evaluate", "--data", "answers.jsonl", "--scorer", "text.token_f1", word, value, "--dry-run"
    )

    assert "No such option" not in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        pytest.param(["evaluat"], "Did you mean 'evaluate'?", id="command"),
        pytest.param(["scorers", "lst"], "list", id="verb"),
        pytest.param(["evaluate", "--scorr", "x"], "--scorer", id="option"),
    ],
)
def test_a_misspelt_word_is_a_usage_error_with_a_hint(
    words: list[str], hint: str, type_in: Callable[..., Any]
) -> None:
    done = type_in(*words)

    assert done.code == 2
    assert hint in done.err
    assert not done.out


def test_the_version_names_evalkit_and_python(type_in: Callable[..., Any]) -> None:
    done = type_in("--version")

    assert done.code == 0
    assert done.out.startswith("evalkit ")
    assert "Python 3." in done.out
