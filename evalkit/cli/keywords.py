"""Every keyword of `evaluate` and field of `Runtime` as an option, spelt once for all commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import click

from evalkit.cli.command import Option
from evalkit.cli.values import (
    budget_of,
    columns_of,
    prices_of,
    sample_of,
    sampling_of,
    tags_of,
)

F = TypeVar("F", bound=Callable[..., Any])

_WHAT: Final = "What to evaluate"
_CHAT: Final = "Chat models"
_DATA: Final = "Which data"
_NUMBERS: Final = "Numbers and conditions"
_RECORD: Final = "Where it is kept"
_HOW: Final = "How it runs"


@dataclass(frozen=True, slots=True)
class Keyword:
    """How a word of Python is written on the command line."""

    section: str
    """Heading of the help under which `evaluate` has it."""

    help: str
    metavar: str | None = None
    type: type = str
    form: Literal["one", "many", "switch", "optional"] = "one"
    """One value; several, by repeating the option; yes or no; or a value that may be left out."""

    read: Callable[..., Any] | None = None
    """What makes the value of Python from the texts that were given."""

    flag: str | None = None
    """The option's name, where it is not that of the word, in the singular."""


KEYWORDS: Final[dict[str, Keyword]] = {
    "data": Keyword(_WHAT, "File, pattern or URI: .jsonl, .csv, hf:…", "DATA"),
    "model": Keyword(
        _WHAT,
        "'module:function', URL or chat model; none scores stored answers. Repeat for one run "
        "each.",
        "MODEL",
        form="many",
    ),
    "scorers": Keyword(
        _WHAT,
        "Name, 'name:{json}', 'module:object' or a judge's file; repeat.",
        "SCORER",
        form="many",
    ),
    "prompt": Keyword(_CHAT, "Jinja2 template over the inputs.", "TEXT|FILE"),
    "system": Keyword(_CHAT, "System message.", "TEXT|FILE"),
    "base_url": Keyword(_CHAT, "Address of an OpenAI-compatible server.", "URL"),
    "sampling": Keyword(
        _CHAT,
        "Setting sent to the model, such as temperature=0.7.",
        "KEY=VALUE",
        form="many",
        read=sampling_of,
        flag="--set",
    ),
    "columns": Keyword(
        _DATA,
        "Column that fills a field, such as inputs=question; 'outputs=' drops the field.",
        "FIELD=COLUMN",
        form="many",
        read=columns_of,
    ),
    "limit": Keyword(_DATA, "Take the first N cases.", "N", int),
    "sample": Keyword(_DATA, "Draw a share (0.1) or a count (100).", "SHARE|N", read=sample_of),
    "split": Keyword(_DATA, "Take only cases of this split.", "NAME"),
    "gates": Keyword(
        _NUMBERS,
        "Condition such as 'text.token_f1 >= 0.6'; decides the exit code.",
        "CONDITION",
        form="many",
    ),
    "baseline": Keyword(
        _NUMBERS, "What gates such as 'no_regression(text.token_f1)' compare with.", "RUN|FILE"
    ),
    "stop": Keyword(
        _NUMBERS, "'when decided' ends the run as soon as every gate is decided.", "WHEN"
    ),
    "level": Keyword(_NUMBERS, "Confidence level; 0.95.", "SHARE", float),
    "seed": Keyword(_NUMBERS, "Seed of every draw; 0.", "N", int),
    "repeats": Keyword(_NUMBERS, "Times to run each case; 1.", "N", int),
    "reducer": Keyword(
        _NUMBERS,
        "How repeats become one value: mean, median, majority, max, 'at_least(k)', "
        "'pass_at_k(k)', 'pass_hat_k(k)'.",
        "NAME",
        form="many",
    ),
    "judge_model": Keyword(_NUMBERS, "Model of judges that name none.", "MODEL"),
    "name": Keyword(_RECORD, "Name of the run.", "NAME"),
    "experiment": Keyword(_RECORD, "Experiment to put the run in.", "NAME"),
    "tags": Keyword(
        _RECORD, "Tag of the run; repeat for more.", "KEY=VALUE", form="many", read=tags_of
    ),
    "run": Keyword(_RECORD, "Run to join.", "RUN"),
    "store": Keyword(_RECORD, "Store of runs, such as sqlite:///team.db.", "URI"),
    "no_store": Keyword(_RECORD, "Keep nothing.", form="switch", flag="--no-store"),
    "concurrency": Keyword(_HOW, "Calls in flight at once; 8.", "N", int),
    "timeout_seconds": Keyword(_HOW, "Longest time of one call.", "S", float),
    "requests_per_minute": Keyword(_HOW, "Most calls in a minute.", "N", float),
    "tokens_per_minute": Keyword(_HOW, "Most tokens a server.", "N", float),
    "budget": Keyword(
        _HOW,
        "Most to spend: 1.5 (US dollars), calls=500, tokens=…, seconds=…, judge.usd=0.5.",
        "USD|UNIT=N",
        form="many",
        read=budget_of,
    ),
    "prices": Keyword(
        _HOW,
        "Dollars for a million tokens in and out; litellm's by default.",
        "MODEL=IN,OUT",
        form="many",
        read=prices_of,
    ),
    "mode": Keyword(_HOW, "Recordings: auto, replay, live or none.", "MODE"),
    "recordings": Keyword(_HOW, "Recordings to commit.", "FOLDER"),
    "cards": Keyword(_HOW, "Judges' cards, for calibrated(…).", "FOLDER"),
    "batch": Keyword(
        _HOW,
        "Ask models by batches, at half the price: all, judge or target.",
        "[ROLES]",
        form="optional",
    ),
    "backend": Keyword(_HOW, "Where cases run: local, or processes:4.", "NAME"),
    "resume": Keyword(_HOW, "Interrupted run to finish with these objects.", "RUN"),
    "durable": Keyword(_HOW, "Survive a power cut too.", form="switch"),
    "progress": Keyword(_HOW, "Draw a progress bar, or none, on stderr.", form="switch"),
}
"""Word of Python -> its option, in the order in which the help of ``evalkit evaluate`` has them."""

_FORMS: Final[dict[str, dict[str, Any]]] = {
    "one": {},
    "many": {"multiple": True},
    "switch": {"default": None},
    "optional": {"is_flag": False, "flag_value": "all"},
}


def keyword(name: str, help: str | None = None, **settings: Any) -> Callable[[F], F]:  # noqa: A002
    """Return what adds the option of a word; *settings* of click stand above the word's own.

    Args:
        name: A key of `KEYWORDS`, which is the name of the command's parameter too.
        help: What the word means to the command, where it is not what it means to `evaluate`.
        **settings: As `click.option` takes them, and the heading ``section``.
    """
    word = KEYWORDS[name]
    own: dict[str, Any] = {"help": help or word.help, "metavar": word.metavar, "type": word.type}
    if word.form == "switch":
        own = {"help": own["help"], "is_flag": True}
    if word.read is not None:
        own["callback"] = word.read
    return click.option(_flag(name), name, cls=Option, **(own | _FORMS[word.form] | settings))


def keywords(function: F) -> F:
    """Add the options of all words, each under its heading."""
    for name in reversed(KEYWORDS):
        function = keyword(name, section=KEYWORDS[name].section)(function)
    return function


def _flag(name: str) -> str:
    word = KEYWORDS[name]
    if word.flag is not None:
        return word.flag
    plain = name.removesuffix("s") if word.form == "many" else name
    dashed = f"--{plain.replace('_', '-')}"
    return f"{dashed}/--no-{dashed[2:]}" if word.form == "switch" else dashed


def spelling(name: str) -> str:
    """Return the name of an option also for the words of Python.

    Examples:
        >>> spelling("timeout_seconds"), spelling("gates")
        ('timeout-seconds', 'gate')
    """
    many = name in KEYWORDS and KEYWORDS[name].form == "many" and KEYWORDS[name].flag is None
    return (name.removesuffix("s") if many else name).replace("_", "-")
