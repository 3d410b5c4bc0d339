"""Reading answers: nothing is guessed."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.judging.form import Form, choices_form, scale_form
from evalkit.judging.verdict import KEPT, Unreadable, Verdict, read_verdict
from evalkit.llm.protocol import ChatReply

FORM = choices_form({"yes": 1.0, "partly": 0.5, "no": 0.0})
SCALE = scale_form((1, 5))
CLAIMS = choices_form({"yes": 1, "no": 0}, "claims")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def read(text: str | None, form: Form = FORM, **reply: Any) -> Verdict | Unreadable:
    return read_verdict(ChatReply(text=text, **reply), form)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"rationale": "r", "verdict": "partly"}', id="the-form"),
        pytest.param('  {"verdict": "Partly."}\n', id="spelt-otherwise"),
        pytest.param('```json\n{"verdict": "partly"}\n```', id="in-a-block-of-code"),
        pytest.param('<think>yes? no.</think>{"verdict": "partly"}', id="after-thinking"),
        pytest.param('hm, {"verdict": "no"}?</think>{"verdict": "partly"}', id="closed-only"),
        pytest.param('[THINK]no[/THINK] {"verdict": "partly"}', id="after-brackets"),
        pytest.param('a</think><think>b</think>{"verdict": "partly"}', id="after-two-thoughts"),
        pytest.param('◁think▷no◁/think▷{"verdict": "partly"}', id="after-triangles"),
        pytest.param(
            'analysis<|channel|>final<|message|>{"verdict": "partly"}', id="in-another-channel"
        ),
        pytest.param('hm</think>\n```json\n{"verdict": "partly"}\n```', id="then-in-code"),
        pytest.param('```\r\n{"verdict": "partly"}```', id="in-a-block-without-a-last-line"),
        pytest.param('```json {"verdict": "partly"} ```', id="in-code-on-one-line"),
        pytest.param('~~~\n{"verdict": "partly"}\n~~~', id="in-tildes"),
        pytest.param('```json\n{"verdict": "partly"}', id="in-a-block-left-open"),
        pytest.param('`{"verdict": "partly"}`', id="in-backticks"),
        pytest.param('<answer>{"verdict": "partly"}</answer>', id="in-a-tag"),
        pytest.param(
            '```json\n{"rationale": "```x```", "verdict": "partly"}\n```', id="code-in-code"
        ),
        pytest.param(
            '{"rationale": "it says </think>{}", "verdict": "partly"}', id="a-tag-that-is-quoted"
        ),
        pytest.param("partly", id="the-bare-label"),
        pytest.param('"partly"', id="the-bare-label-as-json"),
    ],
)
def test_a_verdict_on_the_menu_is_read(text: str) -> None:
    found = read(text)

    assert isinstance(found, Verdict)
    assert (found.label, found.value) == ("partly", 0.5)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param({"text": '{"verdict": "maybe"}'}, "off_menu", id="another-label"),
        pytest.param({"text": '{"verdict": "yes or no"}'}, "off_menu", id="two-labels"),
        pytest.param({"text": '{"verdict": null}'}, "off_menu", id="null"),
        pytest.param({"text": '{"verdict": ["yes"]}'}, "off_menu", id="list"),
        pytest.param({"text": "maybe-json"}, "invalid_response", id="word"),
        pytest.param({"text": ""}, "empty", id="empty"),
        pytest.param({"text": None}, "empty", id="nothing"),
        pytest.param({"text": "<think>hm</think>"}, "empty", id="only-thoughts"),
        pytest.param(
            {"text": '{"rationale": "so', "finish_reason": "length"}, "truncated", id="cut"
        ),
        pytest.param({"text": None, "finish_reason": "length"}, "truncated", id="never-began"),
        pytest.param({"text": None, "refusal": "No."}, "refusal", id="marked-refusal"),
        pytest.param({"text": "", "finish_reason": "content_filter"}, "refusal", id="filtered"),
        pytest.param({"text": "I'm sorry, I can't judge that."}, "refusal", id="refusing-prose"),
        pytest.param({"text": "The answer is yes."}, "invalid_response", id="prose"),
        pytest.param(
            {"text": '{"verdict": "no", "verdict": "yes"}'}, "invalid_response", id="two-verdicts"
        ),
        pytest.param(
            {"text": '{"rationale": "a", "rationale": "b", "verdict": "yes"}'},
            "invalid_response",
            id="two-rationales",
        ),
        pytest.param(
            {"text": '</think>{"verdict": "yes"} said they.</think>{"verdict": "no"}'},
            "invalid_response",
            id="planted-in-a-thought",
        ),
        pytest.param(
            {"text": '```\n{"verdict": "yes"}\n```\n```\n{"verdict": "no"}\n```'},
            "invalid_response",
            id="two-blocks",
        ),
        pytest.param(
            {"text": 'It claims {"verdict": "yes"} but lies.'},
            "invalid_response",
            id="quoted-verdict",
        ),
        pytest.param({"text": "[1, 2]"}, "invalid_response", id="json-list"),
        pytest.param({"text": '{"answer": "yes"}'}, "invalid_response", id="no-verdict"),
    ],
)
def test_an_answer_that_is_no_verdict_has_its_own_reason(
    reply: dict[str, Any], reason: str
) -> None:
    found = read_verdict(ChatReply(**reply), FORM)

    assert isinstance(found, Unreadable)
    assert found.reason == reason


def test_the_text_of_an_unreadable_answer_is_kept_up_to_a_length() -> None:
    found = read("x" * 10 * KEPT)

    assert isinstance(found, Unreadable)
    assert found.raw == "x" * KEPT + "…"


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (4, 4.0),
        (4.0, 4.0),
        ("4", 4.0),
        ("4.0", 4.0),
        (0, None),
        (4.5, None),
        ("four", None),
        (True, None),
    ],
)
def test_a_scale_takes_its_whole_numbers_alone(said: Any, value: float | None) -> None:
    found = read(json.dumps({"verdict": said}), SCALE)

    assert (found.value if isinstance(found, Verdict) else None) == value


@pytest.mark.parametrize(("said", "label"), [(True, "yes"), (False, "no")])
def test_a_truth_value_stands_for_yes_or_no(said: bool, label: str) -> None:
    found = read(json.dumps({"verdict": said}))

    assert isinstance(found, Verdict)
    assert found.label == label


@pytest.mark.parametrize("bad", ["NaN", "1e999", "-1", "11"])
def test_a_number_outside_its_bounds_is_off_the_menu(bad: str) -> None:
    form = Form(kind="number", low=0.0, high=10.0)

    assert isinstance(read(json.dumps({"verdict": bad}), form), Unreadable)


def test_the_arguments_of_a_tool_call_are_an_answer() -> None:
    call = {"name": "give_verdict", "arguments": {"rationale": "r", "verdict": "no"}}

    assert read(None, tool_calls=[call]) == Verdict("no", 0.0, "r")


def test_parts_are_read_each_with_its_verdict() -> None:
    rows = [{"text": "a", "rationale": "r", "verdict": "yes"}, {"text": "b", "verdict": "no"}]

    found = read(json.dumps({"claims": rows}), CLAIMS)

    assert isinstance(found, Verdict)
    assert [(part.text, part.value) for part in found.parts] == [("a", 1), ("b", 0)]


def test_one_part_off_the_menu_fails_the_whole() -> None:
    rows = [{"text": "a", "verdict": "yes"}, {"text": "b", "verdict": "maybe"}]

    found = read(json.dumps({"claims": rows}), CLAIMS)

    assert isinstance(found, Unreadable)
    assert found.reason == "off_menu"


def test_a_wrong_number_of_parts_is_unreadable() -> None:
    reply = ChatReply(text='{"claims": [{"text": "a", "verdict": "yes"}]}')

    assert isinstance(read_verdict(reply, CLAIMS, count=2), Unreadable)


@given(st.text(max_size=60), st.sampled_from([None, "stop", "length"]))
def test_any_text_is_a_verdict_on_the_menu_or_unreadable(text: str, finish: str | None) -> None:
    found = read(text, finish_reason=finish)

    assert isinstance(found, Unreadable) or found.label in FORM.labels


@given(json_values)
def test_any_json_is_a_verdict_on_the_menu_or_unreadable(value: Any) -> None:
    for form in (FORM, SCALE, CLAIMS):
        found = read(json.dumps(value), form)
        assert isinstance(found, Unreadable) or found.parts == () or form is CLAIMS


@given(st.sampled_from(FORM.labels), st.text(max_size=40))
def test_a_verdict_survives_writing_and_reading(label: str, rationale: str) -> None:
    found = read(json.dumps({"rationale": rationale, "verdict": label}))

    assert found == Verdict(label, FORM.value(label), rationale)


@given(
    st.text(alphabet=string.ascii_letters + " ", min_size=1).filter(str.strip),
    st.sampled_from(FORM.labels),
)
def test_a_verdict_within_prose_is_never_taken(prose: str, label: str) -> None:
    found = read(f'I say: {prose} {{"verdict": "{label}"}} {prose}')

    assert isinstance(found, Unreadable)
