"""A judge of traces that is killed goes on where it was: no turn of it is asked for twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.entities.trace import Span, Trace
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

TRACES = 12
ROUNDS = 2
CONCURRENCY = 4
PROGRAM = """
import sys
import evalkit

text = "Did {{ trace }} work?"
judge = evalkit.make_judge("worked", text, model="scripted", base_url=sys.argv[1])
evalkit.evaluate(
    data="traces.jsonl", scorers=[judge], name="killed", runtime=evalkit.Runtime(concurrency=4)
)
"""


def write_traces(folder: Path) -> None:
    lines: list[str] = []
    for i in range(TRACES):
        root = Span(trace_id=f"t{i}", span_id=f"r{i}", name="agent", inputs={"q": f"question {i}"})
        failing = Span(
            trace_id=f"t{i}",
            span_id=f"x{i}",
            name="tool",
            parent_id=f"r{i}",
            status="ERROR" if i % 3 == 0 else "OK",
            outputs={"told": f"outcome {i}"},
        )
        lines.append(json.dumps(Trace(trace_id=f"t{i}", spans=(root, failing)).to_json()))
    (folder / "traces.jsonl").write_text("\n".join(lines), encoding="utf-8")


def model(request: SeenRequest) -> Any:
    """Search, open what was found, and judge: three answers a trace at most."""
    told = [str(m["content"]) for m in request.messages if m["role"] == "tool"]
    if not told:
        return Reply(value=None, tool_calls=[{"name": "list_spans", "arguments": {}}])
    span = next(part for part in told[0].split('"') if part.startswith("x"))
    if len(told) == 1:
        return Reply(value=None, tool_calls=[{"name": "get_span", "arguments": {"span_id": span}}])
    bad = '"status": "ERROR"' in told[1]
    return {"rationale": told[1], "span_id": span, "verdict": "no" if bad else "yes"}


def scored(result: evalkit.EvaluationResult) -> list[tuple[Any, ...]]:
    return [
        (said.trace_id, said.span_id, said.value, said.rationale) for said in result.assessments()
    ]


@pytest.mark.parametrize("moment", [1, 7, 20, 33])
def test_a_killed_judge_of_traces_resumes_to_equal_scores(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    evalkit.tracking.set_tracking_uri(None)
    write_traces(tmp_path)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    program: list[subprocess.Popen[bytes]] = []

    def killing(request: SeenRequest) -> Any:
        if request.number == moment:
            program[0].send_signal(signal.SIGKILL)
        return model(request)

    with ScriptedEndpoint(killing, latency_seconds=0.02) as endpoint:
        program.append(
            subprocess.Popen([sys.executable, "program.py", endpoint.base_url], cwd=tmp_path)
        )
        assert program[0].wait() == -signal.SIGKILL
        (tmp_path / "traces.jsonl").unlink()  # the snapshot has the traces
        resumed = evalkit.resume("killed")
        calls = endpoint.calls

        write_traces(tmp_path)
        judge = evalkit.make_judge(
            "worked", "Did {{ trace }} work?", model="scripted", base_url=endpoint.base_url
        )
        whole = evalkit.evaluate(
            data="traces.jsonl", scorers=[judge], runtime=evalkit.Runtime(store=False)
        )

    assert scored(resumed) == scored(whole)
    assert calls <= TRACES * (ROUNDS + 1) + CONCURRENCY
    kept = evalkit.tracing.assessments(run_id=resumed.run_id)
    assert sorted(str(one.trace_id) for one in kept) == sorted(f"t{i}" for i in range(TRACES))
