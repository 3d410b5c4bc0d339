"""A regular expression that comes with the data cannot hold the process."""

import re
from typing import Any

import pytest

from evalkit import evaluate, get_scorer
from evalkit.scoring import patterns
from evalkit.scoring.patterns import (
    PatternTimeoutError,
    compile_pattern,
    last_match,
    pattern_matches,
)

NESTED = "(a|a)+$"
HOSTILE = "a" * 40 + "!"
"""Forty characters on which the pattern would take days."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)


def test_a_pattern_that_backtracks_without_end_is_stopped() -> None:
    with pytest.raises(PatternTimeoutError, match="took longer than"):
        pattern_matches(compile_pattern(NESTED), HOSTILE)
    with pytest.raises(PatternTimeoutError):
        pattern_matches(compile_pattern(NESTED), HOSTILE, full=True)
    with pytest.raises(PatternTimeoutError):
        last_match(compile_pattern(NESTED), HOSTILE)


@pytest.mark.parametrize(
    ("pattern", "text", "match"),
    [
        pytest.param(r"Answer: (\w+)", "Answer: no. Answer: yes", "yes", id="last-group"),
        pytest.param(r"\d+", "1 22", "22", id="whole"),
        pytest.param(r"x", "1 22", None, id="none"),
        pytest.param(r"(?s)a.b", "a\nb", "a\nb", id="flags-inside"),
        pytest.param(r"[[a]b", "[b", "[b", id="a-bracket-in-a-set"),
        pytest.param(r"(?P<x>a)|(b)", "b", None, id="a-group-that-took-no-part"),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible nested set")
def test_patterns_are_those_of_python(pattern: str, text: str, match: str | None) -> None:
    assert last_match(compile_pattern(pattern), text) == match
    assert pattern_matches(compile_pattern(pattern), text) is bool(re.search(pattern, text))


@pytest.mark.parametrize("pattern", ["(", "[a", r"(?P<1>a)", r"\p{L}"])
def test_what_python_refuses_is_refused(pattern: str) -> None:
    with pytest.raises(re.error):
        compile_pattern(pattern)


ROWS = [
    {"output": HOSTILE, "expected": NESTED},
    {"output": "aaa", "expected": NESTED},
    {"output": "bbb", "expected": NESTED},
]


def outcomes(scorer: Any, rows: list[dict[str, Any]] = ROWS) -> list[tuple[str, str | None]]:
    metric = evaluate(data=rows, scorers=[scorer]).metrics[0]
    cells = [metric.column.cell(row) for row in range(len(rows))]
    return [(cell.status.word, cell.reason) for cell in cells]


def test_that_cell_alone_fails_with_the_reason_timeout() -> None:
    assert outcomes("text.regex") == [("failed", "timeout"), ("ok", None), ("ok", None)]


@pytest.mark.parametrize(
    "scorer", ["text.exact_match", "text.rouge", "text.bleu", "classification.accuracy"]
)
def test_so_does_a_cell_whose_answer_cannot_be_cut_out(scorer: str) -> None:
    found = outcomes(get_scorer(scorer, extract=NESTED))

    assert [reason for _, reason in found] == ["timeout", None, None]


def test_so_does_one_whose_expectation_cannot_be_cut_out() -> None:
    rows = [{"output": "a", "expected": HOSTILE}, {"output": "a", "expected": "a"}]
    scorer = get_scorer("text.exact_match", extract={"expectations": NESTED})

    assert outcomes(scorer, rows) == [("failed", "timeout"), ("ok", None)]
