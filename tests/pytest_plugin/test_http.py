"""Suites whose code runs on recorded HTTP, as in a pull request without keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.testing import ScriptedEndpoint

pytest.importorskip("httpx")
pytest.importorskip("vcr")

Runner = Callable[..., Any]

SUITE = """
import evalkit, httpx
from pathlib import Path

rows = [{"id": f"q{i}", "question": f"{i}?", "expected": "a"} for i in range(12)]
fine = evalkit.make_judge("fine", "Is {{ outputs }} fine?", choices={"a": 1.0, "b": 0.0},
                          model="openai/judge", base_url="ADDRESS")
qa = evalkit.suite(rows, ["text.exact_match", fine], name="qa",
                   runtime=evalkit.Runtime(recordings="recordings", record_http=True, store=False))

@qa.cases(must="text.exact_match >= 1", repeats=2)
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    prompt = Path("prompt.txt").read_text().format(case.inputs["question"])
    message = {"role": "user", "content": prompt}
    reply = httpx.post("ADDRESS/chat/completions", json={"messages": [message]})
    return reply.json()["choices"][0]["message"]["content"]

@qa.gates("text.exact_match >= 0.5")
def test_quality(evaluation):
    pass
"""


@pytest.fixture
def recorded(run: Runner, tmp_path: Path) -> Any:
    """Record the suite against a server that is then gone."""
    with ScriptedEndpoint("a") as endpoint:
        suite = SUITE.replace("ADDRESS", endpoint.base_url)
        files = {"test_qa.py": suite, "prompt.txt": "Answer: {}"}
        live = run(files=files, environment={"OPENAI_API_KEY": "sk-judge-12345"})
        assert endpoint.calls == 24 + 1  # all answers are equal, and judged once
    assert set(live.outcomes.values()) == {"passed"}
    (tmp_path / "calls.log").unlink()
    return live


@pytest.mark.parametrize("workers", [0, 2])
def test_a_replay_runs_the_code_and_says_so(recorded: Any, run: Runner, workers: int) -> None:
    ran = run(
        *([f"-n{workers}"] if workers else []),
        "--evalkit=replay",
        "--evalkit-report=comment.md",
        environment={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "summary.md"},
        plugins=("xdist",) if workers else (),
    )
    texts = [ran.output, *((ran.folder / f).read_text() for f in ("comment.md", "summary.md"))]

    assert ran.outcomes == recorded.outcomes
    assert ran.calls == sorted([f"q{i}" for i in range(12)] * 2)
    for text in texts:
        assert "24 HTTP replies replayed, recorded 20" in text.replace("\\", "")
        assert "the code that asked ran" in text


def test_a_changed_prompt_is_one_error_with_a_count(recorded: Any, run: Runner) -> None:
    ran = run("--evalkit=replay", files={"prompt.txt": "Answer briefly: {}"})

    assert recorded.code == 0
    assert ran.code == 1
    assert list(ran.outcomes.values()).count("error") == 1
    assert "12 of 12 cases have no recording" in ran.output
    assert "has another body" in ran.output
    assert len(ran.output.splitlines()) <= 60


def test_code_that_breaks_after_the_reply_fails(recorded: Any, run: Runner) -> None:
    code = (recorded.folder / "test_qa.py").read_text()
    broken = code.replace('["content"]\n', '["content"] + "!" * (case.id == "q7")\n')
    ran = run("--evalkit=replay", files={"test_qa.py": broken})

    assert ran.outcomes["test_bot[q7]"] == "failed"
    assert ran.outcomes["test_bot[q8]"] == "passed"
    assert "got 0, 0" in ran.text("test_bot[q7]")
    assert "2 calls are not recorded (q7). Case q7: This call of openai/judge" in ran.output
