"""Good cases for audits of the library's judges, whose own examples are sent along and too easy."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Case

_FILE: Final = Path(__file__).parent / "good_cases.yaml"

_KINDS: Final = {
    "translation_quality": "translation",
    "code_correctness": "code",
    "sql_equivalence": "sql",
    "summarization_coherence": "summary",
    "summarization_consistency": "summary",
    "summarization_fluency": "summary",
    "summarization_relevance": "summary",
}
_GREETING: Final = (
    {"role": "user", "content": "Hello!"},
    {"role": "assistant", "content": "Hello, what can I do for you?"},
)
_GIVEN: Final[Mapping[str, Any]] = {
    "guidelines": ["Answer every part of the question.", "Use full sentences."],
    "style": "plain and friendly",
    "target_language": "English",
    "criteria": "Every part of the question is answered.",
    "rubric": "1: nothing is answered. 3: a part is answered. 5: everything is answered.",
    "role": "A clerk at an information desk.",
    "plan": ["Look it up.", "Tell the user."],
}


def good_cases(name: str) -> tuple[Case, ...]:
    """Return cases whose outputs deserve the best verdict of the judge whose prompt is *name*.

    Examples:
        >>> good_cases("groundedness")[0].outputs[:17]
        'The library opens'
    """
    return _cases(_KINDS.get(name, "general"))


@functools.cache
def _cases(kind: str) -> tuple[Case, ...]:
    import yaml

    rows = yaml.safe_load(_FILE.read_text(encoding="utf-8"))[kind]
    cases = [_general(row) if kind == "general" else Case(**row) for row in rows]
    return tuple(cases)


def _general(row: Mapping[str, Any]) -> Case:
    question = {"role": "user", "content": row["question"]}
    return Case(
        inputs={"question": row["question"], "messages": [*_GREETING, question]},
        outputs=row["answer"],
        expectations={
            "expected_response": row["answer"],
            "expected_facts": row["passages"],
            **_GIVEN,
        },
        retrieved_context=row["passages"],
        tool_calls=row["calls"],
        trace=_trace(row),
    )


def _trace(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trace of a program that called the tools, each of which found its passage."""
    question = {"question": row["question"]}
    spans: list[dict[str, Any]] = [
        {"span_id": "root", "name": "clerk", "span_type": "AGENT", "inputs": question}
    ]
    for number, call in enumerate(row["calls"], 1):
        step = {"span_id": f"tool{number}", "parent_id": "root", "span_type": "TOOL"}
        passages = row["passages"] if len(row["calls"]) == 1 else row["passages"][number - 1]
        spans.append(
            {**step, "name": call["name"], "inputs": call["arguments"], "outputs": passages}
        )
    spans[0]["outputs"] = row["answer"]
    return {"trace_id": "good", "spans": [{"status": "OK", **span} for span in spans]}


def compared_cases() -> tuple[Case, ...]:
    """Return cases with a full answer, and the first sentence of it to compare with.

    Examples:
        >>> compared_cases()[0].expectations["expected_response"]
        'The library opens at 9 and closes at 18.'
    """
    return tuple(
        Case(
            inputs={"question": case.inputs["question"]},
            outputs=case.outputs,
            expectations={"expected_response": f"{case.outputs.split('. ')[0]}."},
        )
        for case in _cases("general")
    )
