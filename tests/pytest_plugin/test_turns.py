"""Sessions, replays, classes, baselines and parts of a suite in pytest."""

from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit._internal.clock import day, now_milliseconds
from evalkit.evaluation.result import EvaluationResult

Runner = Callable[..., Any]

TALK = """
import evalkit
rows = [{"id": f"{s}-{t}", "session": s, "turn": t, "question": f"{s}{t}", "expected": str(t)}
        for s in ("en", "de") for t in range(3)]
qa = evalkit.suite(rows, ["text.exact_match"], name="qa",
                   runtime=evalkit.Runtime(recordings="recordings", store=False))

@qa.cases(must="text.exact_match >= 1", version="v1")
def test_bot(case, history):
    with open("calls.log", "a") as log:
        log.write(f"{case.id}:{len(history)}\\n")
    assert [turn["outputs"] for turn in history] == [str(n) for n in range(case.turn)]
    assert list(case.conversation) == history
    return str(len(history))
"""


def test_a_body_gets_the_earlier_turns(run: Runner) -> None:
    ran = run(files={"test_qa.py": TALK})

    assert list(ran.outcomes.values()) == ["passed"] * 6
    assert "en-2:2" in ran.calls


@pytest.mark.parametrize("mode", ["live", "replay"])
def test_a_selected_turn_gets_its_earlier_turns(run: Runner, mode: str) -> None:
    recorded = run(files={"test_qa.py": TALK})
    (recorded.folder / "calls.log").unlink()
    ran = run("-k", "en-2", f"--evalkit={mode}")

    assert ran.outcomes == {"test_bot[en-2]": "passed"}
    if mode == "live":
        assert ran.calls == ["en-0:0", "en-1:1", "en-2:2"]


def test_a_rerun_turn_gets_its_earlier_turns(run: Runner) -> None:
    pytest.importorskip("pytest_rerunfailures")
    flaky = TALK.replace(
        "return str",
        'import pathlib\n    seen = pathlib.Path("seen")\n'
        '    if case.id == "de-2" and not seen.exists():\n'
        '        seen.touch()\n        return "no"\n    return str',
    )
    ran = run(
        "--reruns=1", "--evalkit=none", files={"test_qa.py": flaky}, plugins=("rerunfailures",)
    )

    assert ran.code == 0
    assert ran.calls.count("de-2:2") == 2


def test_the_last_failed_turn_gets_its_earlier_turns(run: Runner) -> None:
    wrong = TALK.replace("return str(len(history))", 'return "0"').replace(
        "    assert [turn", "    history or [turn"
    )
    run("-pcacheprovider", files={"test_qa.py": wrong})
    ran = run("-pcacheprovider", "--lf", "--evalkit=replay")

    assert set(ran.outcomes.values()) == {"failed"}
    assert len(ran.outcomes) == 4


PLAIN = """
import evalkit
rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a", "kind": "b"} for i in range(20)]
qa = evalkit.suite(rows, SCORERS, name="qa",
                   runtime=evalkit.Runtime(recordings="recordings"))

@qa.cases(version=VERSION)
def test_bot(case):
    return "a" if case.id != "q3" else "b"

@qa.gates(GATES)
def test_quality(evaluation):
    pass
"""


GATE = "test_quality[text.exact_match >= 0.5]"


def plain(
    gates: str = "'text.exact_match >= 0.5'",
    version: str = "'v1'",
    scorers: str = "['text.exact_match']",
) -> str:
    return PLAIN.replace("GATES", gates).replace("VERSION", version).replace("SCORERS", scorers)


def test_a_replay_says_that_it_ran_no_code(run: Runner) -> None:
    live = run("--evalkit-report=comment.md", files={"test_qa.py": plain()})
    first = (live.folder / "comment.md").read_text()
    ran = run("--evalkit=replay", "--evalkit-report=comment.md")
    comment = (ran.folder / "comment.md").read_text().replace("\\", "")
    today = day(now_milliseconds())

    assert "replayed" not in first
    for text in (ran.output, comment):
        assert "20 of 20 outputs replayed, recorded " in text
        assert today in text
        assert "as v1; the code behind them was not run" in text
    assert "20 of 20 outputs replayed" in ran.properties(GATE)["notes"]


def test_a_version_of_files_outlives_commits_and_sees_changes(run: Runner, tmp_path: Any) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "prompt.txt").write_text("good")
    version = "'files:app/**, *.toml'"
    run(files={"test_qa.py": plain(version=version)})
    same = run("--evalkit=replay")
    (tmp_path / "app" / "prompt.txt").write_text("BAD")
    changed = run("--evalkit=replay")

    assert same.code == 0
    assert changed.code == 1
    assert "another version" in changed.output


METHOD = """
import evalkit
rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a"} for i in range(3)]
qa = evalkit.suite(rows, ["text.exact_match"], name="qa")

class TestGate:
    @qa.gates("text.exact_match >= 0.9 @ point")
    def test_quality(self, evaluation):
        pass

class TestBot:
    @classmethod
    def setup_class(cls):
        cls.greeting = "a"

    def setup_method(self):
        self.answer = self.greeting

    @qa.cases(must="text.exact_match >= 1")
    def test_bot(self, case):
        return self.answer
"""


@pytest.mark.parametrize("selected", ["TestGate", "TestBot", "Test"])
def test_methods_have_their_setup_whichever_item_comes_first(run: Runner, selected: str) -> None:
    ran = run("-k", selected, files={"test_qa.py": METHOD})

    assert set(ran.outcomes.values()) == {"passed"}


def test_a_missing_baseline_file_is_the_trouble_of_gates_that_compare(run: Runner) -> None:
    gates = "'text.exact_match >= 0.5', 'no_regression(text.exact_match, margin=0.1)'"
    ran = run("--evalkit-baseline={suite}.json", files={"test_qa.py": plain(gates)})
    failed = [name for name, outcome in ran.outcomes.items() if outcome != "passed"]

    assert failed == ["test_quality[no_regression(text.exact_match, margin=0.1)]"]
    assert "qa.json" in ran.text(failed[0])


def test_a_baseline_is_named_by_file_and_day_and_holds_statistics(run: Runner) -> None:
    scorers = "['classification.accuracy', 'classification.balanced_accuracy']"
    gates = "'no_regression(classification.balanced_accuracy, margin=0.2)'"
    update = ("--evalkit-baseline=qa.baseline.json", "--evalkit-update-baseline")
    run(*update, files={"test_qa.py": plain(gates, scorers=scorers)})
    ran = run(update[0])
    today = day(now_milliseconds())
    gate = "test_quality[no_regression(classification.balanced_accuracy, margin=0.2)]"

    assert "holds no statistics" not in ran.text(gate)
    with evalkit.tracking.use_place(evalkit.tracking.Place(f"sqlite:///{ran.folder}/evalkit.db")):
        conditions = EvaluationResult.load("latest").verdict.conditions
    assert f"against qa.baseline.json ({today}" in conditions[0].why


def test_a_sample_does_not_overwrite_a_baseline(run: Runner) -> None:
    update = ("--evalkit-baseline=qa.baseline.json", "--evalkit-update-baseline")
    first = run(*update, files={"test_qa.py": plain()})
    written = (first.folder / "qa.baseline.json").read_bytes()
    ran = run(*update, "--evalkit-sample=0.5")

    assert ran.code == 1
    assert "are a sample" in ran.output
    assert (first.folder / "qa.baseline.json").read_bytes() == written


def test_lost_cases_do_not_overwrite_a_baseline(run: Runner) -> None:
    update = ("--evalkit-baseline=qa.baseline.json", "--evalkit-update-baseline")
    first = run(*update, files={"test_qa.py": plain()})
    written = (first.folder / "qa.baseline.json").read_bytes()
    lost = plain(version="'v2'").replace(
        'return "a"', 'raise ConnectionError("no")\n    return "a"'
    )
    ran = run(*update, files={"test_qa.py": lost})

    assert "cases were lost or not run" in ran.output
    assert (first.folder / "qa.baseline.json").read_bytes() == written


def test_parts_of_a_suite_say_that_their_gates_wait_and_merge(run: Runner) -> None:
    halves = [" or ".join(f"[q{i}]" for i in part) for part in (range(10), range(10, 20))]
    folders = list[EvaluationResult]()
    for half in halves:
        ran = run("-k", half, "--evalkit=none", files={"test_qa.py": plain()})
        assert "Not judged: 1 gate, since 10 of 20 cases ran here" in ran.output
        with evalkit.tracking.use_place(
            evalkit.tracking.Place(f"sqlite:///{ran.folder}/evalkit.db")
        ):
            folders.append(EvaluationResult.load("latest"))
    whole = evalkit.merge(folders)

    assert len(whole) == 20
    assert str(whole.verdict.status) == "PASS"
    assert [c.condition for c in whole.verdict.conditions] == ["text.exact_match >= 0.5"]
