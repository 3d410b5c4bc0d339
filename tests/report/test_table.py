import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from evalkit._internal.words import percent
from evalkit.errors import UsageError
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.sweep import compare
from evalkit.report.comparison_table import sentence, show_systems
from evalkit.report.table import refuse, show
from evalkit.report.texts import one_line
from evalkit.stats import paired_difference

Evaluate = Callable[..., EvaluationResult]


def test_the_table_has_value_interval_and_denominator_of_every_metric(
    passed: EvaluationResult,
) -> None:
    text = show(passed, width=100)

    for key, estimate in passed.estimates.items():
        line = next(line for line in text.splitlines() if line.startswith(key))
        assert f"{float(estimate):.3f} (n=40/40)" in line
        assert re.search(r"\[0\.\d+, 0\.\d+\]", line)
        assert "↑" in line


def test_the_table_has_each_gate_with_its_verdict_and_numbers(passed: EvaluationResult) -> None:
    text = show(passed, width=140)

    for condition in passed.verdict.conditions:
        assert re.search(rf"{condition.status}\s+{re.escape(condition.why)}", text)


def test_str_of_a_result_is_the_table(passed: EvaluationResult) -> None:
    assert str(passed) == show(passed)


def test_one_value_of_five_hundred_is_shown_loudly(broken: EvaluationResult) -> None:
    text = show(broken, width=100)

    assert "1.00 (n=1/500)" in text
    assert "coverage 0.2 %" in text
    assert "499 failed" in text
    assert re.search(r"^! careful: only 1 of 500 cases has a value", text, re.MULTILINE)
    assert re.search(r"250 ×\s+\w+ in target: ConnectionRefusedError", text)
    assert re.search(r"249 ×\s+scorer_error in careful: KeyError", text)
    assert "FAIL" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("name", ["passed", "broken", "hostile"])
def test_no_line_is_wider_than_the_terminal(
    name: str, width: int, request: pytest.FixtureRequest
) -> None:
    text = show(request.getfixturevalue(name), width=width)

    assert max(map(cell_len, text.splitlines())) <= max(width, 44)


def test_a_key_longer_than_the_terminal_stays_whole(evaluate: Evaluate) -> None:
    from evalkit import scorer

    def answer(outputs: str) -> float:
        return float(len(outputs))

    answer.__name__ = "measure_" + "x" * 80
    result = evaluate(data=[{"question": "q", "output": "a"}], scorers=[scorer(answer)])

    flat = "".join(line.strip() for line in show(result, width=60).splitlines())

    assert answer.__name__ in flat


def test_a_terminal_cannot_be_steered(hostile: EvaluationResult, broken: EvaluationResult) -> None:
    for text in (show(hostile, width=80), show(broken, width=80)):
        assert not set(text) & {"\x1b", "\x00", "\x07", "\u202e", "\x9b"}


def test_an_interrupted_run_says_how_to_finish_it(passed: EvaluationResult) -> None:
    for status, command in (
        ("interrupted", "evalkit resume run-1"),
        ("budget", "evalkit resume run-1 --budget AMOUNT"),
    ):
        facts = dataclasses.replace(passed.facts, run_id="run-1", status=status)
        result = EvaluationResult(
            facts=facts, spool=passed.spool, metrics=passed.metrics, folder=passed.folder
        )

        assert command in show(result, width=120)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags |= {tag, *(name for name, _ in attrs)}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_notebook_form_has_the_numbers_and_no_foreign_tag(
    hostile: EvaluationResult, hostile_texts: tuple[str, ...]
) -> None:
    reader = _Reader()
    reader.feed(show(hostile, "html"))

    known = {"div", "strong", "table", "thead", "tbody", "tr", "th", "td", "style"}
    assert reader.tags <= known
    assert "0.500" in reader.text
    assert hostile_texts[0] in reader.text


def test_the_table_writes_no_file(passed: EvaluationResult, tmp_path: object) -> None:
    from pathlib import Path

    with pytest.raises(UsageError, match="not a file format"):
        refuse(passed, Path(str(tmp_path)) / "x")


def test_a_comparison_shows_both_values_and_says_which_is_better(evaluate: Evaluate) -> None:
    rows = [{"question": f"q{i}", "expected": "yes"} for i in range(200)]
    good = [row | {"output": "yes" if i % 10 else "no"} for i, row in enumerate(rows)]
    poor = [row | {"output": "yes" if i % 2 else "no"} for i, row in enumerate(rows)]
    atlas = evaluate(data=good, scorers=["text.exact_match"], name="atlas")
    birch = evaluate(data=poor, scorers=["text.exact_match"], name="birch")
    key = "text.exact_match"

    text = show_systems(compare(birch, atlas, metrics=[key]), width=100)
    back = show_systems(compare(atlas, birch, metrics=[key]), width=100)

    assert re.search(r"text\.exact_match ↑\s+0\.500\s+0\.900\s+\+0\.400", text)
    assert re.search(r"atlas is better than birch on text.exact_match: \+0\.400 \[0", text)
    assert "birch is worse than atlas" in back
    assert "p < 0.001, 200 pairs" in text


@pytest.mark.parametrize(
    ("shift", "direction", "expected"),
    [
        pytest.param(1.0, "higher", "a is better than b", id="more-of-a-good-thing"),
        pytest.param(1.0, "lower", "a is worse than b", id="more-of-a-bad-thing"),
        pytest.param(-1.0, "lower", "a is better than b", id="less-of-a-bad-thing"),
        pytest.param(1.0, "none", "a is higher than b", id="neither-way-is-better"),
        pytest.param(0.0, "higher", "No difference can be told apart", id="the-interval-holds-0"),
    ],
)
def test_a_sentence_honours_the_direction(shift: float, direction: str, expected: str) -> None:
    noise = [((i * 7919) % 101 - 50) / 100 for i in range(60)]
    found = paired_difference([shift + n for n in noise], [-n for n in noise])

    text = sentence("a", "b", "m", found, direction)  # type: ignore[arg-type]

    assert text.startswith(expected)
    assert "60 pairs" in text


def test_too_few_pairs_say_nothing() -> None:
    found = paired_difference([1.0, 2.0], [0.0, 0.5])

    assert sentence("a", "b", "m", found, "higher").startswith("Nothing can be said of m")


@given(st.text(), st.integers(1, 200))
def test_one_line_is_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    shown = one_line(text, limit)

    assert len(shown) <= limit
    assert shown.splitlines() in ([], [shown])
    shown.encode("utf-8")


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_all_or_nothing(share: float) -> None:
    shown = percent(share)

    assert (shown == "100 %") == (share == 1.0)
    assert (shown == "0 %") == (share == 0.0)


@pytest.mark.parametrize(
    ("share", "shown"),
    [(4 / 68, "5.9 %"), (0.7156, "71.6 %"), (0.0715, "7.2 %"), (0.29, "29 %"), (0.9996, "99.9 %")],
)
def test_a_share_is_rounded_and_not_cut_off(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_metrics_that_lack_the_same_cases_share_one_warning(evaluate: Evaluate) -> None:
    def bot(question: str) -> str:
        if question != "0":
            raise ValueError("no")
        return question

    rows = [{"question": f"{i}", "expected": f"{i}"} for i in range(10)]
    result = evaluate(bot, rows, scorers=["text.exact_match", "text.token_f1"])

    warnings = [line for line in show(result, width=200).splitlines() if line.startswith("!")]

    assert len(warnings) == 1
    assert "text.exact_match, text.token_f1: only 1 of 10 cases has a value" in warnings[0]


def test_no_number_speaks_where_no_case_has_a_value(evaluate: Evaluate) -> None:
    def bot(question: str) -> str:
        raise ValueError(question)

    rows = [{"question": f"{i}", "expected": f"{i}"} for i in range(10)]
    text = show(evaluate(bot, rows, scorers=["text.exact_match"]), width=200)

    assert "every case failed" in text
    assert "those alone" not in text
