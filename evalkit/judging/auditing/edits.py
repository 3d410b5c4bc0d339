"""Edits of answers, and rewordings of judges, that a verdict must not depend on."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from evalkit.judging.degradations import sentences
from evalkit.judging.judge import Judge

_CODE: Final = re.compile(
    r"```|^\s*(?:def|class|import|from|return|SELECT|WITH|INSERT|UPDATE|#include)\b|[;{}]\s*$",
    re.MULTILINE | re.IGNORECASE,
)

Edit = Callable[[str], str | None]
"""From an answer to the edited one; ``None`` where the edit would change what it says."""

_NEW_NAMES: Final = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
_CHOICES: Final = ("choice", "verdict")


@dataclass(frozen=True, slots=True)
class TextEdit:
    """One way to write the same answer otherwise."""

    name: str
    summary: str
    apply: Edit
    control: Edit | None = None
    """What the edited answer is compared with, in place of the answer itself."""


def is_prose(text: str) -> bool:
    """Say whether *text* is prose, which may be laid out otherwise; code and data may not.

    Examples:
        >>> [is_prose(text) for text in ("It opens at nine.", "def f(x):", "SELECT 1", " ")]
        [True, False, False, False]
    """
    return bool(text.strip()) and not _CODE.search(text) and text.lstrip()[0] not in "[{<"


def _prose(change: Callable[[str], str]) -> Edit:
    def apply(text: str) -> str | None:
        changed = change(text) if is_prose(text) else text
        return None if changed == text else changed

    return apply


def _spaced(text: str) -> str:
    return "\n" + "\n".join(sentences(text.replace(" ", "  "))) + "\n\n"


def _quoted(text: str) -> str:
    curly = re.sub(r'"([^"\n]*)"', "\u201c\\1\u201d", text.replace("'", "\u2019"))
    return curly.replace(" - ", " \u2013 ")


def _emphasised(text: str) -> str:
    first, *rest = text.split(" ", 1)
    return f"**{first}**{' ' + rest[0] if rest else ''}"


INVARIANT_EDITS: Final = (
    TextEdit("whitespace", "spaces doubled, a line for each sentence", _prose(_spaced)),
    TextEdit("markdown", "the first word is in bold", _prose(_emphasised)),
    TextEdit("case", "everything in lower case", _prose(str.lower)),
    TextEdit("quotes", "typographic quotes and dashes", _prose(_quoted)),
)
"""Edits after which the verdict must be the same."""

_PADDING: Final = (
    "This is a topic that deserves a careful look from several sides. ",
    (
        " In short, the points made above are the ones that matter here, and they speak for "
        "themselves. It is always worth keeping them in mind, since they bear on the question as "
        "it was asked, and on nothing else."
    ),
)


def _with(before: str = "", after: str = "") -> Edit:
    return _prose(lambda text: f"{before}{text}{after}")


BIAS_EDITS: Final[Mapping[str, Sequence[TextEdit]]] = {
    "verbosity": (
        TextEdit("padding", "empty phrases before and after", _with(*_PADDING)),
        TextEdit(
            "repetition",
            "everything is said twice",
            _prose(lambda text: f"{text}\n\nTo say it once more: {text}"),
        ),
    ),
    "formatting": (
        TextEdit(
            "list",
            "a list item for each sentence",
            _prose(lambda text: "\n".join(f"- {sentence}" for sentence in sentences(text))),
        ),
        TextEdit(
            "bold",
            "every sentence in bold",
            _prose(lambda text: " ".join(f"**{sentence}**" for sentence in sentences(text))),
        ),
        TextEdit("heading", "a heading and a rule around it", _with("## Answer\n\n", "\n\n---")),
    ),
    "sentiment": (
        TextEdit(
            "cheerful",
            "a cheerful tone",
            _with("What a wonderful question! ", " I am so happy to help you with this!"),
        ),
        TextEdit(
            "apologetic",
            "an apologetic tone",
            _with("I am sorry, I can only try my best here. ", " Please forgive my shortcomings."),
        ),
    ),
    "authority": (
        TextEdit(
            "citation",
            "a made-up citation",
            _with(after=" (Miller et al. 2021, Journal of Applied Inquiry 14, pp. 112-119.)"),
        ),
        TextEdit("experts", "experts are said to agree", _with("Leading experts agree: ")),
    ),
    "bandwagon": (
        TextEdit(
            "majority",
            "most people are said to agree",
            _with(after=" Nine in ten people who were asked gave the same answer."),
        ),
    ),
}
"""Edits by bias, none of which makes an answer better."""


def authored(own: str) -> TextEdit:
    """Return the edit that names the judge's *own* model as author, where another one is named.

    Examples:
        >>> edit = authored("openai/gpt-5-mini")
        >>> edit.apply("It is so."), edit.control("It is so.")
        ('It is so. (Written by gpt-5-mini.)', 'It is so. (Written by mistral-large.)')
    """
    name = own.rpartition("/")[2]
    other = "mistral-large" if "mistral" not in name.casefold() else "command-r-plus"
    return TextEdit(
        "author",
        f"{name} is named as author, rather than {other}",
        _with(after=f" (Written by {name}.)"),
        control=_with(after=f" (Written by {other}.)"),
    )


ORDERED: Final = frozenset({"plan", "messages", "history", "expected_tool_calls"})
"""Expectations whose items have an order of their own."""


def criteria_reversed(expectations: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return *expectations* with each list of texts in reverse order; ``None`` if there is none.

    Examples:
        >>> criteria_reversed({"guidelines": ["Be kind.", "Be brief."], "plan": ["a", "b"]})
        {'guidelines': ['Be brief.', 'Be kind.'], 'plan': ['a', 'b']}
    """
    turned: dict[str, Any] = {}
    for name, value in expectations.items():
        listed = isinstance(value, (list, tuple)) and name not in ORDERED
        items = list(cast("Sequence[Any]", value)) if listed else []
        turned[name] = items[::-1] if len(set(map(str, items))) > 1 else value
    return None if turned == dict(expectations) else turned


def labels_reversed(judge: Judge) -> Judge | None:
    """Return *judge* with its labels, and the lines that define them, in reverse order.

    Returns:
        The judge; ``None`` where there are no labels to reorder.

    Examples:
        >>> judge = Judge(name="polite", instructions="Is {{ outputs }} polite?")
        >>> labels_reversed(judge).prepared.form.labels
        ('no', 'yes')
    """
    form = judge.prepared.form
    if form.kind != "choice" or form.numeric or not form.labels:
        return None
    pairs = list(zip(form.labels, form.values, strict=True))
    return dataclasses.replace(
        judge,
        choices=tuple(reversed(pairs)),
        value_type=None,
        instructions=_definitions_reversed(judge.instructions, form.labels),
    )


def _definitions_reversed(text: str, labels: Sequence[str]) -> str:
    """Return *text* with the lines ``- "label": …`` in reverse order, where each label has one."""
    lines = text.split("\n")
    heads = tuple(f'- "{label}"' for label in labels)
    places = [n for n, line in enumerate(lines) if line.lstrip().startswith(heads)]
    if len(places) != len(labels):
        return text
    turned = [lines[place] for place in reversed(places)]
    for place, line in zip(places, turned, strict=True):
        lines[place] = line
    return "\n".join(lines)


def labels_renamed(judge: Judge) -> tuple[Judge, Mapping[str, str]] | None:
    """Return *judge* with other names for its labels, and the old name of each new one.

    It takes definitions to give a label any name: each has to stand in quotes in the instructions.

    Returns:
        The judge and its names; ``None`` where a label is not defined, or means what it says.

    Examples:
        >>> asked = 'Say "a" if {{ outputs }} is polite, else "b".'
        >>> judge = Judge(name="polite", instructions=asked, choices=(("a", 1.0), ("b", 0.0)))
        >>> renamed, old = labels_renamed(judge)
        >>> renamed.instructions, old["alpha"]
        ('Say "alpha" if {{ outputs }} is polite, else "beta".', 'a')
    """
    form = judge.prepared.form
    if form.kind != "choice" or form.numeric or not 0 < len(form.labels) <= len(_NEW_NAMES):
        return None
    if not all(f'"{label}"' in judge.instructions for label in form.labels):
        return None
    new = dict(zip(form.labels, _NEW_NAMES, strict=False))
    pattern = re.compile("|".join(re.escape(f'"{label}"') for label in form.labels))
    text = pattern.sub(lambda match: f'"{new[match[0][1:-1]]}"', judge.instructions)
    renamed = dataclasses.replace(
        judge,
        choices=tuple((new[label], v) for label, v in zip(form.labels, form.values, strict=True)),
        value_type=None,
        instructions=text,
        examples=tuple(_renamed(example, judge, new) for example in judge.examples),
        canaries=(),
    )
    return renamed, {name: label for label, name in new.items()}


def _renamed(example: Mapping[str, Any], judge: Judge, new: Mapping[str, str]) -> dict[str, Any]:
    renamed = dict(example)
    for key in _CHOICES:
        label = judge.prepared.form.label(renamed.get(key))
        if label is not None:
            renamed[key] = new[label]
    if "parts" in renamed:
        renamed["parts"] = [_renamed(part, judge, new) for part in renamed["parts"]]
    return renamed
