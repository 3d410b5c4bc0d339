"""``evalkit evaluate``: every keyword of `evaluate` and field of `Runtime` is an option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from evalkit.cli.command import Command, Option
from evalkit.cli.options import json_option, use_store
from evalkit.cli.words import (
    budget_of,
    columns_of,
    given,
    prices_of,
    sample_of,
    sampling_of,
    tags_of,
)

if TYPE_CHECKING:
    from evalkit.evaluation.specification.words import Specification

F = TypeVar("F", bound=Callable[..., Any])

_PLURALS: Final = {"scorers": "scorer", "gates": "gate", "columns": "column", "tags": "tag"}
_WHAT: Final = "What to evaluate"
_CHAT: Final = "Chat models"
_DATA: Final = "Which data"
_NUMBERS: Final = "Numbers and conditions"
_RECORD: Final = "Where it is kept"
_HOW: Final = "How it runs"


def _forgiving(name: str) -> str:
    """Return the name of an option also for the words of Python: ``timeout_seconds``, ``gates``."""
    name = name.replace("_", "-")
    return _PLURALS.get(name, name)


def _option(section: str, *names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, cls=Option, section=section, **settings)


@click.command(
    cls=Command,
    context_settings={"token_normalize_func": _forgiving},
    example=(
        "evalkit evaluate --data answers.jsonl --scorer text.exact_match --scorer text.rouge \\\n"
        "    --gate 'text.rouge.rougeL >= 0.3' --report report.html"
    ),
)
@click.argument("specification", required=False, metavar="[SPEC.yaml]")
@_option(_WHAT, "--data", metavar="DATA", help="File, pattern or URI: .jsonl, .csv, hf:…")
@_option(
    _WHAT,
    "--model",
    "models",
    multiple=True,
    metavar="MODEL",
    help="'module:function', URL or chat model; none scores stored answers. Repeat for one run "
    "each.",
)
@_option(
    _WHAT,
    "--scorer",
    "scorers",
    multiple=True,
    metavar="SCORER",
    help="Name, 'name:{json}', 'module:object' or a judge's file; repeat.",
)
@_option(_CHAT, "--prompt", metavar="TEXT|FILE", help="Jinja2 template over the inputs.")
@_option(_CHAT, "--system", metavar="TEXT|FILE", help="System message.")
@_option(_CHAT, "--base-url", metavar="URL", help="Address of an OpenAI-compatible server.")
@_option(
    _CHAT,
    "--set",
    "sampling",
    multiple=True,
    callback=sampling_of,
    metavar="KEY=VALUE",
    help="Setting sent to the model, such as temperature=0.7.",
)
@_option(
    _DATA,
    "--column",
    "columns",
    multiple=True,
    callback=columns_of,
    metavar="FIELD=COLUMN",
    help="Column that fills a field, such as inputs=question; 'outputs=' drops the field.",
)
@_option(_DATA, "--limit", type=int, metavar="N", help="Take the first N cases.")
@_option(
    _DATA,
    "--sample",
    callback=sample_of,
    metavar="SHARE|N",
    help="Draw a share (0.1) or a count (100).",
)
@_option(_DATA, "--split", metavar="NAME", help="Take only cases of this split.")
@_option(
    _NUMBERS,
    "--gate",
    "gates",
    multiple=True,
    metavar="CONDITION",
    help="Condition such as 'text.token_f1 >= 0.6'; decides the exit code.",
)
@_option(
    _NUMBERS,
    "--baseline",
    metavar="RUN|FILE",
    help="What gates such as 'no_regression(text.token_f1)' compare with.",
)
@_option(
    _NUMBERS,
    "--stop",
    metavar="WHEN",
    help="'when decided' ends the run as soon as every gate is decided.",
)
@_option(_NUMBERS, "--level", type=float, metavar="SHARE", help="Confidence level; 0.95.")
@_option(_NUMBERS, "--seed", type=int, metavar="N", help="Seed of every draw; 0.")
@_option(_NUMBERS, "--repeats", type=int, metavar="N", help="Times to run each case; 1.")
@_option(
    _NUMBERS,
    "--reducer",
    multiple=True,
    metavar="NAME",
    help="How repeats become one value: mean, median, majority, max, 'at_least(k)', "
    "'pass_at_k(k)', 'pass_hat_k(k)'.",
)
@_option(_NUMBERS, "--judge-model", metavar="MODEL", help="Model of judges that name none.")
@_option(_RECORD, "--name", metavar="NAME", help="Name of the run.")
@_option(_RECORD, "--experiment", metavar="NAME", help="Experiment to put the run in.")
@_option(
    _RECORD,
    "--tag",
    "tags",
    multiple=True,
    callback=tags_of,
    metavar="KEY=VALUE",
    help="Tag of the run; repeat for more.",
)
@_option(_RECORD, "--run", metavar="RUN", help="Run to join.")
@_option(_RECORD, "--store", metavar="URI", help="Store of runs, such as sqlite:///team.db.")
@_option(_RECORD, "--no-store", is_flag=True, default=None, help="Keep nothing.")
@_option(_HOW, "--concurrency", type=int, metavar="N", help="Calls in flight at once; 8.")
@_option(_HOW, "--timeout-seconds", type=float, metavar="S", help="Longest time of one call.")
@_option(_HOW, "--requests-per-minute", type=float, metavar="N", help="Most calls in a minute.")
@_option(_HOW, "--tokens-per-minute", type=float, metavar="N", help="Most tokens a server.")
@_option(
    _HOW,
    "--budget",
    multiple=True,
    callback=budget_of,
    metavar="USD|UNIT=N",
    help="Most to spend: 1.5 (US dollars), calls=500, tokens=…, seconds=…, judge.usd=0.5.",
)
@_option(
    _HOW,
    "--price",
    "prices",
    multiple=True,
    callback=prices_of,
    metavar="MODEL=IN,OUT",
    help="Dollars for a million tokens in and out; litellm's by default.",
)
@_option(_HOW, "--mode", metavar="MODE", help="Recordings: auto, replay, live or none.")
@_option(_HOW, "--recordings", metavar="FOLDER", help="Recordings to commit.")
@_option(_HOW, "--cards", metavar="FOLDER", help="Judges' cards, for calibrated(…).")
@_option(
    _HOW,
    "--batch",
    is_flag=False,
    flag_value="all",
    metavar="[ROLES]",
    help="Ask models by batches, at half the price: all, judge or target.",
)
@_option(_HOW, "--backend", metavar="NAME", help="Where cases run: local, or processes:4.")
@_option(_HOW, "--resume", metavar="RUN", help="Interrupted run to finish with these objects.")
@_option(_HOW, "--durable", is_flag=True, default=None, help="Survive a power cut too.")
@_option(
    _HOW, "--progress/--no-progress", default=None, help="Draw a progress bar, or none, on stderr."
)
@click.option(
    "--report",
    "report",
    multiple=True,
    metavar="FILE",
    help="Write a report in the format of the extension: .html, .md, .json, .xml …",
)
@click.option("--dry-run", is_flag=True, help="Check all of it, say what would be called; stop.")
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of SPEC.yaml, for editors.")
@click.pass_context
def command(context: click.Context, /, specification: str | None, **options: Any) -> None:
    """Evaluate a model, or stored answers, on data.

    SPEC.yaml holds the same words as the options, which override it.
    """
    from evalkit.cli.evaluating import describe, run
    from evalkit.cli.output import write_json
    from evalkit.evaluation.specification.words import Specification

    if options.pop("schema"):
        write_json(Specification.model_json_schema())
        return
    dry_run, as_json = options.pop("dry_run"), options.pop("as_json")
    models = options.pop("models")
    words = _words(specification, options)
    if isinstance(words.store, str):
        use_store(context, words.store)
        words = words.model_copy(update={"store": None})
    chosen = _each(words, models)
    if dry_run:
        describe(chosen, as_json=as_json)
        return
    context.exit(run(chosen, as_json=as_json))


def _each(words: Specification, models: Sequence[str]) -> list[Specification]:
    """Return the words of each run: with several models their names tell the runs apart."""
    if not models:
        return [words]
    if len(models) == 1:
        return [words.model_copy(update={"model": models[0]})]
    names = {model: f"{words.name} {model}" if words.name else model for model in models}
    return [
        words.model_copy(update={"model": model, "name": name}) for model, name in names.items()
    ]


def _words(path: str | None, options: Mapping[str, Any]) -> Specification:
    """Return the file's words with those of the command line over them."""
    from evalkit.evaluation.specification.file import read_specification
    from evalkit.evaluation.specification.words import Specification

    words = Specification() if path is None else read_specification(path)
    changes = given(options)
    if changes.pop("no_store", False):
        changes["store"] = False
    for name, value in changes.items():
        if isinstance(value, tuple):
            changes[name] = list(value)
        elif isinstance(value, dict) and name != "budget":
            changes[name] = {**(getattr(words, name) or {}), **value}
    if "data" in changes:
        changes["cases"] = None
    return words.model_copy(update=changes)
