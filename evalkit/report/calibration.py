"""A judge's card as a table for terminals and notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from evalkit.errors import UsageError
from evalkit.gates.verdict import number
from evalkit.report.calibration_words import (
    NAMES,
    basis,
    effect,
    figure_text,
    headline,
    next_steps,
    replacing,
)
from evalkit.report.console import Part, listing, plain_text, styled
from evalkit.report.texts import one_line, percent

if TYPE_CHECKING:
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
        text = plain_text(drawn(card), 100)
        return text if form == "text" else f"<pre>{html.escape(text)}</pre>"

    def write(self, result: EvaluationResult, path: Path) -> NoReturn:
        """Refuse: a card is no report of a result.

        Raises:
            UsageError: Always; tells how to write a card.
        """
        raise UsageError(
            f"A card is no report of {result.name!r}; write it by Calibration.save({str(path)!r})."
        )


def drawn(card: Calibration) -> Iterator[Part]:
    """Yield everything of *card* as what rich prints, the verdict first."""
    head = styled("", "").append(one_line(card.judge), "bold")
    yield head.append("  calibrated against people", "dim")
    yield styled(basis(card), "dim")
    yield ""
    yield styled(headline(card))
    status = None if card.replaceable is None else card.replaceable.status
    yield styled(replacing(card), {"yes": "green", "no": "red"}.get(status or "", ""))
    if card.held_out.confusion and len(card.held_out.labels) <= _MOST_LABELS:
        yield from ("", _confusion(card.held_out))
    yield from ("", _figures(card))
    if card.population:
        yield from ("", _population(card))
    if card.biases:
        yield from ("", _biases(card))
    for remark in card.remarks:
        yield styled("", "").append("\n! ", "yellow").append(one_line(remark, 400))
    yield styled("\nnext", "dim")
    for step in next_steps(card):
        yield f"  {step}"


def _confusion(part: CalibrationPart) -> Part:
    rows: list[list[Part]] = []
    for place, counts in enumerate(part.confusion):
        cells = [
            styled(f"{count:,}", "bold green" if place == column else "red" if count else "dim")
            for column, count in enumerate(counts)
        ]
        rows.append([one_line(part.labels[place], 28), *cells, styled(f"{sum(counts):,}", "dim")])
    heads = ("people say ↓  judge says →", *(one_line(label, 20) for label in part.labels), "all")
    return listing(heads, rows, "f" + "r" * (len(heads) - 1))


def _figures(card: Calibration) -> Part:
    developed = card.development is not None
    rows: list[list[Part]] = []
    for name, figure in card.held_out.figures.items():
        value = "none" if figure.value is None else number(figure.value)
        ends = "" if None in (figure.low, figure.high) else figure_text(figure).partition(" ")[2]
        about = ""
        if name in {"sensitivity", "specificity"} and card.positive is not None:
            about = f"of {'' if name == 'sensitivity' else 'not '}{one_line(card.positive, 20)}"
        rows.append(
            [
                NAMES.get(name, name),
                styled(value),
                ends,
                *([_other(card, name)] if developed else []),
                styled(about or figure.note or "", "dim"),
            ]
        )
    bounds = card.held_out.accuracy_bounds
    if bounds is not None and card.held_out.n_failed:
        ends = f"[{number(bounds[0])}, {number(bounds[1])}]"
        blank = [""] if developed else []
        note = styled("all wrong, all right", "dim")
        rows.append(["accuracy, failed ones in", "", ends, *blank, note])
    heads = ["figure", "held out", f"{percent(card.level)} interval"]
    heads += ["development", ""] if developed else [""]
    return listing(heads, rows, "lrlrf" if developed else "lrlf")


def _other(card: Calibration, name: str) -> str:
    figure = None if card.development is None else card.development.figures.get(name)
    return "" if figure is None or figure.value is None else number(figure.value)


def _population(card: Calibration) -> Part:
    words = {
        "judge": "as the judge has it",
        "ppi++": "corrected by labels (PPI++)",
        "rogan-gladen": "by error rates (Rogan-Gladen)",
    }
    rows: list[list[Part]] = []
    for mean in card.population:
        labelled = f", {mean.n_labelled:,} labelled" if mean.n_labelled else ""
        rows.append(
            [
                words[mean.method],
                styled(number(mean.value)),
                f"[{number(mean.low)}, {number(mean.high)}]",
                styled(f"{mean.n:,} judged{labelled}", "dim"),
            ]
        )
    heads = ("mean of all judged cases", "value", f"{percent(card.level)} interval", "")
    return listing(heads, rows, "lrlf")


def _biases(card: Calibration) -> Part:
    rows: list[list[Part]] = []
    for bias in card.biases:
        style = "yellow" if bias.shown else ""
        rows.append(
            [
                styled(bias.name.replace("_", "-"), style),
                styled(effect(bias), style),
                "" if bias.p_value is None else f"{bias.p_value:.2g}",
                f"{bias.n:,}",
                styled(bias.explanation, "dim"),
            ]
        )
    return listing(("bias", "effect", "p", "n", ""), rows, "llrrf")
