"""A comparison of systems as the table that terminals and ``str(comparison)`` show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.words import percent, plural
from evalkit.entities.estimate import Direction
from evalkit.evaluation.comparing.row import outcome_of
from evalkit.gates.verdict import number
from evalkit.report.comparison_document import (
    RANK_HEADS,
    SLICE_HEADS,
    alone,
    comparison_document,
    p_cell,
    rank_rows,
    slice_rows,
)
from evalkit.report.console import WIDEST, Part, listing, plain_text, styled, terminal_width
from evalkit.report.texts import ARROWS, limits, one_line, p_value, signed, value

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.stats.difference import PairedDifference

_WIDE: Final = 84
"""Columns from which there is room for values, and for what got fixed and broke."""

_SEPARATORS: Final = re.compile(r"(?<=[._=,/-])|(?<= )(?![↑↓])")
"""Where a name may go on in the next line."""

_STYLES: Final = {"better": "green", "worse": "red", "different": "bold", "": ""}


def show_systems(comparison: Comparison, *, width: int | None = None) -> str:
    """Return *comparison* as a text without colour codes, as wide as the terminal or *width*."""
    width = terminal_width() if width is None else width
    return plain_text(render_systems(comparison, width=width), width)


def render_systems(
    comparison: Comparison,
    *,
    width: int = WIDEST,
    adjust: str = "benjamini-hochberg",
    cases: int = 0,
    tags: Sequence[str] = (),
) -> Iterator[Part]:
    """Yield *comparison* as what rich prints; the options are those of `comparison_document`."""
    document = comparison_document(comparison, adjust=adjust, cases=cases, tags=tags)
    wide = width >= _WIDE
    yield _rows(document, wide=wide)
    if len(comparison) == 2:  # noqa: PLR2004  sentences about more would drown the table
        for row, facts in zip(comparison.rows, document["rows"], strict=True):
            names = one_line(row.b, 24), one_line(row.a, 24)
            direction, p_adjusted = row.pairs.facts.direction, facts["p_adjusted"]
            text = sentence(*names, row.metric, row.difference, direction, p_adjusted)
            yield styled(text, "" if facts["outcome"] else "dim")
    for metric, ranks in document["ranks"].items():
        heads = (one_line(f"{metric}, ranked", 24), *RANK_HEADS)
        yield listing(heads, _named(rank_rows(ranks), (40,)), "frr", ruled=True)
    for tag, rows in document["slices"].items():
        yield _slice(tag, rows, wide=wide)
    for changed in document["cases"]:
        for what in ("broke", "fixed"):
            yield from _changed(changed, what)
    for sides in document["unmatched"].values():
        for name, n, ids in alone(sides):
            yield styled(f"Only in {one_line(name, 24)}, {plural(n, 'case')}: {ids}", "dim")
    for note in document["notes"]:
        yield styled(note, "yellow")


def _rows(document: Mapping[str, Any], *, wide: bool) -> Part:
    rows = document["rows"]
    several = len(document["systems"]) > 2  # noqa: PLR2004
    if several:  # the systems of a metric stand together
        order = list(dict.fromkeys(row["metric"] for row in rows))
        rows = sorted(rows, key=lambda row: order.index(row["metric"]))
    room, adjusted = (18 if several else 34), "adjusted p" if wide else "adj. p"
    names = [f"{one_line(row['metric'])} {ARROWS[row['direction']]}".rstrip() for row in rows]
    level = percent(document["level"])
    columns: list[tuple[str, str, Sequence[Part]]] = [
        ("metric", "f", names if wide else [folded(name, room) for name in names])
    ]
    if wide:
        columns.append((document["baseline"], "r", [value(row["value_a"]) for row in rows]))
    if several:
        systems = [one_line(row["b"], 24) for row in rows]
        columns.append(("system", "f", systems if wide else [folded(b, 12) for b in systems]))
    if wide:
        head = "value" if several else rows[0]["b"]
        columns.append((head, "r", [value(row["value_b"]) for row in rows]))
    columns += [
        (
            "difference",
            "r",
            [styled(signed(row["difference"]), _STYLES[row["outcome"]]) for row in rows],
        ),
        (f"{level} interval", "l", [limits(row["low"], row["high"]) for row in rows]),
        (adjusted, "r", [p_cell(row["p_adjusted"]) for row in rows]),
    ]
    if wide:
        columns += [
            (what, "r", ["" if (n := row[f"n_{what}"]) is None else f"{n:,}" for row in rows])
            for what in ("fixed", "broke")
        ]
    heads, sides, cells = zip(*columns, strict=True)
    return listing(
        [one_line(head, 24) for head in heads], zip(*cells, strict=True), "".join(sides), ruled=True
    )


def _slice(tag: str, rows: Sequence[Mapping[str, Any]], *, wide: bool) -> Part:
    cells = [(one_line(tag, 24), *SLICE_HEADS), *_named(slice_rows(rows), (24, 160, 24))]
    if wide:
        return listing(cells[0], cells[1:], "fffrfrr", ruled=True)
    several = len({row["b"] for row in rows}) > 1
    limits_of_names = (8, 12, 8) if several else (10, 20)
    names = [[folded(*pair) for pair in zip(row, limits_of_names, strict=False)] for row in cells]
    narrow = [[*name, *row[3:-1]] for name, row in zip(names, cells, strict=True)]
    narrow[0][-1] = "adj. p"
    return listing(narrow[0], narrow[1:], f"{'f' * len(limits_of_names)}rlr", ruled=True)


def folded(name: str, width: int) -> str:
    """Return *name* in lines of at most *width*, broken where its parts end.

    Examples:
        >>> folded("text.rouge.rougeL", 12).split()
        ['text.rouge.', 'rougeL']
    """
    lines = [""]
    for part in _SEPARATORS.split(name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _named(rows: Iterator[tuple[str, ...]], lengths: Sequence[int]) -> list[tuple[str, ...]]:
    """Return *rows* with the names at their beginnings on one line, as long as they may be."""
    n = len(lengths)
    return [(*map(one_line, row[:n], lengths), *row[n:]) for row in rows]


def _changed(changed: Mapping[str, Any], what: str) -> Iterator[Part]:
    from rich.padding import Padding

    cases, count = changed[what], changed[f"n_{what}"]
    if not cases:
        return
    more = f", {len(cases)} of them" if count > len(cases) else ""
    head = f"{one_line(changed['b'], 24)} {what} {plural(count, 'case')} on {changed['metric']}"
    yield styled(f"\n{head}{more}")
    for case in cases:
        text = styled("", "").append(one_line(case["id"], 24), "dim")
        text.append(f"  {one_line(case['inputs'])}\n").append("− ", "red")
        text.append(f"{one_line(case['output_a'])}\n").append("+ ", "green")
        text.append(one_line(case["output_b"]))
        beside = {"expectations": "expected", "reason_a": "− because", "reason_b": "+ because"}
        for name, word in beside.items():
            if case[name]:
                text.append(f"\n{word} {one_line(case[name])}", "dim")
        yield Padding(text, (0, 0, 0, 2))


def sentence(  # noqa: PLR0917
    first: str,
    second: str,
    key: str,
    paired: PairedDifference,
    direction: Direction,
    p_adjusted: float | None = None,
) -> str:
    """Say in words whether *first*, from which *second* is subtracted, differs, and how surely."""
    numbers = f"{signed(paired.difference)} {limits(paired.low, paired.high)}".rstrip()
    facts = [numbers, plural(paired.n, "pair")]
    if paired.p_value is not None:
        facts.insert(1, p_value(paired.p_value))
    basis = ", ".join(facts)
    key = one_line(key)
    if paired.low is None or paired.high is None:
        return f"Nothing can be said of {key}, for want of an interval: {basis}."
    if not paired.is_clear:
        text = f"No difference can be told apart on {key}: {basis}"
        if paired.smallest_detectable is not None:
            least = number(paired.smallest_detectable)
            return f"{text}; these pairs would show one of {least} four times in five."
        return f"{text}."
    word = outcome_of(paired, direction)
    if word == "different":
        word = "higher" if paired.difference > 0 else "lower"
    if p_adjusted is not None and not outcome_of(paired, direction, p_adjusted):
        chance = f"among so many comparisons that may be chance (adjusted {p_value(p_adjusted)})"
        return f"{first} may be {word} than {second} on {key}: {basis}; {chance}."
    return f"{first} is {word} than {second} on {key}: {basis}."
