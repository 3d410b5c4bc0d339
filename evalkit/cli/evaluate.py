"""``evalkit evaluate``: every keyword of `evaluate` and field of `Runtime` is an option."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Command
from evalkit.cli.keywords import keywords, spelling
from evalkit.cli.options import json_option, report_option, use_store
from evalkit.cli.output import tell, write, write_json
from evalkit.cli.values import given
from evalkit.errors import UsageError

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.specification.words import Specification


@click.command(
    cls=Command,
    context_settings={"token_normalize_func": spelling},
    example=(
        "evalkit evaluate --data answers.jsonl --scorer text.rouge \\\n"
        "    --gate 'text.rouge.rougeL >= 0.3' --report report.html"
    ),
)
@click.argument("specification", required=False, metavar="[SPEC.yaml]")
@keywords
@report_option
@click.option("--dry-run", is_flag=True, help="Check all of it, say what would be called; stop.")
@json_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of SPEC.yaml, for editors.")
@click.pass_context
def command(
    context: click.Context,
    /,
    specification: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    schema: bool,
    **options: Any,
) -> None:
    """Evaluate a model, or stored answers, on data.

    SPEC.yaml holds the same words as the options, which override it.
    """
    from evalkit.cli.dry_run import describe
    from evalkit.evaluation.specification.words import Specification

    if schema:
        write_json(Specification.model_json_schema())
        return
    models = options.pop("model")
    words = _words(specification, options)
    if isinstance(words.store, str):
        use_store(context, words.store)
        words = words.model_copy(update={"store": None})
    runs = _each(words, models)
    if dry_run:
        describe(runs, as_json=as_json)
        return
    context.exit(_run(runs, as_json=as_json))


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


def _run(runs: Sequence[Specification], *, as_json: bool) -> int:
    """Evaluate each of *runs*, show results and write reports; return the exit code."""
    from evalkit.cli.compare import show_comparison
    from evalkit.cli.results import check_report_files, exit_code, show_results, write_reports
    from evalkit.evaluation.evaluate import evaluate

    results: list[EvaluationResult] = []
    unwritten = 0
    check_report_files(file for words in runs for file in words.report)
    for words in runs:
        result = evaluate(**words.arguments())
        files = [Path(file) for file in words.report]
        if len(runs) > 1:
            name = re.sub(r"[^\w.]+", "-", result.name).strip("-.")
            files = [file.with_name(f"{file.stem}-{name}{file.suffix}") for file in files]
        if not as_json:  # at once, so that Ctrl-C in the next one does not take it along
            if results:
                write("")
            show_results([result], as_json=False)
        unwritten |= write_reports(result, files)
        results.append(result)
    comparison = _compared(results)
    if as_json:
        show_results(results, as_json=True, comparison=comparison)
    elif comparison is not None:
        write("")
        show_comparison(comparison, {})
    return exit_code(results) or unwritten


def _compared(results: Sequence[EvaluationResult]) -> Comparison | None:
    """Return the comparison of several models, the first being the baseline of the others."""
    from evalkit.evaluation.sweep import compare

    if len(results) < 2:  # noqa: PLR2004  it takes two to compare
        return None
    try:
        return compare(*results)
    except UsageError as error:
        tell(f"The models are not compared: {error}")
        return None
