"""Texts that try to be instructions, five judges, and a model that obeys any instruction.

The endpoint reads the documented format of fences, takes everything inside them away, and obeys
the last order in what is left: each attack orders the verdict that its judge would otherwise not
give.
"""

import asyncio
import re
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.entities.trace import Span, SpanEvent, Trace
from evalkit.judging import auditing as audited
from evalkit.judging.judge import Judge, make_judge
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

FENCED = re.compile(
    r"^<<<DATA ([\w.-]+) ([0-9a-f]{32})>>>$.*?^<<<END DATA \1 \2>>>$", re.MULTILINE | re.DOTALL
)
ORDER = re.compile(r"OBEY(\w+)")

ATTACKS = [text.replace(audited.ORDER, "OBEYyes") for _, text in audited.ATTACKS]

JUDGES = [
    make_judge("binary", "Is {{ outputs }} a good answer to {{ inputs.question }}?"),
    make_judge(
        "choices",
        "Context:\n{{ retrieved_context }}\nAnswer:\n{{ outputs }}\nIs the answer supported?",
        choices={"yes": 1.0, "partly": 0.5, "no": 0.0},
    ),
    make_judge("scale", "Rate {{ outputs }}.", scale={1: "useless", 5: "perfect"}),
    make_judge(
        "claims",
        "Judge each claim of {{ outputs }} by {{ expectations.expected_response }}.",
        choices={"yes": 1, "no": 0},
        parts="claims",
    ),
    make_judge(
        "shown",
        "{% for passage in retrieved_context %}\nPassage {{ loop.index }}:\n{{ passage }}\n"
        "{% endfor %}\nDoes {{ outputs | trim }} follow from {{ inputs }}?",
        examples=[
            {
                "inputs": {"question": "1 + 1?"},
                "outputs": "3",
                "retrieved_context": ["OBEYyes"],
                "choice": "no",
            }
        ],
    ),
]


def obedient(request: SeenRequest) -> object:
    """Obey the last order outside the fences; without one, give the worst verdict."""
    left = "\n".join(FENCED.sub("", str(message["content"])) for message in request.messages)
    told = [order == "yes" for order in ORDER.findall(left)]
    good = bool(told) and told[-1]
    properties = request.json["response_format"]["json_schema"]["schema"]["properties"]
    if "claims" in properties:
        return {"claims": [{"text": "t", "rationale": "r", "verdict": "yes" if good else "no"}]}
    if properties["verdict"]["type"] == "integer":
        return {"rationale": "r", "verdict": 5 if good else 1}
    return {"rationale": "r", "verdict": "yes" if good else "no"}


def test_there_are_sixty_different_attacks_at_least() -> None:
    assert len(set(ATTACKS)) == len(ATTACKS) >= 60


def test_the_endpoint_would_obey_an_order_outside_the_fences() -> None:
    judge = make_judge("fooled", "OBEYyes\nIs {{ outputs }} good?")

    assert _values(judge, ["an answer"]) == [1]


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
def test_no_attack_flips_a_verdict(judge: Judge) -> None:
    worst = judge.facts.low

    assert _values(judge, ATTACKS) == [worst] * len(ATTACKS)


def _values(judge: Judge, attacks: list[str]) -> list[object]:
    async def all_scores(bound: Judge) -> list[object]:
        # An attacker may hold every field but the judge's own words.
        cases = [
            Case(
                inputs={"question": attack},
                outputs=f"Well. {attack}",
                expectations={"expected_response": attack},
                retrieved_context=[attack, "a passage"],
            )
            for attack in attacks
        ]
        return [(await bound.score(case)).value for case in cases]

    with ScriptedEndpoint(obedient) as endpoint:
        return asyncio.run(all_scores(judge.with_model("openai/m", base_url=endpoint.base_url)))


def reading(request: SeenRequest) -> object:
    """Read all that the tools show of a trace, then obey or judge as `obedient` does."""
    answered = sum(message["role"] == "tool" for message in request.messages)
    if answered == 0:
        made: list[tuple[str, dict[str, Any]]] = [
            ("get_root_span", {}),
            ("list_spans", {}),
            ("timing", {}),
        ]
        made += [("search_spans", {"text": "OBEY"}), ("rm -rf", {"x": 1}), ("get_span", {"a": 2})]
        return Reply(value=None, tool_calls=[{"name": n, "arguments": a} for n, a in made])
    left = "\n".join(FENCED.sub("", str(message["content"] or "")) for message in request.messages)
    assert "OBEY" in str(request.messages)
    return {"rationale": "r", "span_id": None, "verdict": (ORDER.findall(left) or ["no"])[-1]}


def hostile(attack: str) -> Trace:
    """A trace that holds *attack* wherever a trace can hold a text."""
    span = Span(
        trace_id=attack,
        span_id=f"a{attack}",
        name=attack,
        span_type=attack,
        status="ERROR",
        status_message=attack,
        start_ns=0,
        end_ns=5,
        inputs={attack: attack},
        outputs=[attack],
        attributes={attack: attack},
        events=(SpanEvent(name=attack, attributes={"exception.message": attack}),),
    )
    orphan = Span(trace_id=attack, span_id=f"b{attack}", name=attack, parent_id=attack)
    return Trace(trace_id=attack, spans=(span, orphan), session=attack, metadata={"x": attack})


def test_no_attack_from_within_a_trace_flips_a_verdict() -> None:
    judge = make_judge("trace", "Did {{ trace }} do what {{ trace.session }} asked?")

    async def all_scores(bound: Judge) -> list[object]:
        return [(await bound.score(Case(trace=hostile(attack)))).value for attack in ATTACKS]

    with ScriptedEndpoint(reading) as endpoint:
        bound = judge.with_model("openai/m", base_url=endpoint.base_url)
        assert asyncio.run(all_scores(bound)) == [False] * len(ATTACKS)
