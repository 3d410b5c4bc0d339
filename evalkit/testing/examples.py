"""Cases of all kinds that data can hold, for scorers to be tried on."""

from __future__ import annotations

from typing import Any, Final

from evalkit._internal.optional import require
from evalkit.entities.case import Case

LONG_TEXT: Final = "It was the best of times, it was the worst of times. " * 200
"""A text far longer than usual ones: 10,600 characters."""

_WORDS: Final = ("the cat", "The Cat sat.", "sat", "", " ", "no", "yes", "42", "naïve 猫", "a\nb")


def value_strategies() -> dict[str, Any]:
    """Return hypothesis strategies of answers by kind: what outputs and targets may be.

    Raises:
        MissingExtraError: If hypothesis is not installed.
    """
    st = require("hypothesis.strategies", extra="testing")
    labels = st.sampled_from(["yes", "no", "maybe", "猫"])
    share = st.integers(0, 16).map(lambda part: part / 16)
    return {
        "text": st.sampled_from(_WORDS) | st.text(max_size=20),
        "label": labels,
        "binary": st.sampled_from([0, 1, True, False]),
        "class": st.integers(0, 3),
        "number": st.floats(-1e6, 1e6, width=32) | st.integers(-5, 5),
        "probability": share,
        "probabilities": share.map(lambda part: {"no": 1 - part, "yes": part}),
        "mapping": st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        "list": st.lists(st.text(max_size=5), max_size=3),
    }


PAIRS: Final = (
    ("text", "text"),
    ("text", "list"),
    ("label", "label"),
    ("binary", "binary"),
    ("class", "class"),
    ("number", "number"),
    ("probability", "binary"),
    ("probabilities", "label"),
)
"""Kinds of output and target that belong together."""


def batches() -> Any:
    """Return a strategy of lists of cases: mostly of one kind, some missing, some out of place."""
    st = require("hypothesis.strategies", extra="testing")
    kinds = value_strategies()
    anything = st.one_of(st.none(), *kinds.values())

    def of_kind(pair: tuple[str, str]) -> Any:
        output, target = kinds[pair[0]], kinds[pair[1]]
        one = cases(outputs=output | output | output | anything, targets=target | target | anything)
        return st.lists(one, max_size=6)

    return st.sampled_from(PAIRS).flatmap(of_kind)


def identical_batches() -> Any:
    """Return a strategy of lists of cases whose outputs equal what is expected."""
    st = require("hypothesis.strategies", extra="testing")
    kinds = value_strategies()

    def of_kind(kind: str) -> Any:
        pair = kinds[kind].map(lambda value: Case(outputs=value, expectations={"target": value}))
        return st.lists(pair, min_size=1, max_size=4)

    return st.sampled_from(["text", "label", "binary", "class", "number"]).flatmap(of_kind)


def cases(*, outputs: Any, targets: Any) -> Any:
    """Return a strategy of cases with these outputs and targets, and with every other field."""
    st = require("hypothesis.strategies", extra="testing")
    texts = st.sampled_from(_WORDS)
    expectations = st.one_of(
        targets.map(lambda value: {"target": value}),
        targets.map(lambda value: {"expected_response": value}),
        st.just({}),
    )
    call = st.fixed_dictionaries({"name": texts, "arguments": st.just({})})
    seconds = st.none() | st.floats(0, 100, width=32)
    return st.builds(
        Case,
        id=st.text(max_size=3),
        inputs=texts.map(lambda text: {"question": text}),
        outputs=outputs,
        expectations=expectations,
        retrieved_context=st.none() | texts | st.lists(texts, max_size=2),
        tool_calls=st.none() | st.lists(call, max_size=2),
        session=st.none() | st.sampled_from(["s1", "s2"]),
        latency_seconds=seconds,
        time_to_first_token=seconds,
        cost=seconds,
    )


def awkward_batches() -> list[list[Case]]:
    """Return batches that every scorer has to survive: none, missing, empty, unicode, very long.

    Examples:
        >>> [len(batch) for batch in awkward_batches()]
        [0, 1, 1, 2, 2, 2]
    """
    texts = ["", "\x00\u202e👩‍👩‍👧 İstanbul ﷽ e\u0301"]
    return [
        [],
        [Case()],
        [Case(outputs=None, expectations={"target": None, "expected_response": None})],
        [Case(outputs=text, expectations={"target": text}) for text in texts],
        [Case(outputs=text, expectations={"expected_response": "word"}) for text in texts],
        [
            Case(outputs=LONG_TEXT, expectations={"target": LONG_TEXT}),
            Case(outputs=LONG_TEXT, expectations={"expected_response": "times"}),
        ],
    ]
