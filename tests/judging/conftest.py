"""Judges that ask a scripted endpoint, and a long trace with a model that searches it."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.entities.trace import Span, Trace
from evalkit.judging.judge import Judge, make_judge
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

Ask = Callable[..., Score]
Answer = Callable[[SeenRequest], Any]

SECOND = 1_000_000_000
PLANTED = 137
BLOCK = re.compile(
    r"^<<<DATA ([\w.-]+) ([0-9a-f]{32})>>>\n(.*?)^<<<END DATA \1 \2>>>$", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def case() -> Case:
    return Case(
        inputs={"question": "What is the capital of France?"},
        outputs="It is Paris.",
        expectations={"expected_response": "Paris"},
        retrieved_context=["Paris is the capital of France."],
    )


@pytest.fixture
def score(case: Case) -> Ask:
    """Score a case by a judge whose model answers as scripted."""

    def ask(judge: Judge, endpoint: ScriptedEndpoint, judged: Case = case) -> Score:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)
        return asyncio.run(bound.score(judged))

    return ask


@pytest.fixture
def grounded() -> Judge:
    return make_judge(
        "grounded",
        "Is every claim in {{ outputs }} supported by {{ retrieved_context }}?",
        choices={"yes": 1.0, "partly": 0.5, "no": 0.0},
    )


@pytest.fixture(scope="session")
def trace() -> Trace:
    """Two hundred spans: one broke the request, and seven failed and were tried again."""
    made = [
        Span(
            trace_id="t",
            span_id="root",
            name="agent",
            span_type="AGENT",
            status="ERROR",
            start_ns=0,
            end_ns=60 * SECOND,
            inputs={"question": "What does it cost?"},
            outputs="I could not find out.",
        )
    ]
    for i in range(199):
        failed = i == PLANTED or i % 31 == 5
        told = "no such table: prices" if i == PLANTED else "timed out, tried again"
        made.append(
            Span(
                trace_id="t",
                span_id=f"s{i:03d}",
                parent_id="root" if i % 4 == 0 else f"s{i - i % 4:03d}",
                name=f"step {i}",
                span_type=("AGENT", "LLM", "TOOL", "RETRIEVER")[i % 4],
                status="ERROR" if failed else "OK",
                start_ns=i * SECOND // 4,
                end_ns=i * SECOND // 4 + SECOND // 10,
                inputs={"step": i, "text": "lorem ipsum " * 40},
                outputs={"error": told} if failed else {"rows": ["dolor sit amet " * 20]},
            )
        )
    return Trace(trace_id="t", spans=tuple(made))


@pytest.fixture
def detective() -> Answer:
    """A model that looks for failures, opens each, and blames the one that was not tried again."""
    return _detected


def _answers(request: SeenRequest) -> list[tuple[str, str]]:
    """Return name and content of every block that a tool has answered, in order."""
    told = [str(m["content"]) for m in request.messages if m["role"] == "tool"]
    return [(match[1], match[3]) for text in told for match in BLOCK.finditer(text)]


def said(verdict: str, span: str | None = None, why: str = "seen") -> dict[str, Any]:
    return {"rationale": why, "span_id": span, "verdict": verdict}


def _detected(request: SeenRequest) -> Any:
    """Look for failures, open each of them, and blame the one that was not tried again."""
    found = _answers(request)
    if not found:
        return _calls(("search_spans", {"status": "ERROR"}))
    ids = [row["id"] for row in json.loads(found[0][1])["spans"] if row["id"] != "root"]
    if len(found) == 1:
        return _calls(*(("get_span", {"span_id": name}) for name in ids))
    for name, (_, content) in zip(ids, found[1:], strict=True):
        error = re.search(r'"error": "([^"]*)"', content)
        if error is not None and "tried again" not in error[1]:
            return _said("no", name, error[1])
    return _said("yes")


def _calls(*made: tuple[str, Mapping[str, Any]]) -> Reply:
    listed = [{"name": name, "arguments": arguments} for name, arguments in made]
    return Reply(value=None, tool_calls=listed)


def _said(verdict: str, span: str | None = None, why: str = "seen") -> dict[str, Any]:
    return {"rationale": why, "span_id": span, "verdict": verdict}
