"""A judge's card as a table for terminals and notebooks."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from evalkit.errors import UsageError
from evalkit.gates.verdict import number
from evalkit.report.calibration_words import (
    NAMES,
    basis,
    effect,
    headline,
    next_steps,
    replacing,
    shown,
)
from evalkit.report.texts import one_line, percent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from evalkit.entities.calibration import CalibrationPart
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.judging.calibration import Calibration

_MOST_LABELS = 12


class CalibrationReport:
    """Shows a judge's card in a terminal or a notebook; writes no file."""

    name = "calibration"
    extensions: tuple[str, ...] = ()

    def show(self, card: Calibration, form: Literal["text", "html"] = "text") -> str:
        """Return *card* as a plain text, or as a fragment of HTML."""
        from rich.console import Console

        console = Console(
            file=io.StringIO(),
            width=100,
            color_system=None,
            force_terminal=False,
            force_jupyter=False,
        )
        with console.capture() as capture:
            for content in drawn(card):
                console.print(content)
        text = "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
        return text if form == "text" else f"<pre>{html.escape(text)}</pre>"

    def write(self, result: EvaluationResult, path: Path) -> NoReturn:
        """Refuse: a card is no report of a result.

        Raises:
            UsageError: Always; tells how to write a card.
        """
        raise UsageError(
            f"A card is no report of {result.name!r}; write it by Calibration.save({str(path)!r})."
        )


def drawn(card: Calibration) -> Iterator[RenderableType]:
    """Yield everything of *card* as what rich prints, the verdict first."""
    from rich.text import Text

    yield Text.assemble((one_line(card.judge), "bold"), ("  calibrated against people", "dim"))
    yield Text(basis(card), style="dim")
    yield Text("")
    yield Text(headline(card), style="bold")
    status = None if card.replaceable is None else card.replaceable.status
    yield Text(replacing(card), style={"yes": "green", "no": "red"}.get(status or "", ""))
    if card.held_out.confusion and len(card.held_out.labels) <= _MOST_LABELS:
        yield Text("")
        yield _confusion(card.held_out)
    yield Text("")
    yield _figures(card)
    if card.population:
        yield Text("")
        yield _population(card)
    if card.biases:
        yield Text("")
        yield _biases(card)
    for remark in card.remarks:
        yield Text.assemble(("\n! ", "yellow"), one_line(remark, 400))
    yield Text("\nnext", style="dim")
    for step in next_steps(card):
        yield Text(f"  {step}")


def _listing() -> Table:
    from rich.table import Table

    return Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))


def _confusion(part: CalibrationPart) -> RenderableType:
    from rich.text import Text

    table = _listing()
    table.add_column("people say ↓  judge says →")
    for label in part.labels:
        table.add_column(Text(one_line(label, 20)), justify="right")
    table.add_column("all", justify="right", style="dim")
    for place, row in enumerate(part.confusion):
        cells = [
            Text(f"{count:,}", "bold green" if place == column else "red" if count else "dim")
            for column, count in enumerate(row)
        ]
        table.add_row(Text(one_line(part.labels[place], 28)), *cells, f"{sum(row):,}")
    return table


def _figures(card: Calibration) -> RenderableType:
    table = _listing()
    table.add_column("figure", no_wrap=True)
    table.add_column("held out", justify="right", style="bold")
    table.add_column(f"{percent(card.level)} interval", no_wrap=True)
    if card.development is not None:
        table.add_column("development", justify="right")
    table.add_column("", style="dim")
    for name, found in card.held_out.figures.items():
        value = "none" if found.value is None else number(found.value)
        ends = "" if found.low is None or found.high is None else shown(found).partition(" ")[2]
        other = [] if card.development is None else [_other(card.development, name)]
        about = ""
        if name in {"sensitivity", "specificity"} and card.positive is not None:
            about = f"of {'' if name == 'sensitivity' else 'not '}{one_line(card.positive, 20)}"
        table.add_row(NAMES.get(name, name), value, ends, *other, about or found.note or "")
    bounds = card.held_out.accuracy_bounds
    if bounds is not None and card.held_out.n_failed:
        ends = f"[{number(bounds[0])}, {number(bounds[1])}]"
        blank = [] if card.development is None else [""]
        table.add_row("accuracy, failed ones in", "", ends, *blank, "all wrong, all right")
    return table


def _other(part: CalibrationPart, name: str) -> str:
    found = part.figures.get(name)
    return "" if found is None or found.value is None else number(found.value)


def _population(card: Calibration) -> RenderableType:
    table = _listing()
    table.add_column("mean of all judged cases", no_wrap=True)
    table.add_column("value", justify="right", style="bold")
    table.add_column(f"{percent(card.level)} interval", no_wrap=True)
    table.add_column("", style="dim")
    words = {
        "judge": "as the judge has it",
        "ppi++": "corrected by labels (PPI++)",
        "rogan-gladen": "by error rates (Rogan-Gladen)",
    }
    for found in card.population:
        ends = f"[{number(found.low)}, {number(found.high)}]"
        rests = f"{found.n:,} judged" + (
            f", {found.n_labelled:,} labelled" if found.n_labelled else ""
        )
        table.add_row(words[found.method], number(found.value), ends, rests)
    return table


def _biases(card: Calibration) -> RenderableType:
    from rich.text import Text

    table = _listing()
    table.add_column("bias", no_wrap=True)
    table.add_column("effect", no_wrap=True)
    table.add_column("p", justify="right")
    table.add_column("n", justify="right")
    table.add_column("", overflow="fold", style="dim")
    for found in card.biases:
        style = "yellow" if found.shown else ""
        p_value = "" if found.p_value is None else f"{found.p_value:.2g}"
        table.add_row(
            Text(found.name.replace("_", "-"), style),
            Text(effect(found), style),
            p_value,
            f"{found.n:,}",
            found.explanation,
        )
    return table
