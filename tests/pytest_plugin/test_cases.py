"""Cases as native items: bodies, fixtures, repeats, flaky and quarantined cases."""

from collections.abc import Callable
from typing import Any

import pytest

Runner = Callable[..., Any]
HEAD = """
import evalkit, pytest
qa = evalkit.suite("three.jsonl", scorers=["text.exact_match"], name="qa")
"""
THREE = "".join(f'{{"id": "c{i}", "question": "q{i}", "expected": "a"}}\n' for i in range(3))


def test_cases_and_gates_are_native_items(run: Runner, suite_files: dict[str, str]) -> None:
    ran = run(files=suite_files)

    assert ran.outcomes["test_bot[case0]"] == "passed"
    assert ran.outcomes["test_bot[case3]"] == "failed"
    assert ran.outcomes["test_bot[case5]"] == "skipped"
    assert ran.outcomes["test_bot[case6]"] == "xfailed"
    assert ran.outcomes["test_bot[case7]"] == "failed"
    assert ran.outcomes["test_quality[text.exact_match >= 0.99]"] == "failed"
    assert ran.outcomes["test_quality[coverage >= 0.5]"] == "passed"
    assert ran.outcomes["test_quality[body]"] == "passed"
    assert "three is not four" in ran.text("test_bot[case3]")
    assert "text.exact_match >= 1: got 0" in ran.text("test_bot[case7]")
    assert "no fives" in ran.text("test_bot[case5]")
    assert ran.calls == sorted(f"case{i}" for i in range(12))


def test_bodies_run_concurrently(run: Runner, suite_files: dict[str, str]) -> None:
    suite = """
import threading, evalkit
barrier = threading.Barrier(6, timeout=300)
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"],
                   runtime=evalkit.Runtime(concurrency=6))

@qa.cases()
def test_bot(case):
    barrier.wait()
    return "x"
"""
    assert "12 passed" in run(files={**suite_files, "test_qa.py": suite}).output


def test_a_case_passes_in_as_many_repeats_as_it_must(run: Runner) -> None:
    suite = f"""{HEAD}
import asyncio
seen = {{}}

@qa.cases(must="text.exact_match >= 1", repeats=3, min_pass=2)
async def test_bot(case):
    await asyncio.sleep(0)
    seen[case.id] = seen.get(case.id, 0) + 1
    if case.id == "c2" and seen[case.id] == 1:
        raise RuntimeError("at first")
    return "a" if case.id == "c0" or seen[case.id] == 3 or case.id == "c2" else "b"
"""
    ran = run(files={"three.jsonl": THREE, "test_qa.py": suite})

    assert ran.outcomes == {
        "test_bot[c0]": "passed",
        "test_bot[c1]": "failed",
        "test_bot[c2]": "passed",
    }
    assert "(1 of 3, 2 needed)" in ran.text("test_bot[c1]")
    assert "FLAKY  c2 passes in 2 of 3 repeats; the target's answers differ" in ran.output


FLAKY = """
import evalkit, itertools
calls, scored = itertools.count(), itertools.count()

@evalkit.scorer
def moody(outputs):
    return float(next(scored) % 2)

@evalkit.scorer
def steady(outputs):
    return float(outputs == "0")

judged = evalkit.suite([{"id": "j", "question": "?"}], scorers=[moody], name="judged")
answered = evalkit.suite([{"id": "t", "question": "?"}], scorers=[steady], name="answered")

@judged.cases(must="moody >= 1", repeats=2, min_pass=1)
def test_judged(case):
    return "same"

@answered.cases(must="steady >= 1", repeats=2, min_pass=1)
def test_answered(case):
    return str(next(calls))
"""


def test_flakes_of_target_and_scorer_are_told_apart(run: Runner) -> None:
    warned = run(files={"test_flaky.py": FLAKY})
    failed = run("--evalkit-flaky=fail")

    assert set(warned.outcomes.values()) == {"passed"}
    assert "j passes in 1 of 2 repeats; the scorer gave equal outputs different" in warned.output
    assert "t passes in 1 of 2 repeats; the target's answers differ" in warned.output
    assert set(failed.outcomes.values()) == {"failed"}
    assert "FLAKY: j passes" in failed.text("test_judged[j]")


def test_quarantine_holds_until_its_last_day(run: Runner) -> None:
    suite = f"""{HEAD}
@qa.cases(must="text.exact_match >= 1")
def test_bot(case):
    return "b"
"""
    quarantine = """
[qa]
c0 = 2999-12-31
c1 = { until = 2001-01-01, reason = "long ago" }
"""
    project = '[tool.evalkit]\nquarantine = "quarantine.toml"'
    ran = run(
        files={
            "three.jsonl": THREE,
            "test_qa.py": suite,
            "quarantine.toml": quarantine,
            "pyproject.toml": project,
        }
    )

    assert ran.outcomes == {
        "test_bot[c0]": "xfailed",
        "test_bot[c1]": "failed",
        "test_bot[c2]": "failed",
    }
    assert "its quarantine ended on 2001-01-01" in ran.text("test_bot[c1]")
    assert "the quarantine of c1 ended on 2001-01-01" in ran.output


def test_methods_of_plain_classes_are_bodies(run: Runner) -> None:
    suite = f"""{HEAD}
class TestBot:
    def setup_method(self):
        self.answer = "a"

    @qa.cases(must="text.exact_match >= 1")
    def test_bot(self, case):
        return self.answer

class TestGate:
    @qa.gates("text.exact_match >= 0.9 @ point")
    def test_quality(self, evaluation):
        assert len(evaluation) == 3
"""
    ran = run(files={"three.jsonl": THREE, "test_qa.py": suite})

    assert set(ran.outcomes.values()) == {"passed"}
    assert len(ran.outcomes) == 5


def test_own_conditions_of_a_row_count(run: Runner) -> None:
    rows = """[{"id": "x", "question": "?", "expected": "a", "must": ["text.exact_match >= 1"]},
               {"id": "y", "question": "!", "expected": "a"}]"""
    suite = f"""
import evalkit
qa = evalkit.suite({rows}, scorers=["text.exact_match"])

@qa.cases()
def test_bot(case):
    return "b"
"""
    outcomes = run(files={"test_qa.py": suite}).outcomes

    assert outcomes == {"test_bot[x]": "failed", "test_bot[y]": "passed"}


def test_infrastructure_and_budget_are_told_from_failures(run: Runner) -> None:
    suite = f"""{HEAD}
@qa.cases()
def test_bot(case):
    if case.id == "c1":
        raise ConnectionError("no route")
    return "a"

spent = evalkit.suite("three.jsonl", scorers=["text.exact_match"], name="spent",
                      runtime=evalkit.Runtime(concurrency=1, budget={{"target": {{"calls": 1}}}}))

@spent.cases()
def test_spent(case):
    return "a"

@spent.gates("text.exact_match >= 0.5 @ point")
def test_gate(evaluation):
    pass
"""
    ran = run(files={"three.jsonl": THREE, "test_qa.py": suite})

    assert ran.outcomes["test_bot[c0]"] == "passed"
    assert ran.outcomes["test_bot[c1]"] == "error"
    assert "INFRA" in ran.text("test_bot[c1]")
    assert sorted(ran.outcomes[f"test_spent[c{i}]"] for i in range(3)) == [
        "failed",
        "failed",
        "passed",
    ]
    assert ran.outcomes["test_gate[text.exact_match >= 0.5 @ point]"] == "failed"
    assert "BUDGET" in ran.text("test_gate[text.exact_match >= 0.5 @ point]")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(
            "@qa.cases()\ndef test_a(case, tmp_path): return 'x'",
            "fixture 'tmp_path' has function scope",
            id="function-scope",
        ),
        pytest.param(
            "@pytest.fixture(autouse=True)\ndef clean(): pass\n"
            "@qa.cases()\ndef test_a(case): return 'x'",
            "fixture 'clean', which is used automatically, has function scope",
            id="automatic-function-scope",
        ),
        pytest.param(
            "@pytest.fixture(params=[1, 2], scope='session')\ndef size(request): return 1\n"
            "@qa.cases()\ndef test_a(case, size): return 'x'",
            "fixture 'size' has parameters",
            id="fixture-with-parameters",
        ),
        pytest.param(
            "@qa.cases()\n@pytest.mark.parametrize('n', [1, 2])\ndef test_a(case, n): return 'x'",
            "its cases are its parameters",
            id="parameters",
        ),
        pytest.param(
            "import unittest\nclass TestA(unittest.TestCase):\n"
            "    @qa.cases()\n    def test_a(self, case): return 'x'",
            "TestA.test_a: methods of a unittest.TestCase take no arguments",
            id="unittest",
        ),
        pytest.param(
            "@qa.gates('text.exact_match > 0')\ndef test_a(evaluation): pass",
            "nothing to gate",
            id="no-outputs",
        ),
        pytest.param(
            "@qa.gates('text.exact_match >')\ndef test_a(evaluation): pass",
            "expected a number",
            id="gate-syntax",
        ),
        pytest.param(
            "gone = evalkit.suite('gone.jsonl')\n@gone.cases()\ndef test_a(case): return 'x'",
            "gone.jsonl",
            id="no-data",
        ),
        pytest.param("evalkit.suite('x', samples=1)", "Did you mean 'sample'?", id="option"),
    ],
)
def test_mistakes_are_collection_errors(run: Runner, body: str, told: str) -> None:
    ran = run(files={"three.jsonl": THREE, "test_qa.py": HEAD + body})

    assert told in ran.output
    assert "1 error" in ran.output
    assert ran.reports == {}


def test_neighbours_of_the_plug_in_work_beside_it(run: Runner) -> None:
    suite = f"""{HEAD}
import asyncio
seen = []

@qa.cases(must="text.exact_match >= 1")
async def test_bot(case):
    await asyncio.sleep(0)
    seen.append(case.id)
    return "a" if case.id != "c1" or seen.count("c1") > 1 else "b"

@qa.gates("text.exact_match >= 0.9 @ point")
async def test_quality(evaluation):
    assert len(evaluation) == 3

async def test_other():
    await asyncio.sleep(0)
"""
    ran = run(
        "--reruns=1",
        "-oasyncio_mode=auto",
        "-oasyncio_default_fixture_loop_scope=function",
        files={"three.jsonl": THREE, "test_qa.py": suite},
        plugins=("asyncio", "rerunfailures"),
    )

    assert ran.outcomes["test_bot[c1]"] == "passed"
    assert ran.outcomes["test_other"] == "passed"
    assert ran.outcomes["test_quality[text.exact_match >= 0.9 @ point]"] == "failed"
    assert ran.outcomes["test_quality[body]"] == "passed"
    assert "rerun" in ran.output


@pytest.mark.parametrize("plugins", [(), ("xdist",)], ids=["one process", "workers"])
def test_a_must_that_no_case_can_meet_is_one_error_before_anything_is_called(
    run: Runner, plugins: tuple[str, ...]
) -> None:
    suite = """
import evalkit
rows = [{"id": id, "question": "?", "expected": "a"} for id in ("r0", "r1")]
rows[1]["must"] = "text.exact_mach >= 1"
every = evalkit.suite(rows[:1], scorers=["text.token_f1"], name="every")
own = evalkit.suite(rows, scorers=["text.exact_match"], name="own")

@every.cases(must=["text.token_f2 >= 0.3"])
def test_every(case):
    return "a"

@own.cases(must="text.exact_match >= 1")
def test_own(case):
    return 1 / 0

vain = evalkit.suite(rows[:1] * 1, scorers=["text.exact_match"], name="vain")

@vain.cases(must=["text.exact_match >= 0"])
def test_vain(case):
    return 1 / 0
"""
    files = {"test_a.py": suite, "test_b.py": "def test_other():\n    pass\n"}
    ran = run(*(["-n1"] if plugins else []), files=files, plugins=plugins)

    assert "INTERNALERROR" not in ran.output
    assert "1 passed, 1 skipped, 3 errors" in ran.output
    assert "'text.token_f2 >= 0.3'" in ran.text("test_every[r0]")
    assert "Did you mean 'text.token_f1'?" in ran.text("test_every[r0]")
    assert "Did you mean 'text.exact_match'?" in ran.text("test_own[r0]")
    assert "'text.exact_match >= 0' decides nothing: it is always met" in ran.text("test_vain[r0]")
    assert "ZeroDivisionError" not in ran.output


def test_a_must_is_not_blamed_where_no_body_came_to_a_score(run: Runner) -> None:
    suite = f"""{HEAD}
@qa.cases(must="text.exact_match >= 1")
def test_bot(case):
    raise RuntimeError("out of order")
"""
    ran = run(files={"three.jsonl": THREE, "test_qa.py": suite})

    assert set(ran.outcomes.values()) == {"failed"}
    assert "out of order" in ran.text("test_bot[c0]")
    assert "3 failed" in ran.output
