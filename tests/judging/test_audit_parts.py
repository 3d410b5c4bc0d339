"""What audits are made of: edits, rewordings, pairs and the number of cases."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.judging.auditing.audit import cases_needed
from evalkit.judging.auditing.edits import (
    BIAS_EDITS,
    INVARIANT_EDITS,
    TextEdit,
    authored,
    labels_renamed,
    labels_reversed,
)
from evalkit.judging.judge import Judge, make_judge
from evalkit.stats import wilson_interval

prose = st.lists(st.sampled_from(["It is so.", "Why?", "We don't.", "In 1932, yes!"]), min_size=1)
ADDED = [edit for listed in BIAS_EDITS.values() for edit in listed] + [authored("openai/m")]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("\u2019", "'"))


@pytest.mark.parametrize("edit", INVARIANT_EDITS, ids=lambda edit: edit.name)
@given(sentences=prose)
def test_an_edit_that_must_change_no_verdict_keeps_every_word(
    edit: TextEdit, sentences: list[str]
) -> None:
    text = " ".join(sentences)
    changed = edit.apply(text)

    assert changed is None or words(changed) == words(text)


@pytest.mark.parametrize("edit", ADDED, ids=lambda edit: edit.name)
@given(sentences=prose)
def test_an_edit_of_a_bias_adds_and_takes_nothing_away(
    edit: TextEdit, sentences: list[str]
) -> None:
    text = " ".join(sentences)
    changed = edit.apply(text)

    assert changed is not None
    assert f" {' '.join(words(text))} " in f" {' '.join(words(changed))} "


@pytest.mark.parametrize(
    "text", ["def f(x):\n    return x", "SELECT a FROM b", '{"a": 1}', "```x```", " ", "int x = 1;"]
)
def test_code_and_data_are_not_laid_out_otherwise(text: str) -> None:
    assert all(edit.apply(text) is None for edit in (*INVARIANT_EDITS, *ADDED))


@given(st.floats(0.951, 1.0), st.sampled_from([0.8, 0.9, 0.95]))
def test_as_many_cases_as_needed_put_wilsons_limit_at_the_target(
    share: float, target: float
) -> None:
    n = cases_needed(share, target, 1.959963984540054)

    assert n is not None
    assert wilson_interval(share * n, n).low >= target - 1e-9
    if n > 2:
        assert wilson_interval(share * (n - 1), n - 1).low < target + 1e-9


def test_no_number_of_cases_shows_what_is_not_so() -> None:
    assert cases_needed(0.95, 0.95, 1.96) is None


DEFINED = make_judge(
    "defined",
    '{{ outputs }}\n\n- "good": it is.\n- "fair": partly.\n- "poor": it is not.',
    choices={"good": 1.0, "fair": 0.5, "poor": 0.0},
    examples=[{"outputs": "x", "choice": "Fair", "explanation": "because"}],
)


def test_labels_turn_round_with_the_lines_that_define_them() -> None:
    turned = labels_reversed(DEFINED)

    assert turned is not None
    assert turned.prepared.form.labels == ("poor", "fair", "good")
    assert turned.prepared.form.value("good") == 1.0
    assert turned.instructions.split("\n")[2:] == [
        '- "poor": it is not.',
        '- "fair": partly.',
        '- "good": it is.',
    ]


def test_labels_get_other_names_in_prompt_choices_and_examples() -> None:
    renamed = labels_renamed(DEFINED)

    assert renamed is not None
    judge, old = renamed
    assert judge.prepared.form.labels == ("alpha", "beta", "gamma")
    assert '- "beta": partly.' in judge.instructions
    assert judge.examples[0]["choice"] == "beta"
    assert old == {"alpha": "good", "beta": "fair", "gamma": "poor"}


@pytest.mark.parametrize(
    "judge",
    [
        pytest.param(make_judge("scale", "{{ outputs }}?", scale=(1, 5)), id="numbers"),
        pytest.param(make_judge("free", "{{ outputs }}?", value_type=str), id="free"),
    ],
)
def test_what_has_no_labels_is_not_reworded(judge: Judge) -> None:
    assert labels_reversed(judge) is None
    assert labels_renamed(judge) is None


def test_labels_that_nobody_defines_keep_their_names() -> None:
    assert labels_renamed(make_judge("plain", "Is {{ outputs }} polite?")) is None
