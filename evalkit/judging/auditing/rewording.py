"""The same question to a judge, put otherwise: labels in another order, or by other names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evalkit.judging.judge import Judge

_NEW_NAMES: Final = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
_CHOICES: Final = ("choice", "verdict")


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
    places = [n for n, line in enumerate(lines) if _defines(line, labels)]
    if len(places) != len(labels):
        return text
    turned = [lines[place] for place in reversed(places)]
    for place, line in zip(places, turned, strict=True):
        lines[place] = line
    return "\n".join(lines)


def _defines(line: str, labels: Sequence[str]) -> bool:
    return any(line.lstrip().startswith(f'- "{label}"') for label in labels)


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
