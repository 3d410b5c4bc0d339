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
from evalkit.report.console import WIDEST, grid, styled

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult

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
    # By the package's name: the core knows its plug-ins by what they register alone.
    source = importlib.resources.files("evalkit_datasets") / f"builtin/demo_{system.lower()}.jsonl"
    # A copy, so that there is something to look at, and to try the other commands on.
    answers = folder / f"{system.lower()}.jsonl"
    answers.write_bytes(source.read_bytes())
    return _evaluated(data=answers, scorers=SCORERS, columns=COLUMNS, name=system)


def _evaluated(*arguments: Any, **words: Any) -> EvaluationResult:
    from evalkit.evaluation.evaluate import evaluate
    from evalkit.evaluation.running.runtime import Runtime

    words |= {"experiment": "demo", "seed": SEED, "runtime": Runtime(progress=False)}
    return evaluate(*arguments, **words)


def _compare(first: EvaluationResult, second: EvaluationResult) -> None:
    from evalkit.evaluation.sweep import compare
    from evalkit.report.comparison_table import render_systems
    from evalkit.report.texts import signed

    comparison = compare(second, first, metrics=COMPARED)
    width = min(drawing_board().width, WIDEST)
    show(*render_systems(comparison, width=width), "", styled(_better(comparison)))
    by_topic: Any = comparison.by("topic")
    rows = by_topic[by_topic["metric"] == "text.token_f1"].set_index("topic")
    leads = rows["difference"]
    most, least = leads.idxmax(), leads.idxmin()
    show(
        "",
        f"An average hides much: of {len(rows)} topics {first.name} leads in {(leads > 0).sum()}, "
        f"most in {most} ({signed(leads[most])} on text.token_f1), and trails most in {least} "
        f"({signed(leads[least])}).",
    )


def _better(comparison: Comparison) -> str:
    """Say which system is better: the one that more whole intervals speak for."""
    from evalkit.evaluation.comparing.row import outcome_of

    (first,), second = comparison.others, comparison.baseline
    outcomes = [outcome_of(r.difference, r.pairs.facts.direction) for r in comparison.rows]
    wins = {first: outcomes.count("better"), second: outcomes.count("worse")}
    best, other = sorted(wins, key=lambda name: -wins[name])
    if wins[best] == wins[other]:
        return "These metrics do not tell which one is better."
    against = f", and on {wins[other]} for {other}" if wins[other] else ""
    return (
        f"{best} is the better one: on {wins[best]} of {len(outcomes)} metrics the whole "
        f"interval of the difference speaks for it{against}."
    )


def _classifier() -> EvaluationResult:
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Without types of its own in some checkers' eyes, and with wrong ones in others'.
    bunch: Any = load_breast_cancer(as_frame=True)
    parts: list[Any] = train_test_split(
        bunch.frame, test_size=0.3, stratify=bunch.target, random_state=SEED
    )
    seen, unseen = parts
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(seen.drop(columns="target"), seen["target"])
    return _evaluated(
        model,
        unseen,
        columns={"expectations": "target"},
        scorers=["classification.accuracy", "classification.f1", "classification.roc_auc"],
        gates=["classification.accuracy >= 0.9", "coverage >= 0.98"],
        name="Breast-cancer classifier",
    )


def _title(number: str, text: str) -> None:
    show("", styled(f" {number} ", "bold reverse").append(f" {text}", "bold not reverse"))


def _table(result: EvaluationResult) -> None:
    from evalkit.report.table import render

    show("", *render(result, width=min(drawing_board().width, WIDEST)))


def _command() -> str:
    """Return how this program is called: by its path where the shell would not find it."""
    own = Path(sys.argv[0]).absolute()
    installed = shutil.which("evalkit")
    same = installed is not None and Path(installed).resolve() == own.resolve()
    return "evalkit" if same or own.name != "evalkit" else str(own)


def _closing(folder: Path, reports: list[Path]) -> None:
    address, command = reports[0].resolve().as_uri(), _command()
    table = grid()
    steps = {
        "open": f"{address}\nin a browser: the report; the others lie beside it",
        "look": f"cd {folder} && {command} runs list",
        "next": f"{command} init yaml, or {command} init pytest, in an empty folder",
    }
    for name, step in steps.items():
        table.add_row(styled(name), styled(step, ""))
    show("", styled(f"Runs and reports are kept in {folder}/", "dim"), "", table)
