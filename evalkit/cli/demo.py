"""``evalkit demo``: the tour, offline, on data in the package."""

from __future__ import annotations

import importlib.resources
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Command
from evalkit.cli.options import use_store
from evalkit.cli.output import drawing_board, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalkit.evaluation.result import EvaluationResult
    from evalkit.stats.difference import PairedDifference

FOLDER: Final = "evalkit-demo"
SCORERS: Final = (
    "text.normalized_match",
    "text.token_f1",
    {"text.rouge": {"variants": ("rouge1", "rougeL")}},
    "operations.latency",
)
COMPARED: Final = (
    "text.normalized_match",
    "text.token_f1",
    "text.rouge.rougeL",
    "operations.latency",
)
COLUMNS: Final = {
    "inputs": "question",
    "outputs": "output",
    "expectations": ["expected_response"],
    "tags": ["topic", "difficulty"],
}
SEED: Final = 20


@click.command(cls=Command, example="evalkit demo")
@click.pass_context
def command(context: click.Context) -> None:
    """Take the tour: evaluate, compare and report, offline, in under a minute.

    Evaluates two systems' stored answers to 204 questions, says which one is better and how sure
    that is, then calls a scikit-learn classifier on cases that it has not seen.  Runs and reports
    are kept in a folder `evalkit-demo` in the current directory.
    """
    folder = _folder()
    # A relative path where it can be: it is what the closing lines tell the user to type.
    use_store(context, f"sqlite:///{(folder / 'evalkit.db').as_posix()}")
    _title("1", "Two systems' stored answers; no model is called")
    atlas, birch = _stored("Atlas", folder), _stored("Birch", folder)
    _table(atlas)
    _table(birch)
    _title("2", "Which one is better, and how sure is that?")
    _compare(atlas, birch)
    _title("3", "A classifier, called live on unseen cases")
    classifier = _classifier()
    _table(classifier)
    reports = [
        result.report(folder / f"{result.name.lower().replace(' ', '-')}.html")
        for result in (atlas, birch, classifier)
    ]
    _closing(folder, reports)


def _folder() -> Path:
    """Return the demo's folder, in the current directory if that can be written."""
    folder = Path(FOLDER)
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"{FOLDER}-"))


def _stored(system: str, folder: Path) -> EvaluationResult:
    from evalkit.evaluation.evaluate import evaluate
    from evalkit.evaluation.running.runtime import Runtime

    # By the package's name: the core knows its plug-ins by what they register alone.
    source = importlib.resources.files("evalkit_datasets") / f"builtin/demo_{system.lower()}.jsonl"
    # A copy, so that there is something to look at, and to try the other commands on.
    answers = folder / f"{system.lower()}.jsonl"
    answers.write_bytes(source.read_bytes())
    return evaluate(
        data=answers,
        scorers=SCORERS,
        columns=COLUMNS,
        name=system,
        experiment="demo",
        seed=SEED,
        runtime=Runtime(progress=False),
    )


def _compare(first: EvaluationResult, second: EvaluationResult) -> None:
    from rich.text import Text

    from evalkit.report.comparison import render_comparison

    differences = {key: first.difference(second, key) for key in COMPARED}
    width = min(drawing_board().width, 120)
    show(render_comparison(first, second, differences, width=width))
    show(Text(""), Text(_better(first, second, differences), style="bold"))
    by_topic: Any = first.by("topic").merge(second.by("topic"), on=["topic", "metric"])
    rows = by_topic[by_topic["metric"] == "text.token_f1"]
    leads = rows["value_x"] - rows["value_y"]
    most, least = rows.loc[leads.idxmax()], rows.loc[leads.idxmin()]
    told = (
        f"An average hides much: of {len(rows)} topics {first.name} leads in {(leads > 0).sum()}, "
        f"most in {most['topic']} ({most['value_x']:.2f} to {most['value_y']:.2f} on "
        f"text.token_f1), and trails most in {least['topic']} ({least['value_x']:.2f} to "
        f"{least['value_y']:.2f})."
    )
    show(Text(""), Text(told))


def _better(
    first: EvaluationResult,
    second: EvaluationResult,
    differences: Mapping[str, PairedDifference],
) -> str:
    """Say which result is better: the one that more whole intervals speak for."""
    wins = {first.name: 0, second.name: 0}
    for key, found in differences.items():
        if found.low is None or found.high is None or found.low <= 0 <= found.high:
            continue
        ahead = (found.low > 0) == (first[key].direction == "higher")
        wins[first.name if ahead else second.name] += 1
    best, other = sorted(wins, key=lambda name: -wins[name])
    if wins[best] == wins[other]:
        return "These metrics do not tell which one is better."
    against = f", and on {wins[other]} for {other}" if wins[other] else ""
    return (
        f"{best} is the better one: on {wins[best]} of {len(differences)} metrics the whole "
        f"interval of the difference speaks for it{against}."
    )


def _classifier() -> EvaluationResult:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from evalkit.evaluation.evaluate import evaluate
    from evalkit.evaluation.running.runtime import Runtime

    # Without types of its own in some checkers' eyes, and with wrong ones in others'.
    bunch: Any = load_breast_cancer(as_frame=True)
    parts: list[Any] = train_test_split(
        bunch.frame, test_size=0.3, stratify=bunch.target, random_state=SEED
    )
    seen, unseen = parts
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(seen.drop(columns="target"), seen["target"])
    return evaluate(
        model,
        unseen,
        columns={"expectations": "target"},
        scorers=["classification.accuracy", "classification.f1", "classification.roc_auc"],
        gates=["classification.accuracy >= 0.9", "coverage >= 0.98"],
        name="Breast-cancer classifier",
        experiment="demo",
        seed=SEED,
        runtime=Runtime(progress=False),
    )


def _title(number: str, text: str) -> None:
    from rich.text import Text

    show(Text(""), Text.assemble((f" {number} ", "bold reverse"), (f" {text}", "bold")))


def _table(result: EvaluationResult) -> None:
    from rich.text import Text

    from evalkit.report.table import WIDEST, render

    show(Text(""), render(result, width=min(drawing_board().width, WIDEST)))


def _command() -> str:
    """Return how this program is called: by its path where the shell would not find it."""
    own = Path(sys.argv[0]).absolute()
    found = shutil.which("evalkit")
    same = found is not None and Path(found).resolve() == own.resolve()
    return "evalkit" if same or own.name != "evalkit" else str(own)


def _closing(folder: Path, reports: list[Path]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    address = reports[0].resolve().as_uri()
    grid.add_row("open", Text(f"{address}\nin a browser: the report; the others lie beside it"))
    command = _command()
    grid.add_row("look", Text(f"cd {folder} && {command} runs list"))
    grid.add_row("next", Text(f"{command} init yaml, or {command} init pytest, in an empty folder"))
    show(Text(""), Text(f"Runs and reports are kept in {folder}/", style="dim"), Text(""), grid)
