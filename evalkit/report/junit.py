"""A result as JUnit XML, which every build server shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from evalkit.errors import EvalkitError
from evalkit.evaluation.deciding.gates import case_meets
from evalkit.evaluation.deciding.paired import margin_in
from evalkit.evaluation.results.view import failure_groups
from evalkit.gates.grammar import parse_gates
from evalkit.gates.verdict import ConditionVerdict, Verdict
from evalkit.report.writing import whole_file

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.results.result import Result

# What XML 1.0 cannot hold, escaped or not.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OUTCOMES: Final[dict[Verdict, str]] = {
    Verdict.FAIL: "failure",
    Verdict.BUDGET: "failure",
    Verdict.INCONCLUSIVE: "failure",
    Verdict.INFRA: "error",
}


def write_xml(result: EvaluationResult, path: Path) -> None:
    """Write a test case for each gate, each case that failed, and each that must pass."""
    root = ET.Element("testsuites")
    root.append(suite(result))
    ET.indent(root)
    with whole_file(path) as fresh:
        ET.ElementTree(root).write(fresh, encoding="utf-8", xml_declaration=True)


def suite(result: EvaluationResult) -> ET.Element:
    """Return *result* as one test suite."""
    cases = [_gate(result, condition) for condition in result.verdict.conditions]
    cases += list(_must(result))
    cases += list(_failed(result))
    made = ET.Element("testsuite", name=allowed(result.name), tests=str(len(cases)))
    for outcome, word in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        made.set(word, str(sum(case.find(outcome) is not None for case in cases)))
    made.set("time", f"{sum(usage.seconds for usage in result.usage.values()):.3f}")
    facts = {"run_id": result.run_id or "", "dataset": str(result.dataset.get("digest") or "")}
    for key, estimate in result.estimates.items():
        if estimate.value is not None:
            facts[key] = repr(estimate.value)
    if result.facts.notes:
        facts["notes"] = "\n".join(result.facts.notes)
    made.append(_properties(facts))
    made.extend(cases)
    return made


def allowed(text: str) -> str:
    r"""Return *text* without the characters that XML forbids.

    Examples:
        >>> allowed("a\x00b\x1b[0m\ud800c\U0001f600") == "ab[0mc\U0001f600"
        True
    """
    return _FORBIDDEN.sub("", text)


def _properties(facts: Mapping[str, str]) -> ET.Element:
    made = ET.Element("properties")
    for name, value in facts.items():
        ET.SubElement(made, "property", name=allowed(name), value=allowed(value))
    return made


def _case(result: EvaluationResult, room: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=allowed(f"{result.name}.{room}"), name=allowed(name))


def _outcome(case: ET.Element, tag: str, kind: str, message: str) -> None:
    made = ET.SubElement(case, tag, type=allowed(kind), message=allowed(message.partition("\n")[0]))
    made.text = allowed(message)


def _gate(result: EvaluationResult, condition: ConditionVerdict) -> ET.Element:
    case = _case(result, "gates", condition.condition)
    case.append(_properties(gate_facts(result, condition)))
    if condition.status in _OUTCOMES:
        kind = str(condition.status).lower()
        _outcome(case, _OUTCOMES[condition.status], kind, condition.why)
    return case


def gate_facts(
    result: Result, verdict: ConditionVerdict, write: Callable[[float], str] = repr
) -> dict[str, str]:
    """Return the verdict on a condition, the numbers that decided it, and what it asks for."""
    facts, estimate = {"verdict": str(verdict.status)}, verdict.estimate
    difference = verdict.difference
    if estimate is not None:
        facts["score"] = "" if estimate.value is None else write(estimate.value)
        facts["n"] = f"{estimate.n_scored}/{estimate.n_total}"
    if difference is not None:
        facts["difference"] = write(difference.difference)
    for name, number in (("interval", estimate), ("difference_interval", difference)):
        if number is not None and number.low is not None and number.high is not None:
            facts[name] = f"[{write(number.low)}, {write(number.high)}]"
    try:
        condition = parse_gates(verdict.condition)[0]
        margin = margin_in(result, condition) if condition.compares else None
    except (EvalkitError, IndexError):
        return facts  # such as "budget", which no gate asked for
    if margin is not None:
        facts["margin"] = write(margin)
    elif not condition.compares and condition.kind != "must_pass":
        facts["threshold"] = f"{condition.op} {write(condition.threshold)}"
    return facts


def _must(result: EvaluationResult) -> Iterator[ET.Element]:
    if "must" not in result.spool.fields:
        return
    ids = result.spool.strings("id")
    for row, musts in enumerate(result.spool.values("must")):
        if not musts:
            continue
        case = _case(result, "must", str(ids[row]))
        broken = _broken(result, row, musts)
        if broken:
            _outcome(case, "failure", "must", "\n".join(broken))
        yield case


def _broken(result: EvaluationResult, row: int, musts: Sequence[str]) -> list[str]:
    problems: list[str] = []
    for must in musts:
        try:
            met = case_meets(result, row, must)
        except EvalkitError as error:
            problems.append(f"{must}: {error}")
            continue
        if not met:
            problems.append(f"{must}: does not hold in every repeat")
    return problems


def _failed(result: EvaluationResult) -> Iterator[ET.Element]:
    """Yield each case with a failed cell once, whatever failed first in it."""
    ids = result.spool.strings("id")
    failures: dict[int, list[tuple[str, str]]] = {}
    for group in failure_groups(result):
        for cell in group.cells:
            why = group.explanations.get(cell, group.reason)
            failures.setdefault(cell, []).append((group.reason, f"{group.place}: {why}"))
    for cell in sorted(failures):
        row, repeat = divmod(cell, result.repeats)
        name = str(ids[row]) if result.repeats == 1 else f"{ids[row]} [repeat {repeat}]"
        case = _case(result, "cases", name)
        reasons = failures[cell]
        _outcome(case, "error", reasons[0][0], "\n".join(text for _, text in reasons))
        yield case
