"""Bodies without an answer, clients without a server, and gates that could not be judged."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Runner = Callable[..., Any]

SUITE = """
import evalkit
import httpx

qa = evalkit.suite("qa.jsonl", scorers={scorers}, name="qa")

@qa.cases()
def test_bot(case):
    {body}

@qa.gates({gates})
def test_quality(evaluation):
    pass
"""


def suite(
    body: str, *gates: str, scorers: str = "['text.exact_match']", session: bool = False
) -> dict[str, str]:
    rows = [
        {"id": f"c{i}", "question": f"q{i}", "expected": "a"}
        | ({"session": f"s{i // 3}"} if session else {})
        for i in range(12)
    ]
    text = SUITE.format(body=body, gates=", ".join(map(repr, gates)), scorers=scorers)
    return {"qa.jsonl": "".join(json.dumps(row) + "\n" for row in rows), "test_qa.py": text}


def test_a_body_that_forgets_to_return_fails_its_cases(run: Runner) -> None:
    ran = run(files=suite("'a'", "coverage >= 0.98"))

    assert {ran.outcomes[f"test_bot[c{i}]"] for i in range(12)} == {"failed"}
    assert "returned None" in ran.text("test_bot[c0]")
    assert ran.outcomes["test_quality[coverage >= 0.98]"] == "failed"


def test_a_body_that_only_asserts_may_return_nothing_where_no_scorer_reads_answers(
    run: Runner,
) -> None:
    ran = run(files=suite("assert case.inputs", scorers="['operations.latency']"))

    assert {ran.outcomes[f"test_bot[c{i}]"] for i in range(12)} == {"passed"}


@pytest.mark.parametrize("session", [False, True], ids=["alone", "in-sessions"])
@pytest.mark.parametrize(
    "error",
    ["httpx.ConnectError('no')", "TimeoutError()", "RuntimeError() from httpx.ReadTimeout('late')"],
)
def test_an_outage_is_an_error_and_no_failure(run: Runner, error: str, *, session: bool) -> None:
    ran = run(files=suite(f"raise {error}", "text.exact_match >= 0.5", session=session))

    assert {ran.outcomes[f"test_bot[c{i}]"] for i in range(12)} == {"error"}
    assert ran.outcomes["test_quality[text.exact_match >= 0.5]"] == "error"


def test_a_project_says_which_errors_are_infrastructure(run: Runner) -> None:
    project = "[tool.evalkit]\ninfrastructure = ['builtins.LookupError']"
    files = {**suite("raise KeyError()", "coverage >= 0.5"), "pyproject.toml": project}

    assert run(files=files).outcomes["test_quality[coverage >= 0.5]"] == "error"


def test_a_warning_lets_nothing_through_that_could_not_be_judged(run: Runner) -> None:
    gates = ("no_regression(text.exact_match)", "must_pass", "cost <= 1")
    project = '[tool.evalkit]\ninconclusive = "warn"'
    ran = run(files={**suite("return 'b'", *gates), "pyproject.toml": project})

    for gate in gates:
        assert ran.outcomes[f"test_quality[{gate}]"] == "failed", gate
        assert ran.text(f"test_quality[{gate}]").startswith("INCONCLUSIVE")
