"""What is absent is a failure, by whatever door it came; what infrastructure lost is nobody's."""

# ruff: noqa: ARG001, ARG002, ARG005  targets and scorers are called by the names of their parameters

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import aiohttp
import httpx
import numpy as np
import openai
import pytest
import requests
import urllib3

import evalkit
from evalkit import scorer
from evalkit.entities.infrastructure import infrastructure_reason
from evalkit.errors import TargetError

OFF = evalkit.Runtime(store=False, progress=False)
N = 30


def rows(output: Callable[[int], Any] | None = None, **more: Any) -> list[dict[str, Any]]:
    given = [{"id": f"c{i}", "question": f"q{i}", "expected": "a", **more} for i in range(N)]
    return given if output is None else [r | {"output": output(i)} for i, r in enumerate(given)]


def counts(result: Any, key: str = "text.exact_match") -> tuple[int, int, int]:
    estimate = result[key]
    return estimate.n_scored, estimate.n_skipped, estimate.n_failed


def reasons(result: Any) -> set[str]:
    return set(result.failures().reason)


# Answers


@pytest.mark.parametrize("door", ["list", "jsonl", "parquet", "frame", "live"])
def test_a_null_answer_fails_by_every_door(door: str, tmp_path: Path) -> None:
    import pandas as pd

    data: Any = rows(lambda i: "a" if i < 23 else None)
    model: Callable[[str], str | None] | None = None

    def bot(question: str) -> str | None:
        return "a" if int(question[1:]) < 23 else None

    if door == "jsonl":
        pd.DataFrame(data).to_json(tmp_path / "d.jsonl", orient="records", lines=True)
        data = str(tmp_path / "d.jsonl")
    elif door == "parquet":
        pd.DataFrame(data).to_parquet(tmp_path / "d.parquet")
        data = str(tmp_path / "d.parquet")
    elif door == "frame":
        data = pd.DataFrame(data)
    elif door == "live":
        data, model = rows(), bot

    result = evalkit.evaluate(
        model, data, ["text.exact_match"], gates="text.exact_match >= 0.5", runtime=OFF
    )

    assert counts(result) == (23, 0, 7)
    assert result["text.exact_match"].coverage == pytest.approx(23 / 30)
    assert result.verdict.status == "FAIL"
    assert reasons(result) == {"empty"}


def test_an_empty_cell_of_a_csv_is_an_empty_answer(tmp_path: Path) -> None:
    lines = [f"q{i},a,{'a' if i % 3 else ''}" for i in range(N)]
    (tmp_path / "d.csv").write_text("\n".join(["question,expected,output", *lines]))

    result = evalkit.evaluate(data=str(tmp_path / "d.csv"), scorers="text.exact_match", runtime=OFF)

    assert counts(result) == (N, 0, 0)
    assert result["text.exact_match"].value == pytest.approx(2 / 3)


def test_a_case_of_another_task_is_skipped_whether_it_was_answered_or_not() -> None:
    def task(i: int) -> dict[str, Any]:
        facts = {"expected_facts": ["f"], "other": 1}
        return facts if i % 2 else {"expected_response": "a"}

    def bot(question: str) -> str:
        raise ValueError("a bug")

    data = [{"inputs": {"question": f"q{i}"}, "expectations": task(i)} for i in range(N)]
    live = evalkit.evaluate(bot, data, "text.exact_match", runtime=OFF)
    stored = evalkit.evaluate(
        data=[row | {"outputs": None if i else "a"} for i, row in enumerate(data)],
        scorers="text.exact_match",
        runtime=OFF,
    )

    assert counts(live) == (0, N // 2, N // 2)
    assert counts(stored) == (1, N // 2, N // 2 - 1)


def test_a_part_of_the_answer_that_is_null_is_no_answer() -> None:
    read = evalkit.get_scorer("text.exact_match", reads={"outputs": "outputs.answer"})

    def bot(question: str) -> dict[str, Any]:
        return {"answer": None if question == "q0" else "a"}

    stored = [row | {"output": bot(row["question"])} for row in rows()]

    for result in (
        evalkit.evaluate(bot, rows(), read, runtime=OFF),
        evalkit.evaluate(data=stored, scorers=read, runtime=OFF),
    ):
        assert counts(result) == (N - 1, 0, 1)


def test_what_needs_no_answer_is_scored_without_one() -> None:
    @scorer
    def long(inputs: dict[str, Any]) -> bool:
        return len(inputs["question"]) > 2

    data = rows(lambda i: None if i < 10 else "a")
    result = evalkit.evaluate(data=data, scorers=[long, "text.exact_match"], runtime=OFF)

    assert counts(result, "long") == (N, 0, 0)
    assert counts(result) == (20, 0, 10)
    assert (result.table()["target_status"] == "failed").sum() == 10


def test_a_trace_that_ended_in_an_error_is_a_failure_as_live() -> None:
    def trace(i: int) -> dict[str, Any]:
        crashed = i % 2 == 0
        root = {
            "span_id": "a",
            "name": "agent",
            "span_type": "AGENT",
            "inputs": {"question": f"q{i}"},
            "outputs": "half an a" if crashed else "a",
            "status": "ERROR" if crashed else "OK",
            "start_ns": 0,
            "end_ns": 10**9,
        }
        return {"trace_id": f"tr-{i}", "spans": [root]}

    regex = evalkit.get_scorer("text.regex", pattern="a")
    result = evalkit.evaluate(
        data=[trace(i) for i in range(N)],
        scorers=[regex, "operations.latency"],
        gates="text.regex >= 0.5",
        runtime=OFF,
    )

    assert counts(result, "text.regex") == (15, 0, 15)
    assert counts(result, "operations.latency") == (N, 0, 0)
    assert reasons(result) == {"target_error"}
    assert result.verdict.status == "FAIL"


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, None])
def test_predictions_that_are_no_number_lower_the_coverage(value: float | None) -> None:
    data = [{"x": i, "target": 1.0, "prediction": 1.0 if i % 2 else value} for i in range(N)]
    stored = evalkit.evaluate(
        data=data, scorers="regression.mae", gates="coverage >= 0.98", runtime=OFF
    )

    assert counts(stored, "regression.mae") == (15, 0, 15)
    assert stored.verdict.status == "FAIL"


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_prediction_that_is_no_number_fails_live_and_is_shown(value: float) -> None:
    def model(x: int) -> float:
        return 1.0 if x % 2 else value

    data = [{"x": i, "target": 1.0} for i in range(N)]
    result = evalkit.evaluate(model, data, "regression.mae", columns={"inputs": ["x"]}, runtime=OFF)

    assert counts(result, "regression.mae") == (15, 0, 15)
    assert f"returned {value}" in result.failures().explanation[0]


def test_a_mapping_without_its_label_states_none() -> None:
    def labelled(i: int) -> Any:
        return {"label": None if i < 3 else "a", "confidence": 1}

    result = evalkit.evaluate(data=rows(labelled), scorers="classification.accuracy", runtime=OFF)

    assert counts(result, "classification.accuracy") == (N - 3, 0, 3)


# Without gates


def test_without_gates_there_is_no_verdict_anywhere(tmp_path: Path) -> None:
    runtime = evalkit.Runtime(store=f"sqlite:///{tmp_path}/e.db", progress=False)
    result = evalkit.evaluate(
        data=rows(lambda _: "b"), scorers="text.exact_match", name="r", runtime=runtime
    )
    loaded = evalkit.EvaluationResult.load("r", store=f"sqlite:///{tmp_path}/e.db")

    assert str(result.verdict.status) == str(loaded.verdict.status) == "NONE"
    assert repr(result).endswith("NONE>")
    assert '"verdict":"NONE"' in result.report(tmp_path / "r.json").read_text().replace(" ", "")
    assert "PASS" not in str(result)
    assert "PASS" not in result.report(tmp_path / "r.md").read_text()


def test_a_run_in_which_nothing_was_scored_passes_nothing() -> None:
    def bot(question: str) -> str:
        raise ConnectionError("down")

    gates = ["cost <= 5", "coverage >= 0.01", "text.exact_match >= 0.1"]
    result = evalkit.evaluate(bot, rows(), "text.exact_match", gates=gates, runtime=OFF)

    assert "PASS" not in {c.status for c in result.verdict.conditions}
    assert result.verdict.status == "INFRA"


# Repeats


@pytest.mark.parametrize("reducer", ["pass_at_k(2)", "pass_hat_k(2)", "at_least(2)"])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(ConnectionError("down"), (0, 0, 2), id="lost"),
        pytest.param(TargetError("rate_limited", "slow"), (0, 0, 2), id="rate-limited"),
        pytest.param(ValueError("bug"), (N, 0, 0), id="own"),
        pytest.param(None, (N, 0, 0), id="empty"),
    ],
)
def test_counting_reducers_take_the_targets_own_error_as_a_miss(
    reducer: str, error: Exception | None, expected: tuple[int, int, int]
) -> None:
    def bot(question: str) -> None:
        if error is not None:
            raise error

    # Two cases, so that an outage does not end the run.
    data = rows() if expected[0] else rows()[:2]
    result = evalkit.evaluate(
        bot, data, "text.exact_match", repeats=3, reducer=reducer, runtime=OFF
    )

    assert counts(result) == expected
    assert result["text.exact_match"].value == (0.0 if expected[0] else None)


@pytest.mark.parametrize(
    ("facts", "reducer", "value"),
    [
        pytest.param({"low": 1, "high": 5}, "pass_at_k(1)", 0.0, id="the-best-of-the-range"),
        pytest.param({"low": 1, "high": 5}, "pass_at_k(1, threshold=4)", 1.0, id="a-threshold"),
        pytest.param({"low": 1, "high": 5}, "at_least(2, threshold=4.5)", 0.0, id="above-it"),
        pytest.param({"low": 0, "direction": "lower"}, "pass_at_k(1)", 0.0, id="lower-is-better"),
        pytest.param(
            {"low": 0, "direction": "lower"}, "at_least(2, threshold=4)", 1.0, id="lower-threshold"
        ),
        pytest.param({}, "pass_at_k(1)", None, id="no-range-says-nothing"),
        pytest.param({}, "pass_at_k(1, threshold=3)", 1.0, id="no-range-but-a-threshold"),
        pytest.param({"low": 0, "high": 9, "unit": "seconds"}, "pass_at_k(1)", 4.0, id="amounts"),
    ],
)
def test_a_pass_goes_by_range_and_direction_or_a_stated_threshold(
    facts: dict[str, Any], reducer: str, value: float | None
) -> None:
    @scorer(**facts)
    def four(outputs: str) -> Any:
        return 4.0

    result = evalkit.evaluate(
        lambda question: "a", rows(), four, repeats=2, reducer=reducer, runtime=OFF
    )
    estimate = result["four"]

    assert estimate.value == value
    if value is None:
        assert "threshold" in (estimate.note or "")
    elif "unit" not in facts:
        assert estimate.direction == "higher"


def test_a_reducer_with_a_threshold_has_a_key() -> None:
    result = evalkit.evaluate(
        lambda question: "a",
        rows(),
        "text.token_f1",
        repeats=2,
        reducer=["mean", "pass_at_k(2, threshold=0.5)"],
        gates="text.token_f1.pass_at_k(2, threshold=0.5) >= 0.5",
        runtime=OFF,
    )

    assert result["text.token_f1.pass_at_k(2, threshold=0.5)"].value == 1.0
    assert result.verdict.status == "PASS"


# Infrastructure


def status_error(status: int) -> Exception:
    request = httpx.Request("GET", "http://x")
    return httpx.HTTPStatusError("s", request=request, response=httpx.Response(status))


def refused(status: int) -> Exception:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError("s", response=response)


def wrapped(cause: Exception) -> Exception:
    error = RuntimeError("the client failed")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError("no"), "connection"),
        (TimeoutError("late"), "timeout"),
        (httpx.ConnectError("no"), "connection"),
        (httpx.ReadTimeout("late"), "timeout"),
        (httpx.UnsupportedProtocol("a bug"), None),
        (status_error(503), "provider_error"),
        (status_error(429), "rate_limited"),
        (status_error(404), None),
        (requests.ConnectionError("no"), "connection"),
        (requests.Timeout("late"), "timeout"),
        (refused(500), "provider_error"),
        (refused(400), None),
        (urllib3.exceptions.ProtocolError("no"), "connection"),
        (aiohttp.ServerDisconnectedError("no"), "connection"),
        (openai.APIConnectionError(request=cast("Any", None)), "connection"),
        (wrapped(httpx.ConnectError("no")), "connection"),
        (wrapped(KeyError("bug")), None),
        (ExceptionGroup("g", [TimeoutError(), ConnectionError()]), "timeout"),
        (ExceptionGroup("g", [TimeoutError(), KeyError()]), None),
        (ValueError("bug"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_errors_of_the_way_are_told_from_the_targets_own(
    error: Exception, reason: str | None
) -> None:
    assert infrastructure_reason(error) == reason

    def bot(question: str) -> str:
        raise error

    result = evalkit.evaluate(
        bot, rows(), "text.exact_match", gates="text.exact_match >= 0.5", runtime=OFF
    )

    assert result.verdict.status == ("FAIL" if reason is None else "INFRA")
    assert reasons(result) == {reason or "target_error"}


def test_a_class_is_known_by_its_path_without_its_library() -> None:
    kind = type("OverloadedError", (Exception,), {"__module__": "anthropic._exceptions"})
    base = type("InternalServerError", (Exception,), {"__module__": "anthropic._exceptions"})
    derived = type("OverloadedError", (base,), {"__module__": "anthropic._exceptions"})

    assert infrastructure_reason(kind()) is None
    assert infrastructure_reason(derived()) == "provider_error"


def test_a_project_names_errors_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class BackendDownError(Exception):
        pass

    path = f"{BackendDownError.__module__}.{BackendDownError.__qualname__}"
    assert infrastructure_reason(BackendDownError()) is None
    (tmp_path / "app").mkdir()
    (tmp_path / "pyproject.toml").write_text(f"[tool.evalkit]\ninfrastructure = ['{path}']\n")
    monkeypatch.chdir(tmp_path / "app")
    assert infrastructure_reason(BackendDownError()) == "connection"


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        pytest.param(ConnectionError("down"), "INFRA", "earlier_turn_lost", id="lost"),
        pytest.param(ValueError("bug"), "FAIL", "earlier_turn", id="own"),
    ],
)
def test_a_turn_that_was_not_asked_inherits_the_cause(
    error: Exception, verdict: str, reason: str
) -> None:
    def bot(question: str) -> str:
        raise error

    data = [row | {"session": f"s{i // 3}"} for i, row in enumerate(rows()[:9])]
    result = evalkit.evaluate(
        bot, data, "text.exact_match", gates="text.exact_match >= 0.5", runtime=OFF
    )

    assert result.verdict.status == verdict
    assert list(result.failures().reason).count(reason) == 6
    assert result.usage["target"].calls == 3


def test_a_scorer_that_cannot_reach_its_server_is_no_bad_scorer() -> None:
    @scorer
    def embedded(outputs: str) -> float:
        raise httpx.ConnectError("down")

    result = evalkit.evaluate(
        data=rows(lambda _: "a"), scorers=embedded, gates="embedded >= 0.5", runtime=OFF
    )

    assert reasons(result) == {"connection"}
    assert result.verdict.status == "INFRA"


def test_an_estimator_whose_server_is_down_is_infrastructure() -> None:
    class Remote:
        def fit(self, X: Any, y: Any = None) -> Remote:  # noqa: N803  scikit-learn's words
            return self

        def predict(self, X: Any) -> Any:  # noqa: N803
            raise requests.ConnectionError("down")

    result = evalkit.evaluate(
        Remote(),
        (np.arange(20.0).reshape(-1, 1), np.ones(20)),
        "regression.mae",
        gates="regression.mae <= 1",
        runtime=OFF,
    )

    assert result.verdict.status == "INFRA"
