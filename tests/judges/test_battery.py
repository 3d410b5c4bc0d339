"""The metamorphic battery on every judge, with scripted models: a strict one and a fooled one."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.judge import Judge
from evalkit.judging.traces.tools import call_tool
from evalkit.testing import (
    DEGRADATIONS,
    Reply,
    ScriptedEndpoint,
    SeenRequest,
    check_metamorphic,
    metamorphic,
)
from evalkit_judges.degradations import DEGRADED_BY
from evalkit_judges.families import FAMILIES

FENCED = re.compile(
    r"^<<<DATA ([\w.-]+) ([0-9a-f]{32})>>>\n(.*?)^<<<END DATA \1 \2>>>$", re.MULTILINE | re.DOTALL
)
JUDGED = [name for name, degradations in DEGRADED_BY.items() if degradations]


def judge_at(name: str, endpoint: ScriptedEndpoint) -> Judge:
    settings: dict[str, Any] = {"fallback_samples": 1} if name == "g_eval" else {}
    judge = get_scorer(f"judge.{name}", model="x", base_url=endpoint.base_url, **settings)
    assert isinstance(judge, Judge)
    return judge


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def strict(
    judge: Judge, cases: list[Case], *, fooled: bool = False
) -> Callable[[SeenRequest], Any]:
    """Return a model that gives the best verdict to the good cases alone; a fooled one, the worst.

    It reads the data as any model would: from the fences of the last message, which holds what the
    tools say where the judge reads a trace.
    """
    form = judge.prepared.form
    worth = {label: form.value(label) or 0.0 for label in form.labels}
    good, bad = max(worth, key=lambda x: worth[x]), min(worth, key=lambda x: worth[x])
    if judge.facts.direction == "lower":
        good, bad = bad, good
    known = {_data(judge.messages(case)[-1]["content"]) for case in cases}
    if judge.prepared.tool_rounds is not None:
        known = {_data(call_tool(case.trace, "list_spans", {}).text) for case in cases}

    def answer(request: SeenRequest) -> Any:
        if request.json.get("tools") and request.messages[-1]["role"] == "user":
            return Reply(value=None, tool_calls=[{"name": "list_spans", "arguments": {}}])
        label = good if (_data(request.prompt) in known) is not fooled else bad
        verdict = int(label) if form.numeric else label
        row = {"rationale": "compared with what is known to be good", "verdict": verdict}
        if judge.parts is None:
            return json.dumps(row)
        blocks = {name: text for name, _, text in FENCED.findall(request.prompt)}
        listed = blocks.get(str(judge.each), "")
        count = len(re.findall(r"^\[\d+\]", listed, re.MULTILINE)) or 1
        return json.dumps({judge.parts: [{"text": "a part", **row}] * count})

    return answer


def _data(message: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, _, text in FENCED.findall(message))


def test_every_judge_has_its_degradations() -> None:
    assert sorted(DEGRADED_BY) == sorted(name for family in FAMILIES.values() for name in family)
    assert {name for names in DEGRADED_BY.values() for name in names} <= set(DEGRADATIONS)
    assert [name for name, names in DEGRADED_BY.items() if not names] == ["refusal"]


@pytest.mark.parametrize("name", JUDGED)
def test_a_strict_model_never_rewards_a_degraded_case(name: str, good_cases: list[Case]) -> None:
    judge = get_scorer(f"judge.{name}")
    assert isinstance(judge, Judge)
    with ScriptedEndpoint(strict(judge, good_cases)) as endpoint:
        report = check_metamorphic(
            judge_at(name, endpoint), good_cases, degradations=DEGRADED_BY[name]
        )

    assert {row.degradation for row in report.rows} == set(DEGRADED_BY[name])
    assert all(row.gain is not None and row.gain < 0 for row in report.rows)


@pytest.mark.parametrize("name", JUDGED)
def test_a_fooled_model_is_found_out(name: str, good_cases: list[Case]) -> None:
    judge = get_scorer(f"judge.{name}")
    assert isinstance(judge, Judge)
    with ScriptedEndpoint(strict(judge, good_cases, fooled=True)) as endpoint:
        report = metamorphic(judge_at(name, endpoint), good_cases, degradations=DEGRADED_BY[name])

    assert report.violations
    caught = {row.degradation for row in report.violations}
    # An empty answer or an echo never reaches the model where prechecks are on.
    assert caught >= set(DEGRADED_BY[name]) - {"empty", "echo"}


def test_a_model_with_a_simple_rubric_ranks_by_what_it_finds(good_cases: list[Case]) -> None:
    """Half the words of the expected answer is enough for "yes": a lenient, honest rubric."""

    def lenient(request: SeenRequest) -> str:
        blocks = {name: text for name, _, text in FENCED.findall(request.prompt)}
        wanted = words_of(blocks["reference"])
        share = len(wanted & words_of(blocks["outputs"])) / len(wanted)
        verdict = "yes" if share >= 0.5 else "no"
        return json.dumps({"rationale": f"{share:.2f} of the words", "verdict": verdict})

    with ScriptedEndpoint(lenient) as endpoint:
        report = check_metamorphic(judge_at("equivalence", endpoint), good_cases)

    fell = {row.degradation for row in report.rows if row.gain is not None and row.gain < 0}
    assert {"empty", "echo", "other_answer"} <= fell
    assert "negate" not in fell
