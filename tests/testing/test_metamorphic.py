"""The metamorphic battery finds scorers that reward worse answers, and passes honest ones."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.entities.case import Case
from evalkit.entities.trace import Span, Trace
from evalkit.errors import UsageError
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.degradations import drop_sentence, negate, swap_numbers, truncate
from evalkit.scoring.decorator import scorer
from evalkit.testing import DEGRADATIONS, check_metamorphic, metamorphic

GOOD = Case(
    inputs={"question": "When is it open?", "messages": [{"role": "user", "content": "When?"}]},
    outputs="It is open from 9 to 18. A card costs nothing. Come in.",
    expectations={"target": "It is open from 9 to 18. A card costs nothing. Come in."},
    retrieved_context=["Open from 9 to 18.", "Cards are free."],
    tool_calls=[{"name": "hours"}, {"name": "price"}],
    trace=Trace(
        trace_id="t",
        spans=(
            Span(trace_id="t", span_id="a", name="clerk"),
            Span(trace_id="t", span_id="b", name="hours", parent_id="a", span_type="TOOL"),
        ),
    ),
)
OTHER = Case(
    inputs={"question": "How deep is it?"},
    outputs="It was 36 metres deep. Nobody may swim. Stay out.",
    expectations={"target": "It was 36 metres deep. Nobody may swim. Stay out."},
    retrieved_context=["36 metres."],
    tool_calls=[{"name": "depth"}],
)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_changes_the_case_and_leaves_the_original(name: str) -> None:
    before = repr(GOOD)
    degraded = DEGRADATIONS[name].apply(GOOD, OTHER)

    assert degraded is not None
    assert degraded != GOOD
    assert repr(GOOD) == before
    assert degraded.expectations == GOOD.expectations


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_degradation_does_not_apply_to_a_case_that_lacks_its_field(name: str) -> None:
    assert DEGRADATIONS[name].apply(Case(), OTHER) is None


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        pytest.param(drop_sentence, "One. Two words! Three?", "One. Three?", id="longest-goes"),
        pytest.param(drop_sentence, "Just one sentence.", None, id="only-one"),
        pytest.param(negate, "They may swim.", "They may not swim.", id="negated"),
        pytest.param(negate, "They may not swim.", "They may swim.", id="negation-lost"),
        pytest.param(negate, "", None, id="nothing-to-negate"),
        pytest.param(swap_numbers, "1 of 2 and 3", "2 of 3 and 1", id="numbers-rotate"),
        pytest.param(swap_numbers, "9 and 9", "1 and 1", id="equal-numbers-change"),
        pytest.param(swap_numbers, "3.5 km", "4.5 km", id="decimal"),
        pytest.param(truncate, "one two three", None, id="too-short-to-cut"),
        pytest.param(truncate, "one two three four five", "one two", id="cut"),
    ],
)
def test_a_degraded_text(change: object, text: str, expected: str | None) -> None:
    assert callable(change)
    assert change(text) == expected


@given(st.text(alphabet="ab is not 12.!?\n", max_size=40))
def test_degraded_texts_differ_from_the_original_or_do_not_apply(text: str) -> None:
    case = Case(outputs=text)
    for degradation in DEGRADATIONS.values():
        degraded = degradation.apply(case, OTHER)
        assert degraded is None or degraded != case


def test_an_honest_scorer_has_no_violation() -> None:
    report = check_metamorphic(get_scorer("text.token_f1"), [GOOD, OTHER])

    assert {row.degradation for row in report.rows} == set(list(DEGRADATIONS)[:7])
    assert {row.before for row in report.rows} == {1.0}
    assert all(row.gain is not None and row.gain <= 0 for row in report.rows)


def test_a_scorer_that_rewards_brevity_is_found_out() -> None:
    brevity = scorer(name="brevity")(lambda outputs: 1 / (1 + len(outputs)))

    with pytest.raises(AssertionError, match="brevity rewards 'drop_sentence'") as raised:
        check_metamorphic(brevity, [GOOD, OTHER])
    assert "empty" in str(raised.value)


def test_where_less_is_better_a_fall_is_the_violation() -> None:
    length = scorer(name="length", direction="lower")(lambda outputs: len(outputs) + 0.0)

    report = metamorphic(length, [GOOD], degradations=["empty", "insult"])

    assert [row.degradation for row in report.violations] == ["empty"]
    assert report.violations[0].gain == len(GOOD.outputs)


def test_a_gain_within_the_tolerance_is_no_violation() -> None:
    brevity = scorer(name="brevity")(lambda outputs: -len(outputs) / 1000)

    assert metamorphic(brevity, [GOOD], degradations=["drop_sentence"]).violations
    assert not metamorphic(
        brevity, [GOOD], degradations=["drop_sentence"], tolerance=0.1
    ).violations


def test_a_report_prints_a_line_for_each_degradation() -> None:
    brevity = scorer(name="brevity")(lambda outputs: 1 / (1 + len(outputs)))
    table = str(metamorphic(brevity, [GOOD, OTHER], degradations=["empty", "insult"])).split("\n")

    assert table[0].split() == ["brevity:", "degradation", "cases", "fell", "same", "rose", *NONE]
    assert table[1].split() == ["empty", "2", "0", "0", "2", "0"]
    assert table[2].split() == ["insult", "2", "2", "0", "0", "0"]


NONE = ["no", "score"]


def test_a_case_without_a_score_is_counted_and_compared_with_nothing() -> None:
    picky = scorer(name="picky")(lambda outputs: len(outputs) if outputs else None)

    (row,) = metamorphic(picky, [GOOD], degradations=["empty"]).rows

    assert (row.before, row.after, row.gain) == (len(GOOD.outputs), None, None)
    with pytest.raises(AssertionError, match="No pair of scores"):
        check_metamorphic(picky, [GOOD], degradations=["empty"])


def test_a_single_case_has_no_other_to_borrow_from() -> None:
    report = metamorphic(get_scorer("text.token_f1"), [GOOD], degradations=["other_answer"])

    assert report.rows == ()


def test_an_unknown_degradation_is_refused_with_near_misses() -> None:
    with pytest.raises(UsageError, match="Did you mean 'negate'"):
        metamorphic(get_scorer("text.token_f1"), [GOOD], degradations=["negat"])


def test_a_scorer_without_a_better_direction_is_refused() -> None:
    with pytest.raises(UsageError, match="neither direction is better"):
        metamorphic(get_scorer("judge.refusal"), [GOOD])


def test_a_scorer_of_several_metrics_is_refused() -> None:
    both = scorer(name="both")(lambda outputs: {"a": 1.0, "b": len(outputs)})

    with pytest.raises(UsageError, match="several metrics: a, b"):
        metamorphic(both, [GOOD], degradations=["empty"])


def test_the_other_case_is_the_next_one() -> None:
    third = replace(OTHER, outputs="Third.")
    report = metamorphic(
        get_scorer("text.token_f1"), [GOOD, OTHER, third], degradations=["other_answer"]
    )

    assert [row.degraded.outputs for row in report.rows] == [
        OTHER.outputs,
        third.outputs,
        GOOD.outputs,
    ]
