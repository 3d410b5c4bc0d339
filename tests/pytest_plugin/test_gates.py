"""Gates as native items: verdicts, selections, baselines."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from evalkit.store import open_store

Runner = Callable[..., Any]

STORED = """
import evalkit
qa = evalkit.suite("stored.jsonl", scorers=["text.exact_match"], name="qa")

@qa.gates({gates})
def test_quality(evaluation):
    assert len(evaluation) > 10
"""


def stored(right: int) -> str:
    rows = [
        {"id": f"s{i}", "question": f"q{i}", "expected": "a", "output": "a" if i < right else "b"}
        for i in range(40)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def files(right: int, *gates: str) -> dict[str, str]:
    suite = STORED.replace("{gates}", ", ".join(map(repr, gates)))
    return {"stored.jsonl": stored(right), "test_stored.py": suite}


def test_each_condition_has_its_verdict(run: Runner) -> None:
    gates = ("text.exact_match >= 0.5", "text.exact_match >= 0.99", "text.exact_match >= 0.8")
    ran = run(files=files(34, *gates))

    assert ran.outcomes == {
        "test_quality[text.exact_match >= 0.5]": "passed",
        "test_quality[text.exact_match >= 0.99]": "failed",
        "test_quality[text.exact_match >= 0.8]": "failed",
        "test_quality[body]": "passed",
    }
    assert ran.text("test_quality[text.exact_match >= 0.8]").startswith("INCONCLUSIVE")
    assert "qa: FAIL · 40 cases" in ran.output


def test_an_undecided_gate_can_be_a_warning(run: Runner) -> None:
    project = '[tool.evalkit]\ninconclusive = "warn"'
    ran = run(files={**files(34, "text.exact_match >= 0.8"), "pyproject.toml": project})

    assert set(ran.outcomes.values()) == {"passed"}
    assert "INCONCLUSIVE  text.exact_match >= 0.8" in ran.output


def test_a_metric_that_no_scorer_gives_is_an_error_of_its_gate_alone(run: Runner) -> None:
    ran = run(files=files(40, "text.exact_mach >= 0.5", "text.exact_match >= 0.5"))

    assert ran.outcomes["test_quality[text.exact_mach >= 0.5]"] == "error"
    assert "Did you mean 'text.exact_match'?" in ran.text("test_quality[text.exact_mach >= 0.5]")
    assert ran.outcomes["test_quality[text.exact_match >= 0.5]"] == "passed"


def test_a_gate_that_lost_its_cases_to_infrastructure_is_an_error(
    run: Runner, suite_files: dict[str, str]
) -> None:
    suite = """
import evalkit
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"])

@qa.cases()
def test_bot(case):
    raise ConnectionError("no route")

@qa.gates("coverage >= 0.5", "text.exact_match >= 0.5 @ point")
def test_quality(evaluation):
    pass
"""
    ran = run(files={**suite_files, "test_qa.py": suite})

    assert ran.outcomes["test_quality[text.exact_match >= 0.5 @ point]"] in {"error", "failed"}
    assert {ran.outcomes[f"test_bot[case{i}]"] for i in range(12)} == {"error"}


@pytest.mark.parametrize("gates", ['@qa.gates("text.exact_match >= 0.5")', "@qa.gates"])
def test_what_infrastructure_lost_is_told_shortly_and_no_body_is_run(
    run: Runner, suite_files: dict[str, str], gates: str
) -> None:
    suite = f"""
import evalkit, json, urllib.request
qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match"], name="qa")

def ask():
    return urllib.request.urlopen("http://127.0.0.1:9/").read()

@qa.cases
def test_bot(case):
    return ask()

{gates}
def test_quality(evaluation):
    assert evaluation["text.exact_match"].n_scored == 12
"""
    ran = run(files={**suite_files, "test_qa.py": suite})
    text = ran.text("test_bot[case3]")

    assert set(ran.outcomes.values()) == {"error"}
    assert "Connection refused" in text.splitlines()[0]
    assert "test_qa.py:6 in ask" in text.splitlines()[0]
    assert "Traceback" not in ran.output
    assert len(text.splitlines()) == 3
    assert "INFRA  not run: " in ran.text("test_quality[body]")
    assert "qa: INFRA · 12 cases (12 lost to infrastructure) · cost unknown" in ran.output


def test_a_selection_runs_only_its_cases_and_skips_the_gates(
    run: Runner, suite_files: dict[str, str]
) -> None:
    ran = run("-k", "case1 or quality", files=suite_files)

    assert ran.calls == ["case1", "case10", "case11"]
    assert "only 3 of 12 cases" in ran.text("test_quality[coverage >= 0.5]")
    assert "only the selected cases" in ran.output


def test_a_gate_alone_runs_all_cases(run: Runner, suite_files: dict[str, str]) -> None:
    ran = run("test_qa.py::test_quality", files=suite_files)

    assert len(ran.calls) == 12
    assert ran.outcomes["test_quality[coverage >= 0.5]"] == "passed"


def test_a_gate_in_another_module_runs_the_cases_that_it_imports(run: Runner) -> None:
    cases = """
import evalkit
qa = evalkit.suite([{"id": "x", "question": "?", "expected": "a"}], ["text.exact_match"])

@qa.cases()
def test_bot(case):
    return "a"
"""
    gate = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("bot_cases", pathlib.Path("bot_cases.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

@module.qa.gates("text.exact_match >= 0.5 @ point")
def test_quality(evaluation):
    assert len(evaluation) == 1
"""
    ran = run(files={"bot_cases.py": cases, "test_gate.py": gate})

    assert set(ran.outcomes.values()) == {"passed"}


def test_a_gate_in_another_module_answers_by_what_its_cases_recorded(run: Runner) -> None:
    cases = """
import evalkit
qa = evalkit.suite([{"id": "x", "question": "?", "expected": "a"}], ["text.exact_match"],
                   runtime=evalkit.Runtime(recordings="recordings"))

@qa.cases(version="1")
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    return "a"
"""
    gate = """
import importlib.util, pathlib
spec = importlib.util.spec_from_file_location("bot_cases", pathlib.Path("bot_cases.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

@module.qa.gates("text.exact_match >= 0.5 @ point")
def test_quality(evaluation):
    assert len(evaluation) == 1
"""
    recorded = run(
        "--evalkit=live", "bot_cases.py", files={"bot_cases.py": cases, "test_gate.py": gate}
    )
    replayed = run("--evalkit=replay", "test_gate.py")

    assert set(recorded.outcomes.values()) == {"passed"}
    assert set(replayed.outcomes.values()) == {"passed"}
    assert replayed.calls == ["x"]


def test_last_failed_failed_first_and_exit_first_work(
    run: Runner, suite_files: dict[str, str]
) -> None:
    run(files=suite_files)
    again = run("--lf")
    first = run("--ff", "-x")

    failed = [name for name, outcome in again.outcomes.items() if outcome == "failed"]
    assert failed == ["test_bot[case3]", "test_bot[case7]"]
    assert again.outcomes["test_quality[text.exact_match >= 0.99]"] == "skipped"
    assert first.outcomes == {"test_bot[case3]": "failed"}


def test_a_baseline_is_written_and_compared_with(run: Runner) -> None:
    gates = ("text.exact_match >= 0.5", "no_regression(text.exact_match, margin=0.2)")
    compared = "test_quality[no_regression(text.exact_match, margin=0.2)]"
    place = "--evalkit-baseline={suite}.baseline.json"
    written = run(place, "--evalkit-update-baseline", files=files(38, *gates))
    same = run(place)
    worse = run(place, files=files(20, *gates))

    assert written.outcomes[compared] == "skipped"
    assert "baseline: qa.baseline.json" in written.output
    assert same.outcomes[compared] == "passed"
    assert worse.outcomes[compared] == "failed"
    properties = worse.properties(compared)
    assert properties["difference"].startswith("-0.45")
    assert properties["difference_interval"].startswith("[-0.")
    assert properties["score"] == "0.5"
    assert properties["interval"].startswith("[0.")
    assert properties["margin"] == "0.2"
    assert "threshold" not in properties


@pytest.mark.parametrize(
    ("arguments", "change", "words"),
    [
        pytest.param((), {"added": True}, "40 cases in common (1 new)", id="added"),
        pytest.param((), {"removed": True}, "39 cases in common (1 in", id="removed"),
        pytest.param((), {"changed": True}, "39 cases in common (1 changed)", id="changed"),
        pytest.param(("--evalkit-sample=0.5",), {}, "20 cases in common (20 in", id="sample"),
    ],
)
def test_a_baseline_compares_on_the_cases_in_common(
    run: Runner, arguments: tuple[str, ...], change: dict[str, bool], words: str
) -> None:
    gate = "no_regression(text.exact_match, margin=0.2)"
    place = "--evalkit-baseline={suite}.baseline.json"
    run(place, "--evalkit-update-baseline", files=files(38, gate))
    lines = stored(38).splitlines(keepends=True)
    lines += [lines[0].replace("s0", "s99").replace("q0", "q99")] * change.get("added", False)
    del lines[0 : change.get("removed", False)]
    if change.get("changed"):
        lines[0] = lines[0].replace("q0", "another question")
    report = "--evalkit-report=report.md"
    ran = run(place, report, *arguments, files={"stored.jsonl": "".join(lines)})

    condition = f"test_quality[{gate}]"
    assert ran.outcomes[condition] == "passed", ran.text(condition)
    comment = (ran.folder / "report.md").read_text("utf-8").replace("\\", "")
    assert words in comment
    assert "against qa.baseline.json (20" in comment
    assert "Not compared" not in comment


def test_a_registered_model_is_a_baseline(run: Runner) -> None:
    gates = ("text.exact_match >= 0.5", "no_regression(text.exact_match, margin=0.2)")
    compared = "test_quality[no_regression(text.exact_match, margin=0.2)]"
    first = run(files=files(38, *gates))
    with open_store(f"sqlite:///{first.folder}/evalkit.db") as store:
        kept = store.runs.resolve("latest").run_id
        store.versions.create("bot", run_id=kept, aliases=["champion"], create_model=True)
    same = run("--evalkit-baseline=models:/bot@champion")
    worse = run("--evalkit-baseline=models:/bot/1", files=files(20, *gates))
    unknown = run("--evalkit-baseline=models:/bot@champoin")
    unwritten = run("--evalkit-baseline=models:/bot@champion", "--evalkit-update-baseline")

    assert first.outcomes[compared] == "failed"
    assert same.outcomes[compared] == "passed"
    assert worse.outcomes[compared] == "failed"
    assert "Did you mean 'champion'" in unknown.text(compared)
    assert "name its file" in unwritten.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("--evalkit-update-baseline",), "name its file", id="no-file"),
        pytest.param(
            ("-k", "case1", "--evalkit-update-baseline", "--evalkit-baseline=b.json"),
            "only some of the cases were selected",
            id="partial",
        ),
    ],
)
def test_a_baseline_that_cannot_be_written_fails_the_session(
    run: Runner, suite_files: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    suite = suite_files["test_qa.py"].partition("@qa.cases")[0]
    cases = f'{suite}\n@qa.cases()\ndef test_bot(case):\n    return "x"\n'
    ran = run(*arguments, files={**suite_files, "test_qa.py": cases})

    assert told in ran.output
    assert ran.code == 1


HEALTH = """
import evalkit
from evalkit.testing import ScriptedEndpoint

endpoint = ScriptedEndpoint(REPLY)
endpoint.__enter__()
rows = [{"id": f"x{i}", "question": str(i), "output": f"answer {i}"} for i in range(4)]
polite = evalkit.make_judge(name="polite", instructions="Is {{ outputs }} polite?",
                            choices={"yes": 1.0, "no": 0.0}, model="openai/scripted",
                            base_url=endpoint.base_url)
qa = evalkit.suite(rows, [polite], name="qa", runtime=evalkit.Runtime(mode="none"))

@qa.gates("polite >= 0.1 @ point")
def test_quality(evaluation):
    endpoint.__exit__(None, None, None)
"""


@pytest.mark.parametrize(
    ("reply", "outcome", "told"),
    [
        pytest.param(
            '\'{"rationale": "It is.", "verdict": "yes"}\'', "passed", "", id="every-verdict-comes"
        ),
        pytest.param('"It depends."', "failed", "FAIL  0 of 4", id="unreadable"),
    ],
)
def test_the_health_of_a_judge_is_a_test_of_its_own(
    run: Runner, reply: str, outcome: str, told: str
) -> None:
    ran = run(files={"test_qa.py": HEALTH.replace("REPLY", reply)})

    assert ran.outcomes["test_quality[health(polite)]"] == outcome
    assert ran.text("test_quality[health(polite)]").startswith(told)
