"""A judge's card in words and as a table: what the figures say, and what to do next."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from evalkit._internal.words import percent, plural
from evalkit.errors import UsageError
from evalkit.gates.verdict import number
from evalkit.report.console import Part, listing, plain_text, styled
from evalkit.report.texts import interval, one_line, value, with_interval

if TYPE_CHECKING:
    from evalkit.entities.calibration import CalibrationPart
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.judging.bias import BiasEffect
    from evalkit.judging.calibration import Calibration


_GRADES: Final = (
    (0.8, "almost perfectly"),
    (0.6, "substantially"),
    (0.4, "moderately"),
    (0.2, "fairly"),
    (0.0, "slightly"),
)
"""Landis and Koch (1977), *Biometrics* 33:159: agreement above each value, in a word."""

_HEADLINES: Final[tuple[str, ...]] = ("weighted_kappa", "kappa", "pearson")
_PREVALENT: Final = 0.8
_SKILL: Final = 1.2
_ENOUGH: Final = 100

NAMES: Final = {
    "ac1": "Gwet's AC1",
    "kappa": "Cohen's kappa",
    "weighted_kappa": "weighted kappa",
    "linear_weighted_kappa": "linear weighted kappa",
    "alpha": "Krippendorff's alpha",
    "pearson": "Pearson's correlation",
    "spearman": "Spearman's correlation",
    "kendall": "Kendall's tau-b",
}


def main_figure(card: Calibration) -> str | None:
    """Return the figure that sums the card up: AC1 where one label prevails, else kappa."""
    top = max(card.held_out.prevalence.values(), default=0.0)
    first = ["ac1"] if top > _PREVALENT and card.kind != "ordinal" else []
    valued = (name for name in (*first, *_HEADLINES) if _value(card.held_out, name) is not None)
    return next(valued, None)


def _value(part: CalibrationPart | None, name: str) -> float | None:
    figure = None if part is None else part.figures.get(name)
    return None if figure is None else figure.value


def headline(card: Calibration) -> str:
    """Say how well the judge agrees with people, and whether it ever says but one thing."""
    said = [label for label, n in zip(*_said(card), strict=True) if n]
    if len(said) != 1 or card.held_out.n_judged == 1:
        return _agreement(card)
    always = f"It says {said[0]} to all {card.held_out.n_judged:,} cases"
    return f"{_agreement(card)} {always}, so nothing shows that it tells them apart."


def _said(card: Calibration) -> tuple[Sequence[str], Sequence[float]]:
    """Give the labels, and how often the judge said each; none where it gives numbers."""
    confusion = card.held_out.confusion
    if not confusion:
        return (), ()
    return card.held_out.labels, [sum(column) for column in zip(*confusion, strict=True)]


def _agreement(card: Calibration) -> str:
    """Return one sentence: how well the judge agrees with people."""
    name = main_figure(card)
    if name is None:
        return "Whether the judge agrees with people cannot be told: everybody says the same."
    figure = card.held_out.figures[name]
    measured = f"{NAMES[name]} {with_interval(figure)}"
    people = None if card.replaceable is None else card.replaceable.human_kappa
    if people is not None and figure.high is not None and name in {"kappa", "weighted_kappa"}:
        among = f"{NAMES[name]} among people {number(people)}"
        better = figure.low is not None and figure.low > people
        well = "better than" if better else "about as well as"
        if figure.high < people:
            well = "less well than"
        return f"Agrees with people {well} people agree with each other: {measured}, {among}."
    agreement = figure.value or 0.0
    if agreement <= 0:
        return f"Agrees with people no better than chance: {measured}."
    if name == "pearson":
        return f"Goes with what people say: {measured}."
    grade = next(word for least, word in _GRADES if agreement > least)
    return f"Agrees with people {grade}: {measured}."


def replacing(card: Calibration) -> str:
    """Return one sentence: may the judge replace a human annotator."""
    verdict = card.replaceable
    if verdict is None:
        return "May replace a human: not asked."
    word = {"yes": "yes", "no": "no", "unknown": "not known"}[verdict.status]
    return f"May replace a human: {word}; {one_line(verdict.why, 300)}."


def basis(card: Calibration) -> str:
    """Return on one line what the figures rest on."""
    held, dev = card.held_out, card.development
    parts = [f"{plural(held.n_judged, 'verdict')} on {plural(held.n_labelled, 'held-out case')}"]
    lost = {"failed": held.n_failed, "skipped": held.n_skipped, "not run": held.n_not_run}
    parts[0] += "".join(f", {n:,} {word}" for word, n in lost.items() if n)
    if dev is not None:
        parts.append(f"{plural(dev.n_labelled, 'case')} for development")
    parts.append(f"labels {card.kind}")
    if card.threshold is not None:
        how = "fitted on development cases" if card.threshold_fitted else "given"
        parts.append(f"positive from {card.threshold:g} on ({how})")
    if held.n_groups is not None:
        parts.append(plural(held.n_groups, "group"))
    return " · ".join(parts)


def effect(bias: BiasEffect) -> str:
    """Return effect and interval of a bias."""
    if bias.effect is None:
        return "not measured"
    bounded = bias.low is not None and bias.high is not None
    return f"{bias.effect:+.3f}" + (f" [{bias.low:+.3f}, {bias.high:+.3f}]" if bounded else "")


def next_steps(card: Calibration) -> Iterator[str]:
    """Yield what to do next, the most needed first."""
    held = card.held_out
    if held.n_judged < _ENOUGH:
        yield f"label more: {held.n_judged} held-out verdicts are few, {_ENOUGH} are useful"
    hits, clears = (_value(held, name) for name in ("sensitivity", "specificity"))
    if hits is not None and clears is not None and hits + clears < _SKILL:
        yield "change the judge: it is too close to guessing for its rate to be corrected"
    biases = ", ".join(bias.name.replace("_", "-") for bias in card.biases if bias.shown)
    if biases:
        cases = "cases" if card.development is None else "development cases"
        yield f"read the {cases} on which judge and people differ, for bias of {biases}"
    name = main_figure(card)
    low = None if name is None else held.figures[name].low
    if low is not None:
        least = max(0.0, int(low * 20) / 20)
        if least > 0:
            yield f"gate on it: calibrated({card.judge}, {name} >= {least:g})"
    if card.development is None:
        yield "change prompts by other cases than these, which development=0.5 sets aside"
    else:
        yield "change prompts by the development cases alone, and calibrate anew after each change"


def compact(card: Calibration) -> str:
    """Return the card on one line, to stand beside the judge's estimate."""
    name = main_figure(card)
    text = "" if name is None else f"{NAMES[name]} {with_interval(card.held_out.figures[name])}, "
    accuracy = _value(card.held_out, "accuracy")
    if accuracy is not None:
        text += f"accuracy {percent(accuracy)}, "
    return f"{text}{card.held_out.n_judged:,} held-out labels"


_MOST_LABELS = 12


def show(card: Calibration, form: Literal["text", "html"] = "text") -> str:
    """Return *card* as a plain text, or as a fragment of HTML."""
    text = plain_text(drawn(card), 100)
    return text if form == "text" else f"<pre>{html.escape(text)}</pre>"


def refuse(result: EvaluationResult, path: Path) -> NoReturn:
    """Write no file: a card is no report of a result.

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
    rows: list[list[Part]] = []
    for name, figure in card.held_out.figures.items():
        about = ""
        if name in {"sensitivity", "specificity"} and card.positive is not None:
            about = f"of {'' if name == 'sensitivity' else 'not '}{one_line(card.positive, 20)}"
        rows.append(
            [
                NAMES.get(name, name),
                styled(value(figure.value, "none")),
                interval(figure),
                value(_value(card.development, name), ""),
                styled(about or figure.note or "", "dim"),
            ]
        )
    bounds = card.held_out.accuracy_bounds
    if bounds is not None and card.held_out.n_failed:
        ends = f"[{number(bounds[0])}, {number(bounds[1])}]"
        note = styled("all wrong, all right", "dim")
        rows.append(["accuracy, failed ones in", "", ends, "", note])
    heads = ["figure", "held out", f"{percent(card.level)} interval", "development", ""]
    if card.development is None:
        heads, rows = [*heads[:3], ""], [[*row[:3], row[4]] for row in rows]
    return listing(heads, rows, "lrlf" if card.development is None else "lrlrf")


def _population(card: Calibration) -> Part:
    words = {
        "judge": "as the judge has it",
        "ppi++": "corrected by labels (PPI++)",
        "rogan-gladen": "by error rates (Rogan-Gladen)",
    }
    rows: list[list[Part]] = []
    for mean in card.population:
        labelled = f", {mean.n_labelled:,} labelled" if mean.n_labelled else ""
        judged = styled(f"{mean.n:,} judged{labelled}", "dim")
        rows.append([words[mean.method], styled(number(mean.value)), interval(mean), judged])
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
