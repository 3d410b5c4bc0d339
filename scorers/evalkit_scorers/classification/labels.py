"""Labels as comparable keys, whatever type they were written in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from evalkit.plugin import as_text, canonical_json, parse_json
from evalkit_scorers.unwrapped import unwrapped

NOT_A_LABEL: Final = "null"
"""Key of what is no label at all: a list, a mapping, an infinity."""

LONGEST_KEY: Final = 200
"""Characters of a text that are kept; longer ones end in a digest, so that they stay distinct."""

_POSITIVE_AND_NEGATIVE: Final = (
    ("1", "0"),
    ("1", "-1"),
    ('"1"', '"0"'),
    ('"yes"', '"no"'),
    ('"true"', '"false"'),
    ('"positive"', '"negative"'),
    ('"pos"', '"neg"'),
    ('"y"', '"n"'),
    ('"t"', '"f"'),
)


def label_key(value: Any) -> str | None:
    """Return the key under which a label is compared; ``None`` where there is no label.

    Numbers are equal by value (``1``, ``1.0`` and ``True`` are one label); texts are compared as
    they are, and keep their quotes, so that ``1`` and ``"1"`` are two labels.  NaN is no label.
    A list or array of one label is that label.

    Examples:
        >>> label_key(True), label_key(1.0), label_key("1"), label_key(0.5), label_key(None)
        ('1', '1', '"1"', '0.5', None)
        >>> label_key(["a"]), label_key(["a", "b"])
        ('"a"', 'null')
    """
    value = unwrapped(value)
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text_key(value)
    if isinstance(value, (bool, int)):
        return str(int(value))
    if isinstance(value, (float, Decimal)):
        return _float_key(float(value))
    if isinstance(value, (Enum, date, UUID)):
        return label_key(value.value if isinstance(value, Enum) else as_text(value))
    return NOT_A_LABEL


def remembered_key(value: Any, read: dict[Any, str | None]) -> str | None:
    """Return `label_key` of *value*, kept in *read*: most labels of a batch come again."""
    try:
        return read[value]
    except KeyError:
        key = read[value] = label_key(value)
        return key
    except TypeError:  # not hashable: a list, or an array
        return label_key(value)


def _text_key(text: str) -> str:
    if len(text) > LONGEST_KEY:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        text = f"{text[:LONGEST_KEY]}… ({digest})"
    return canonical_json(text).decode()


def _float_key(value: float) -> str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return NOT_A_LABEL
    return str(int(value)) if value.is_integer() else repr(value)


def is_text(key: str) -> bool:
    """Say whether the label is a text."""
    return key.startswith('"')


def shown(key: str) -> str:
    """Return the label as people read it: ``"yes"`` without its quotes."""
    return str(parse_json(key)) if is_text(key) else key


def spelled_number(key: str) -> str | None:
    """Return the key of the number or truth value that a text label spells, if it spells one.

    Examples:
        >>> spelled_number('" 1.0"'), spelled_number('"True"'), spelled_number('"one"')
        ('1', '1', None)
    """
    word = shown(key).strip().casefold() if is_text(key) else ""
    if word in {"true", "false"}:
        return str(int(word == "true"))
    if not word or "_" in word or word[-1].isalpha():
        return None  # what Python reads as a number and people do not: 1_000, inf, nan
    try:
        return _float_key(float(word))
    except ValueError:
        return None


def in_order(keys: Iterable[str]) -> tuple[str, ...]:
    """Return distinct labels in scikit-learn's order: numbers by value, then texts by code point.

    Examples:
        >>> in_order(['"b"', "10", "9", '"a"'])
        ('9', '10', '"a"', '"b"')
    """

    def place(key: str) -> tuple[int, float, str]:
        if is_text(key):
            return 1, 0.0, shown(key)
        return (2, 0.0, "") if key == NOT_A_LABEL else (0, float(key), key)

    return tuple(sorted(set(keys), key=place))


def label_keys(labels: Sequence[Any] | None) -> tuple[str, ...] | None:
    """Return the keys of labels that a user listed.

    Raises:
        ValueError: If one of them is not a label, or none is listed.

    Examples:
        >>> label_keys(["a", 2])
        ('"a"', '2')
    """
    if labels is None:
        return None
    keys = [label_key(label) for label in labels]
    valid = [key for key in keys if key is not None and key != NOT_A_LABEL]
    if not valid or len(set(valid)) != len(keys):
        raise ValueError(f"labels must be distinct texts, numbers or truth values, got {labels!r}")
    return tuple(valid)


def positive_label(targets: Iterable[str], others: Iterable[str] = ()) -> str | None:
    """Return which of at most two labels is the positive one; ``None`` where nobody can know.

    It is 1 of 0/1 and -1/1 (true of truth values), and ``yes``, ``true``, ``positive``, ``pos``,
    ``y``, ``t``, ``"1"`` of such pairs of texts, in any case.

    *targets* are the keys of the labels that are expected; among *others* the spelling of the
    positive one may be found.

    Examples:
        >>> positive_label(["0", "1"]), positive_label(['"No"'], ['"Yes"'])
        ('1', '"Yes"')
        >>> positive_label(['"cat"', '"dog"']) is None
        True
    """
    expected = set(targets)
    folded = {key.casefold() for key in expected}
    if not 1 <= len(expected) <= 2 or len(folded) != len(expected):  # noqa: PLR2004
        return None
    for positive, negative in _POSITIVE_AND_NEGATIVE:
        if folded <= {positive, negative}:
            spelt = sorted(key for key in {*expected, *others} if key.casefold() == positive)
            in_targets = [key for key in spelt if key in expected]
            return (in_targets or spelt or [positive])[0]
    return None


def distinct_keys(labels: Iterable[Any]) -> tuple[str, ...]:
    """Return the keys of *labels*, each once, in order; missing ones have none."""
    read: dict[Any, str | None] = {}
    keys = (remembered_key(label, read) for label in labels)
    return in_order(key for key in keys if key is not None)


def missing_label(label: Any, targets: Iterable[Any]) -> str | None:
    """Say that none of two or more expected labels is *label*; ``None`` where one is.

    Where all cases have one label, another may just not occur among them.

    Examples:
        >>> missing_label("maybe", ["no", "yes", "no"])
        "pos_label='maybe' is the label of no case; they have 'no', 'yes'"
        >>> missing_label("yes", ["no", "yes"]) is missing_label("yes", ["no"]) is None
        True
    """
    wanted, keys = label_key(label), distinct_keys(targets)
    if wanted is None or wanted in keys or len(keys) < 2:  # noqa: PLR2004
        return None
    return f"pos_label={label!r} is the label of no case; they have {listed_labels(keys)}"


def listed_labels(keys: Sequence[str]) -> str:
    """Return labels as people read them, texts in quotes; ten at most.

    Examples:
        >>> listed_labels(["1", '"a"'])
        "1, 'a'"
    """
    names = [repr(shown(key)) if is_text(key) else key for key in keys]
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")  # noqa: PLR2004


def is_positive(key: str, pos_label: str | None) -> bool | None:
    """Say whether one label is the positive one; ``None`` where nobody can know.

    Examples:
        >>> is_positive("1", None), is_positive('"No"', None), is_positive('"cat"', None)
        (True, False, None)
        >>> is_positive('"cat"', '"cat"'), is_positive('"dog"', '"cat"')
        (True, False)
    """
    if pos_label is not None:
        return key == pos_label
    folded = key.casefold()
    for positive, negative in _POSITIVE_AND_NEGATIVE:
        if folded in {positive, negative}:
            return folded == positive
    return None


def stated_label(output: Any) -> Any:
    """Return the label that an output states: itself, its ``label``, or the most probable one.

    Examples:
        >>> stated_label("cat"), stated_label({"label": "cat", "probabilities": [0.2, 0.8]})
        ('cat', 'cat')
        >>> stated_label({"cat": 0.3, "dog": 0.7})
        'dog'
        >>> stated_label({"probabilities": [0.2, 0.8], "classes": [0, 1]})
        1
    """
    if not isinstance(output, Mapping):
        return output
    if "label" in output:
        return output["label"]
    classes, shares = stated_classes(output)
    if not shares or len(shares) != len(classes):
        return output
    if not all(isinstance(share, (int, float)) and math.isfinite(share) for share in shares):
        return output
    return classes[shares.index(max(shares))]


def stated_classes(output: Mapping[Any, Any]) -> tuple[list[Any], list[Any]]:
    """Return the classes of an output that states no ``label``, and their probabilities."""
    classes, shares = as_list(output.get("classes")), as_list(output.get("probabilities"))
    if classes is None or shares is None:
        return list(output), list(output.values())
    return classes, shares


def as_list(value: Any) -> list[Any] | None:
    """Return a list, tuple or array as a list, one row of a table too; ``None`` for others."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], (list, tuple)):
        value = value[0]
    return list(value) if isinstance(value, (list, tuple)) else None
