"""A judge's card in words: what the figures say, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from evalkit.gates.verdict import number
from evalkit.report.texts import one_line, percent, plural

if TYPE_CHECKING:
    from evalkit.entities.estimate import Estimate
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


def figure_text(estimate: Estimate) -> str:
    """Return value and interval of a figure.

    Examples:
        >>> from evalkit.entities.estimate import Estimate
        >>> figure_text(Estimate(key="kappa", value=0.5, low=0.25, high=0.75))
        '0.500 [0.250, 0.750]'
    """
    if estimate.value is None:
        return "none"
    if estimate.low is None or estimate.high is None:
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def main_figure(card: Calibration) -> str | None:
    """Return the figure that sums the card up: AC1 where one label prevails, else kappa."""
    top = max(card.held_out.prevalence.values(), default=0.0)
    first: tuple[str, ...] = ("ac1",) if top > _PREVALENT and card.kind != "ordinal" else ()
    names: list[str] = [*first, *_HEADLINES]
    for name in names:
        figure = card.held_out.figures.get(name)
        if figure is not None and figure.value is not None:
            return name
    return None


def headline(card: Calibration) -> str:
    """Return one sentence: how well the judge agrees with people."""
    name = main_figure(card)
    if name is None:
        return "Whether the judge agrees with people cannot be told: everybody says the same."
    figure = card.held_out.figures[name]
    measured = f"{NAMES[name]} {figure_text(figure)}"
    people = None if card.replaceable is None else card.replaceable.human_kappa
    if people is not None and figure.high is not None and name in {"kappa", "weighted_kappa"}:
        among = f"{NAMES[name]} among people {number(people)}"
        better = figure.low is not None and figure.low > people
        well = "better than" if better else "about as well as"
        if figure.high < people:
            well = "less well than"
        return f"Agrees with people {well} people agree with each other: {measured}, {among}."
    value = figure.value or 0.0
    if value <= 0:
        return f"Agrees with people no better than chance: {measured}."
    if name == "pearson":
        return f"Goes with what people say: {measured}."
    grade = next(word for least, word in _GRADES if value > least)
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
    if bias.low is None or bias.high is None:
        return f"{bias.effect:+.3f}"
    return f"{bias.effect:+.3f} [{bias.low:+.3f}, {bias.high:+.3f}]"


def next_steps(card: Calibration) -> Iterator[str]:
    """Yield what to do next, the most needed first."""
    held = card.held_out
    if held.n_judged < _ENOUGH:
        yield f"label more: {held.n_judged} held-out verdicts are few, {_ENOUGH} are useful"
    rates = [held.figures.get(name) for name in ("sensitivity", "specificity")]
    known = [rate.value for rate in rates if rate is not None and rate.value is not None]
    if len(known) == 2 and sum(known) < _SKILL:  # noqa: PLR2004
        yield "change the judge: it is too close to guessing for its rate to be corrected"
    biases = ", ".join(bias.name.replace("_", "-") for bias in card.biases if bias.shown)
    if biases:
        yield f"read the development cases on which judge and people differ, for bias of {biases}"
    name = main_figure(card)
    low = None if name is None else held.figures[name].low
    if low is not None:
        least = max(0.0, int(low * 20) / 20)
        if least > 0:
            yield f"gate on it: calibrated({card.judge}, {name} >= {least:g})"
    yield "change prompts by the development cases alone, and calibrate anew after each change"


def compact(card: Calibration) -> str:
    """Return the card on one line, to stand beside the judge's estimate."""
    name = main_figure(card)
    text = "" if name is None else f"{NAMES[name]} {figure_text(card.held_out.figures[name])}, "
    accuracy = card.held_out.figures.get("accuracy")
    if accuracy is not None and accuracy.value is not None:
        text += f"accuracy {percent(accuracy.value)}, "
    return f"{text}{card.held_out.n_judged:,} held-out labels"
