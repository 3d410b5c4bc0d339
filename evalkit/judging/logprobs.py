"""Scores weighted by the probabilities of the tokens that say them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LEAST_MASS: Final = 0.9
"""Probability that the found labels must have together, for their mean to stand for all."""

TOP: Final = 20
"""Alternatives asked for at each token: the most that OpenAI's API gives."""

_KEY: Final = re.compile(r'"verdict"\s*:\s*"?')
_BEFORE: Final = " \t\n\r\"'`*:\u2581\u0120"
_AFTER: Final = re.compile(r"""[\s"'`}\],.*]""")


@dataclass(frozen=True, slots=True)
class Weighted:
    """The mean of a form's values under a model's own probabilities."""

    value: float
    mass: float
    """Probability found for all labels together; about 1."""

    probabilities: Mapping[str, float]
    """Share of each label, adding up to 1."""


def expected_score(masses: Mapping[str, float], values: Mapping[str, float]) -> Weighted | None:
    """Return the mean of *values* weighted by *masses*; ``None`` where nothing was found.

    Args:
        masses: Probability of each label that was found, each in [0, 1].
        values: What each label is worth.

    Examples:
        >>> logs = {"1": -5.0, "2": -3.0, "3": -1.6, "4": -0.5, "5": -2.0}
        >>> score = expected_score({k: math.exp(v) for k, v in logs.items()},
        ...                        {k: float(k) for k in logs})
        >>> round(score.value, 4), round(score.mass, 4)
        (3.8137, 1.0003)

    References:
        Liu et al. (2023), *G-Eval*, arXiv 2303.16634, equation 1; here divided by the found mass.
    """
    total = math.fsum(masses.values())
    if not total > 0:
        return None
    shares = {label: mass / total for label, mass in masses.items()}
    value = math.fsum(share * values[label] for label, share in shares.items())
    return Weighted(value, total, shares)


def label_masses(tokens: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, float]:
    """Return the probability of each label at the place where the answer gives its verdict.

    A label may take several tokens: the alternatives at each token along the one that was said are
    counted with the probability of having come so far.  An alternative that could begin several
    labels counts for none.

    Args:
        tokens: Tokens with ``token``, ``logprob`` and ``top_logprobs``, as OpenAI gives them.
        labels: The menu.

    Examples:
        >>> one, two = ({"token": t, "logprob": math.log(p)} for t, p in (("1", 0.75), ("2", 0.25)))
        >>> said = {**one, "top_logprobs": [one, two]}
        >>> {label: round(mass, 2) for label, mass in label_masses([said], ["1", "2"]).items()}
        {'1': 0.75, '2': 0.25}
    """
    start, skipped = _verdict_at(tokens)
    masses = dict.fromkeys(labels, 0.0)
    reached, answer = 1.0, ""
    for place in range(start, len(tokens)):
        token, lead = str(tokens[place]["token"]), skipped if place == start else ""
        others = {
            answer + _begun(text[len(lead) :], answer): math.exp(float(other["logprob"]))
            for other in tokens[place].get("top_logprobs") or ()
            if (text := str(other["token"])) != token and text.startswith(lead)
        }
        reached_now = answer + _begun(token[len(lead) :], answer)
        complete = {label for label in labels if label in others or label == reached_now}
        for text, share in others.items():
            label = _only(text, labels, complete)
            if label is not None:
                masses[label] += reached * share
        reached *= math.exp(min(0.0, float(tokens[place]["logprob"])))
        answer = reached_now
        last = place + 1 == len(tokens)
        label = _only(answer, labels, labels if last else complete)
        if label is not None:
            masses[label] += reached
            break
        if answer and not any(lab.casefold().startswith(answer.casefold()) for lab in labels):
            break
    return {label: mass for label, mass in masses.items() if mass > 0}


def _verdict_at(tokens: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    """Return the token in which the verdict begins, and what of that token comes before it."""
    text = "".join(str(token["token"]) for token in tokens)
    keys = list(_KEY.finditer(text))
    at = keys[-1].end() if keys else 0
    passed = 0
    for place, token in enumerate(tokens):
        length = len(str(token["token"]))
        if passed + length > at:
            return place, text[passed:at]
        passed += length
    return len(tokens), ""


def _begun(text: str, before: str) -> str:
    return text if before else text.lstrip(_BEFORE)


def _only(answer: str, labels: Sequence[str], complete: Collection[str]) -> str | None:
    """Return the one label that *answer* is or begins, if there is just one.

    *complete* are the labels that would be a token of their own here: what could begin one of them
    and is another itself means the other.
    """
    folded = answer.casefold()
    if not folded:
        return None
    for label in sorted(labels, key=len, reverse=True):
        rest = folded[len(label) :]
        if folded.startswith(label.casefold()) and rest and _AFTER.match(rest):
            return label
    begun = [label for label in labels if label.casefold().startswith(folded)]
    exact = [label for label in begun if label.casefold() == folded]
    if exact and all(label in complete for label in begun if label not in exact):
        return exact[0]
    return begun[0] if len(begun) == 1 else None
