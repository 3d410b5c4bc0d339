"""Templates of judges."""

import sys
from types import FrameType
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.errors import BindingError, UsageError
from evalkit.judging import template as template_module
from evalkit.judging.harden import outside
from evalkit.judging.prepared import values_of
from evalkit.judging.template import JudgeTemplate, MissingValueError


def rendered(template: str, **fields: object) -> str:
    return JudgeTemplate(template).render(values_of(Case(**fields))).text  # type: ignore[arg-type]


def test_a_value_within_a_line_is_named_there_and_stands_below() -> None:
    text = rendered("Is {{ outputs }} right?", outputs="Paris")

    assert text.startswith("Is [outputs] right?\n\n<<<DATA outputs ")
    assert "Paris" not in outside(text)


def test_a_value_alone_on_its_line_stands_there() -> None:
    text = rendered("Answer:\n  {{ outputs }}\nIs it right?", outputs="Paris")

    assert outside(text) == "Answer:\n\nIs it right?"
    assert text.endswith("Is it right?")


def test_a_value_read_twice_is_sent_once() -> None:
    text = rendered("Is {{ outputs }} right, is {{ outputs }} polite?", outputs="Paris")

    assert text.count("Paris") == 1


def test_different_values_of_one_name_get_numbers() -> None:
    template = "{% for p in retrieved_context %}\n{{ loop.index }}: {{ p }}\n{% endfor %}"

    text = rendered(template, retrieved_context=["one", "two"])

    assert outside(text).strip() == "1: [p]\n2: [p-2]"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ inputs.question }}", "inputs.question"),
        ("{{ inputs['question'] }}", "inputs.question"),
        ("{{ case.inputs.question }}", "case.inputs.question"),
        ("{{ inputs.question | upper }}", "inputs"),
        ("{{ inputs['two words'] }}", "inputs.two_words"),
        ("{{ inputs.items }}", "inputs.items"),
    ],
)
def test_a_fence_is_named_after_what_it_holds(template: str, name: str) -> None:
    inputs = {"question": "why?", "two words": "x", "items": "three"}

    assert f"<<<DATA {name} " in rendered(template, inputs=inputs)


def test_numbers_and_truth_values_are_written_plainly() -> None:
    assert rendered("{{ outputs }} of {{ inputs.n }}", outputs=True, inputs={"n": 3}) == "True of 3"


def test_what_looks_like_a_template_in_a_value_is_not_run() -> None:
    assert "{{ 7 * 7 }}" in rendered("{{ outputs }}", outputs="{{ 7 * 7 }} {% if %} %s {0}")


def test_a_forged_place_in_a_value_refers_to_nothing() -> None:
    text = rendered("Is {{ outputs }} in {{ inputs.a }}?", outputs="\x001\x00", inputs={"a": "x"})

    assert outside(text).strip() == "Is [outputs] in [inputs.a]?"


@pytest.mark.parametrize(
    ("template", "needs"),
    [
        ("{{ outputs }} {{ expectations.a }}", {"outputs", "expectations"}),
        ("{% if expectations %}{{ expectations.a }}{% endif %}{{ outputs }}", {"outputs"}),
        ("{{ expectations | default('none') }}", set[str]()),
        ("{{ inputs.question }} {{ tags }}", set[str]()),
        ("{{ case.outputs }}", {"outputs"}),
        ("{{ trace }} {{ tool_calls }}", {"trace", "tool_calls"}),
    ],
)
def test_what_is_read_without_asking_is_needed(template: str, needs: set[str]) -> None:
    assert JudgeTemplate(template).needs == needs


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ output }}", "Did you mean 'outputs'"),
        ("{{ outputs", "line 1"),
        ("{% set x %}{{ outputs }}{% endset %}", "AssignBlock"),
        ("{% macro f() %}{% endmacro %}", "Macro"),
        ("{% filter upper %}{{ outputs }}{% endfilter %}", "FilterBlock"),
        ("{% include 'x' %}", "Include"),
    ],
)
def test_a_wrong_template_is_refused(template: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        JudgeTemplate(template)


def test_a_missing_value_is_told_by_its_path() -> None:
    with pytest.raises(MissingValueError, match="expected_facts"):
        rendered("{{ expectations.expected_facts }}", expectations={"a": 1})


def test_the_sandbox_refuses_to_reach_beyond_values() -> None:
    with pytest.raises(BindingError, match="unsafe"):
        rendered("{{ outputs.__class__.__mro__ }}", outputs="x")


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("{{ inputs.question }} {{ expectations['tone'].name }}", {"question", "tone"}),
        ("{% if inputs.hint %}{{ inputs.hint }}{% endif %}", set[str]()),
        ("{{ inputs.hint | default('none') }}", set[str]()),
        ("{% for key, value in inputs.items() %}{{ key }}{% endfor %}", set[str]()),
        ("{% for fact in expectations.facts %}{{ fact.text }}{% endfor %}", {"facts"}),
        ("{{ outputs.text }}", set[str]()),
    ],
)
def test_the_paths_that_every_case_needs_are_known(template: str, paths: set[str]) -> None:
    assert {key for _, key in JudgeTemplate(template).paths} == paths


def lines_run(template: JudgeTemplate, passages: int) -> int:
    """Count the lines of the template's module that run to lay out so many passages."""
    texts = [{"text": f"passage {number}"} for number in range(passages)]
    count = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line if frame.f_code.co_filename == template_module.__file__ else None

    before = sys.gettrace()
    sys.settrace(line)
    try:
        template.render({"retrieved_context": texts})
    finally:
        sys.settrace(before)
    return count


def test_the_work_of_a_loop_grows_with_its_items_and_not_with_their_square() -> None:
    looped = "{% for p in retrieved_context %}\n{{ p.text }}\n{% endfor %}"
    template = JudgeTemplate(looped)
    few, many = lines_run(template, 100), lines_run(template, 400)

    assert 0 < few < many < 4.5 * few


def test_items_of_a_loop_get_names_of_their_own_and_equal_ones_share_a_block() -> None:
    template = JudgeTemplate("{% for p in retrieved_context %}\n{{ p }}\n{% endfor %}")
    message = template.render({"retrieved_context": ["a", "b", "a", "c"]})

    assert message.pieces == [("p", "a"), ("p-2", "b"), ("p-3", "c")]
    assert [line for line in message.text.splitlines() if line.startswith("[")] == ["[p]"]
