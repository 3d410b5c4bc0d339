"""Traces of every form, as entities and as cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.data.traces import is_trace, read_trace, read_traces, trace_if_any
from evalkit.data.traces.rows import trace_row
from evalkit.entities.trace import Span, Trace
from evalkit.errors import DataError, TraceError

FILES = Path(__file__).parent / "traces"


def written(name: str) -> Any:
    return json.loads((FILES / name).read_text(encoding="utf-8"))


def spans(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"trace_id": "t", "spans": [{"name": row["span_id"], **row} for row in rows]}


@pytest.mark.parametrize("name", ["mlflow_object.json", "mlflow_rest.json"])
def test_a_trace_of_mlflow_is_read_in_both_of_its_forms(name: str) -> None:
    trace = read_trace(written(name))

    assert trace.trace_id == "tr-52891693b913136c1c3ff0839a43fa68"
    assert [(s.name, s.span_type, s.status) for s in trace.spans] == [
        ("agent", "AGENT", "OK"),
        ("retrieve", "RETRIEVER", "OK"),
        ("lookup", "TOOL", "OK"),
        ("lookup", "TOOL", "ERROR"),
        ("chat", "CHAT_MODEL", "OK"),
    ]
    assert {s.parent_id for s in trace.spans} == {None, "00a57613c5e20cd6"}
    assert trace.spans[2].outputs == {"population": 10}
    assert trace.spans[3].status_message == "KeyError: 'no such city'"
    assert trace.spans[3].events[0].name == "exception"
    assert (trace.session, trace.status) == ("s-1", "OK")
    assert trace.duration_seconds == pytest.approx(0.3148, abs=1e-4)
    said = {one.name: one for one in trace.assessments}
    assert (said["correct"].value, said["correct"].span_id) == (True, "00a57613c5e20cd6")
    assert (said["expected_response"].kind, said["expected_response"].value) == (
        "expectation",
        "Lima",
    )
    assert said["broken"].error is not None
    assert said["broken"].error.error_code == "ValueError"


def test_both_forms_of_mlflow_say_the_same() -> None:
    one, other = (read_trace(written(f"mlflow_{form}.json")) for form in ("object", "rest"))

    assert one.spans == other.spans
    assert one.assessments == other.assessments


def test_an_export_of_opentelemetry_holds_several_traces() -> None:
    weather, question = read_traces(written("otlp.json"))

    assert [s.span_type for s in weather.spans] == ["AGENT", "CHAT_MODEL", "TOOL"]
    assert weather.session == "conv-9"
    assert weather.spans[2].inputs == {"city": "Oslo"}
    assert [s.span_type for s in question.spans] == ["CHAIN", "RETRIEVER", "LLM"]
    assert (question.session, question.status) == ("s-oi", "ERROR")
    assert question.spans[2].inputs == [{"role": "user", "content": "Who wrote it?"}]
    assert question.metadata == {"service.name": "qa-bot"}


def test_a_trace_fills_the_fields_of_a_case() -> None:
    weather, question = (trace_row(trace) for trace in read_traces(written("otlp.json")))

    assert weather["tool_calls"] == [
        {"name": "weather", "arguments": {"city": "Oslo"}, "result": "rain"}
    ]
    # The agent's span repeats the tokens of the model's, which must not count twice.
    assert weather["usage"] == {"input_tokens": 30, "output_tokens": 12}
    assert "cost" not in weather
    assert question["inputs"] == {"input": "Who wrote it?"}
    assert question["outputs"] == "Eliot"
    assert question["retrieved_context"] == [
        "Middlemarch is by George Eliot.",
        "Eliot was born in 1819.",
    ]
    assert (question["latency_seconds"], question["cost"]) == (0.5, 0.25)


def test_labels_and_expectations_of_people_come_with_the_trace() -> None:
    row = trace_row(read_trace(written("mlflow_object.json")))

    assert row["labels"] == {"correct": True}
    assert row["expectations"] == {"expected_response": "Lima"}
    assert row["tags"] == {"region": "south"}
    assert row["tool_calls"][1]["error"] == "KeyError: 'no such city'"


@pytest.mark.parametrize("name", ["mlflow_object.json", "mlflow_rest.json", "otlp.json"])
def test_a_file_of_one_trace_is_data(name: str, tmp_path: Path) -> None:
    found = spool(FILES / name, tmp_path)

    assert found.n == (2 if name == "otlp.json" else 1)
    assert {"inputs", "outputs", "trace", "session", "tool_calls"} <= found.fields
    assert all(isinstance(case.trace, Trace) for case in found.batch(0, found.n))


def test_lines_of_traces_are_data(tmp_path: Path) -> None:
    lines = [json.dumps(written(name)) for name in ("otlp.json", "mlflow_rest.json")]
    (tmp_path / "traces.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found = spool(tmp_path / "traces.jsonl", tmp_path / "out")

    # A trace of OTLP is whole at the end of the file, and not before.
    assert [case.session for case in found.batch(0, 3)] == ["s-1", "conv-9", "s-oi"]


class MlflowLike:
    """Stands for MLflow's class, which the tests cannot install: its name, module and method."""

    def to_dict(self) -> Any:
        return written("mlflow_object.json")


MlflowLike.__name__, MlflowLike.__module__ = "Trace", "mlflow.entities.trace"


def test_objects_in_memory_are_data(tmp_path: Path) -> None:
    given = [MlflowLike(), read_traces(written("otlp.json"))[0]]
    found = spool(given, tmp_path)

    traces = [case.trace for case in found.batch(0, 2)]
    assert [trace.spans[0].span_type for trace in traces] == ["AGENT", "AGENT"]
    assert traces[1] == given[1]


def test_the_snapshot_keeps_a_trace_whole(tmp_path: Path) -> None:
    trace = read_trace(written("mlflow_object.json"))
    spool([{"question": "q", "trace": trace}, {"question": "r", "trace": "opaque"}], tmp_path)
    kept = Spool.open(tmp_path / "cases.parquet").values("trace")

    assert kept == [trace, "opaque"]


def test_a_trace_in_a_column_of_texts_is_read(tmp_path: Path) -> None:
    text = json.dumps(written("mlflow_rest.json"))
    found = spool([{"question": "q", "trace": text}], tmp_path)

    assert found.values("trace")[0].session == "s-1"


def test_the_frame_of_mlflows_search_is_data(tmp_path: Path) -> None:
    import pandas as pd

    text = json.dumps(written("mlflow_object.json"))
    row = {"trace_id": "t", "trace": text, "request": "q", "response": "r", "trace_metadata": {}}
    found = spool(pd.DataFrame([{**row, "spans": [], "tags": {}, "assessments": []}]), tmp_path)

    assert found.values("inputs") == [{"question": "What is the capital of Peru?"}]
    assert found.values("labels") == [{"correct": True}]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param(
            spans({"span_id": "a", "parent_id": "b"}, {"span_id": "b", "parent_id": "a"}),
            "circle",
            id="circle",
        ),
        pytest.param(spans({"span_id": "a", "parent_id": "a"}), "circle", id="own-parent"),
        pytest.param(spans({"span_id": "a"}, {"span_id": "a"}), "several spans", id="twice"),
        pytest.param(spans({"span_id": "a", "start_ns": "noon"}), "no whole number", id="time"),
        pytest.param(
            {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]},
            "no traceId",
            id="otlp-without-ids",
        ),
        pytest.param({"evalkit_trace": 99, "spans": []}, "newer evalkit", id="newer"),
    ],
)
def test_a_broken_trace_is_an_error_that_says_why_and_where(
    broken: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(TraceError, match=said):
        read_trace(broken)
    lines = [json.dumps(written("mlflow_rest.json")), json.dumps(broken)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=rf"t\.jsonl, line 2: .*{said}"):
        spool(tmp_path / "t.jsonl", tmp_path / "out")


def test_a_row_that_is_no_trace_among_traces_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: a mapping with the keys question is no trace"):
        spool([written("mlflow_rest.json"), {"question": "Why?"}], tmp_path)


def test_orphans_are_kept_and_told_of() -> None:
    trace = read_trace(spans({"span_id": "a"}, {"span_id": "b", "parent_id": "gone"}))

    assert [span.span_id for span in trace.spans] == ["a", "b"]
    assert trace.notes == ("1 of 2 spans have an absent parent: b",)
    assert trace.root is not None
    assert trace.root.span_id == "a"


def test_ids_that_are_numbers_make_a_tree() -> None:
    rows = [{"span_id": n, "parent_id": n - 1 if n else None, "name": "x"} for n in range(3)]
    trace = read_trace({"spans": rows})

    assert [(s.span_id, s.parent_id) for s in trace.spans] == [("0", None), ("1", "0"), ("2", "1")]
    assert trace.notes == ()


@pytest.mark.parametrize("value", [None, 3, "text", {}, {"spans": []}, {"info": {}}, [1]])
def test_other_values_are_no_traces(value: Any) -> None:
    assert not is_trace(value)
    with pytest.raises(TraceError):
        read_trace(value)


def test_a_deeply_nested_value_is_an_error_and_no_crash() -> None:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(100):
        value = {"arrayValue": {"values": [value]}}
    raw = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": [{"key": "k", "value": value}]}
    with pytest.raises(TraceError, match="too deeply"):
        read_trace({"resourceSpans": [{"scopeSpans": [{"spans": [raw]}]}]})


def nested(depth: int, key: str, value: Any) -> Any:
    for _ in range(depth):
        value = {key: value}
    return value


def otlp(value: dict[str, Any]) -> dict[str, Any]:
    raw = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": [{"key": "k", "value": value}]}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [raw]}]}]}


def assessed(**said: Any) -> dict[str, Any]:
    return {**spans({"span_id": "a"}), "assessments": [{"name": "n", "value": 1, **said}]}


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (spans({"span_id": "a", "start_ns": 10**400}), "no whole number of 64 bits"),
        (spans({"span_id": "a", "start_ns": 10**5000}), "no whole number of 64 bits"),
        (spans({"span_id": "a", "start_ns": "9" * 400}), "no whole number of 64 bits"),
        (spans({"span_id": "a", "start_ns": float("inf")}), "inf is no whole number"),
        ({"spans": [{"span_id": "a", "name": "x", "inputs": nested(600, "k", 1)}]}, "too deeply"),
        (otlp({"doubleValue": "abc"}), "'abc' is no number"),
        (otlp({"doubleValue": [1]}), "is no number"),
        (otlp({"doubleValue": 10**400}), "is no number"),
        (assessed(create_time=float("inf")), "inf is no whole number"),
        (nested(990, "trace", spans({"span_id": "a"})), "is no trace"),
        (spans({"span_id": "a", "attributes": {"llm.cost.total": 1}, "events": 3}), None),
        (spans({"span_id": "a", "attributes": {f"llm.input_messages.{'9' * 5000}.x": 1}}), None),
        (spans({"span_id": "a", "attributes": {3: 4}}), None),
        (nested(60, "trace", spans({"span_id": "a"})), None),
    ],
    ids=[
        "huge-start",
        "start-of-5000-digits",
        "huge-start-as-text",
        "endless-start",
        "deep-inputs",
        "double-of-text",
        "double-of-list",
        "huge-double",
        "endless-time-of-assessment",
        "wrapped-990-times",
        "odd-events",
        "number-of-5000-digits-in-a-key",
        "key-that-is-no-text",
        "wrapped-60-times",
    ],
)
def test_whatever_is_written_into_a_trace_spoils_that_trace_at_most(
    broken: dict[str, Any], told: str | None
) -> None:
    if told is None:
        assert trace_if_any(broken) == read_trace(broken)
        return
    with pytest.raises(TraceError, match=told):
        read_trace(broken)


def test_a_trace_too_deep_to_keep_is_an_error_with_its_place(tmp_path: Path) -> None:
    deep = spans({"span_id": "a", "inputs": nested(600, "k", 1)})
    with pytest.raises(DataError, match="nested too deeply"):
        spool([{"question": "Why?", "trace": deep}], tmp_path)


def test_a_wide_trace_is_read_by_looking_at_each_span_once() -> None:
    n = 20_000
    kinds = [{"span_id": str(i), "parent_id": "r", "span_type": "LLM"} for i in range(n)]
    counted = {"gen_ai.usage.input_tokens": 1}
    root = {"span_id": "r", "span_type": "LLM", "attributes": {"gen_ai.usage.input_tokens": n}}
    trace = read_trace(spans(root, *({**one, "attributes": counted} for one in kinds)))

    assert trace_row(trace)["usage"] == {"input_tokens": n}


def test_to_walk_a_trace_is_one_look_up_a_span() -> None:
    n = 20_000
    rows = [{"span_id": str(i), "parent_id": str(i - 1) if i else None} for i in range(n)]
    trace = read_trace(spans(*rows))
    assert trace.root is not None

    names, ready = [], [trace.root.span_id]
    while ready:
        name = ready.pop()
        names.append(name)
        ready += [part.span_id for part in trace.children(name)]

    assert names == [str(i) for i in range(n)]
    assert trace.get("7") == trace.spans[7]
    assert trace.get("no such span") is None
    assert trace.children("no such span") == []


WHOLE = st.integers(-(2**63), 2**63 - 1)
"""What JSON keeps whole; larger numbers become floats."""


@st.composite
def trees(draw: Callable[..., Any]) -> Trace:
    """A trace of up to 30 spans whose parents, starts and contents are drawn."""
    n = draw(st.integers(1, 30))
    order = draw(st.permutations(range(n)))
    made: list[Span] = []
    for i in range(n):
        parent = draw(st.integers(-1, i - 1)) if i else -1
        start = draw(st.none() | st.integers(0, 10**6))
        length = draw(st.integers(0, 1000))
        made.append(
            Span(
                trace_id="t",
                span_id=f"s{i}",
                parent_id=None if parent < 0 else f"s{parent}",
                name=draw(st.text(max_size=5)),
                status=draw(st.sampled_from(["OK", "ERROR", "UNSET"])),
                start_ns=start,
                end_ns=None if start is None else start + length,
                outputs=draw(st.none() | st.text(max_size=5) | st.lists(WHOLE, max_size=2)),
            )
        )
    return Trace(trace_id="t", spans=tuple(made[i] for i in order))


@given(trees())
def test_parents_stand_before_their_children_and_json_gives_the_trace_back(trace: Trace) -> None:
    place = {span.span_id: at for at, span in enumerate(trace.spans)}

    assert all(s.parent_id is None or place[s.parent_id] < place[s.span_id] for s in trace.spans)
    assert read_trace(parse_json(canonical_json(trace.to_json()))) == trace
