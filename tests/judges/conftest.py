"""The judges of the library, and what they are asked about."""

import asyncio
from collections.abc import Callable

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.entities.trace import Span, Trace
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.judge import Judge
from evalkit.testing import ScriptedEndpoint

Ask = Callable[..., Score]


@pytest.fixture
def ask() -> Ask:
    """Score a case by a library judge whose model answers as scripted."""

    def score(name: str, case: Case, endpoint: ScriptedEndpoint) -> Score:
        judge = get_scorer(f"judge.{name}")
        assert isinstance(judge, Judge)
        bound = judge.with_model("scripted", base_url=endpoint.base_url)
        return asyncio.run(bound.score(case))

    return score


@pytest.fixture
def good_cases() -> list[Case]:
    """Two full cases that every judge of the library can be asked about."""
    return [
        _case(
            question="When does the library open, and what does it cost?",
            answer="The library opens at 9 and closes at 18. A card costs 12 euros. It is valid.",
            passages=["The library is open from 9 to 18.", "A card costs 12 euros a year."],
            calls=[
                {"name": "opening_hours", "arguments": {"place": "library"}},
                {"name": "price", "arguments": {"item": "card"}},
            ],
        ),
        _case(
            question="How deep is the lake, and may one swim?",
            answer="The lake is 36 metres deep. Swimming is allowed from May on. Dogs are not.",
            passages=["The lake is 36 metres deep.", "From May on, swimming is allowed."],
            calls=[{"name": "lake_facts", "arguments": {"lake": "Mirror Lake"}}],
        ),
    ]


def _case(question: str, answer: str, passages: list[str], calls: list[dict[str, object]]) -> Case:
    history = [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hello, what can I do for you?"},
        {"role": "user", "content": question},
    ]
    return Case(
        inputs={"question": question, "messages": history},
        outputs=answer,
        expectations={
            "expected_response": answer,
            "expected_facts": passages,
            "guidelines": ["Answer every part of the question.", "Use full sentences."],
            "style": "plain and friendly",
            "target_language": "English",
            "criteria": "Every part of the question is answered.",
            "rubric": "1: nothing is answered. 5: everything is answered.",
            "role": "A clerk at a town's information desk.",
            "plan": ["Look it up.", "Tell the user."],
        },
        retrieved_context=passages,
        tool_calls=calls,
        trace=_trace(question, answer, calls),
    )


def _trace(question: str, answer: str, calls: list[dict[str, object]]) -> Trace:
    root = Span(trace_id="t", span_id="root", name="clerk", inputs={"q": question}, outputs=answer)
    tools = (
        Span(
            trace_id="t",
            span_id=f"tool{number}",
            parent_id="root",
            name=str(call["name"]),
            span_type="TOOL",
            inputs=call["arguments"],
        )
        for number, call in enumerate(calls)
    )
    return Trace(trace_id="t", spans=(root, *tools))
