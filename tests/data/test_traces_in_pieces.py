import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.data.snapshot import Spool
from evalkit.data.traces import read_trace
from evalkit.data.traces.rows import trace_row
from evalkit.errors import DataError

Spooled = Callable[..., Spool]
OFF = evalkit.Runtime(store=False, progress=False)


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": list(spans)}]}]}


def span(trace: str, name: str, parent: str = "", **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": trace * 32,
        "spanId": name * 16,
        "parentSpanId": parent * 16,
        "name": name,
        "startTimeUnixNano": "1000000000",
        "endTimeUnixNano": "3000000000",
        "attributes": [
            {"key": key.replace("__", "."), "value": {"stringValue": value}}
            for key, value in attributes.items()
        ],
    }


def agent(trace: str, name: str, output: str) -> dict[str, Any]:
    return span(trace, name, input__value="hi", output__value=output)


def tool(trace: str, name: str, parent: str) -> dict[str, Any]:
    kind = {"openinference__span__kind": "TOOL"}
    return span(trace, name, parent, **kind, output__value="raw rows")


PIECES = [
    otlp(tool("a", "2", "1")),
    otlp(agent("a", "1", "Paris"), tool("b", "4", "3")),
    otlp(agent("b", "3", "Lima")),
]


def as_lines(folder: Path) -> Any:
    (folder / "t.jsonl").write_text("".join(json.dumps(piece) + "\n" for piece in PIECES))
    return folder / "t.jsonl"


def as_files(folder: Path) -> Any:
    for number, piece in enumerate(PIECES):
        (folder / f"t{number}.json").write_text(json.dumps(piece))
    return folder / "t*.json"


def as_list(folder: Path) -> Any:  # noqa: ARG001  the shape of all
    return PIECES


@pytest.mark.parametrize("made", [as_lines, as_files, as_list])
@pytest.mark.parametrize("chunk_rows", [1, 8192])
def test_a_trace_is_whole_however_its_export_is_cut(
    tmp_path: Path, spooled: Spooled, made: Callable[[Path], Any], chunk_rows: int
) -> None:
    found = spooled(made(tmp_path), chunk_rows=chunk_rows).batch(0, 2)

    assert found.outputs == ["Paris", "Lima"]
    assert [len(calls) for calls in found.column("tool_calls")] == [1, 1]
    assert not any(trace.notes for trace in found.column("trace"))


def test_the_limit_counts_traces_and_not_lines(tmp_path: Path, spooled: Spooled) -> None:
    assert spooled(as_lines(tmp_path), limit=1).values("outputs") == ["Paris"]


def test_a_broken_span_names_its_line(tmp_path: Path, spooled: Spooled) -> None:
    (tmp_path / "t.jsonl").write_text(
        json.dumps(PIECES[0]) + "\n" + json.dumps(otlp({"name": "x"})) + "\n"
    )

    with pytest.raises(DataError, match=r"line 2: span 'x' has no traceId"):
        spooled(tmp_path / "t.jsonl")


def test_what_the_sdk_prints_is_named(spooled: Spooled) -> None:
    printed = {"name": "x", "context": {"trace_id": "0x1", "span_id": "0x2"}, "parent_id": None}

    with pytest.raises(DataError, match="OpenTelemetry's SDK prints"):
        spooled([printed])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"Paris"', "Paris"),
        ('"42"', "42"),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ('{"a": 1}', {"a": 1}),
        ("7", 7),
        ("not json", "not json"),
    ],
)
def test_what_mlflow_quotes_is_unquoted_once_by_every_door(written: str, value: Any) -> None:
    attributes = {"mlflow.spanOutputs": written, "mlflow.spanInputs": '{"q": "x"}'}
    exported = otlp(span("a", "1", mlflow__spanOutputs=written, mlflow__spanInputs='{"q": "x"}'))
    own = {"spans": [{"span_id": "1", "name": "x", "attributes": attributes}]}
    mlflow = {
        "info": {"trace_id": "tr-1"},
        "data": {"spans": [{"span_id": "1" * 16, "name": "x", "attributes": attributes}]},
    }

    roots = [read_trace(trace).root for trace in (exported, own, mlflow)]

    assert [root and root.outputs for root in roots] == [value] * 3


@pytest.mark.parametrize(
    ("mime", "value"), [("application/json", "Paris"), ("text/plain", '"Paris"'), ("", '"Paris"')]
)
def test_a_value_is_what_its_mime_type_says(mime: str, value: str) -> None:
    exported = otlp(span("a", "1", output__value='"Paris"', output__mime_type=mime))

    root = read_trace(exported).root

    assert root is not None
    assert root.outputs == value


MESSAGES = [{"role": "assistant", "parts": [{"type": "text", "content": "I cannot say"}]}]


def test_an_answer_of_one_message_is_its_text() -> None:
    exported = otlp(span("a", "1", gen_ai__output__messages=json.dumps(MESSAGES)))

    @evalkit.scorer
    def admits(outputs: str) -> bool:
        return "cannot" in outputs

    regex = evalkit.get_scorer("text.regex", pattern="^I cannot")
    result = evalkit.evaluate(data=[exported], scorers=[admits, regex], runtime=OFF)

    assert (result["admits"].value, result["text.regex"].value) == (1.0, 1.0)


@pytest.mark.parametrize(
    "outputs",
    [
        MESSAGES,
        [{"role": "user", "content": "?"}, {"role": "assistant", "content": "I cannot say"}],
        {"role": "assistant", "content": [{"type": "text", "text": "I cannot say"}]},
    ],
    ids=["opentelemetry", "a-conversation", "parts"],
)
def test_a_scorer_that_asks_for_a_text_gets_that_of_messages(outputs: Any) -> None:
    seen: list[Any] = []

    @evalkit.scorer
    def text(outputs: str) -> bool:
        seen.append(outputs)
        return True

    @evalkit.scorer
    def whole(outputs: Any) -> bool:
        seen.append(outputs)
        return True

    evalkit.evaluate(
        data=[{"question": "q", "output": outputs}], scorers=[text, whole], runtime=OFF
    )

    assert len(seen) == 2
    assert "I cannot say" in seen
    assert outputs in seen


def retrieval(documents: Any) -> dict[str, Any]:
    spans = [
        {"span_id": "a", "name": "agent", "inputs": {"q": "x"}, "outputs": "y"},
        {"span_id": "b", "parent_id": "a", "name": "r", "type": "RETRIEVER", "outputs": documents},
    ]
    return trace_row(read_trace({"spans": spans}))


@pytest.mark.parametrize(
    ("document", "passage"),
    [
        ("Lima", "Lima"),
        ({"page_content": "Lima", "metadata": {"score": 9.2}}, "Lima"),
        ({"doc_id": "d7", "content": "Lima", "score": 9.2}, {"id": "d7", "content": "Lima"}),
        (
            {"page_content": "Lima", "metadata": {"doc_uri": "a.md"}, "id": None},
            {"id": "a.md", "content": "Lima"},
        ),
    ],
)
def test_passages_of_a_trace_keep_their_ids(document: Any, passage: Any) -> None:
    assert retrieval([document])["retrieved_context"] == [passage]


@pytest.mark.parametrize("key", ["page_content", "content", "text"])
def test_a_judge_reads_passages_without_the_retrievers_score(key: str) -> None:
    passages = [{key: "Lima is big.", "id": "d7", "score": 9.24}, "Chad is dry."]
    judge = evalkit.make_judge(
        "j",
        "{{ outputs }}\n\n{{ retrieved_context }}\n"
        "{% for p in retrieved_context %}{{ p }} {% endfor %}",
        model="openai/m",
        base_url="http://127.0.0.1:9/v1",
    )

    messages = judge.explain(evalkit.Case(outputs="o", retrieved_context=passages))
    prompt = str(messages[-1]["content"])

    assert re.search(r"\[1\] Lima is big.\n\[2\] Chad is dry.", prompt)
    assert "9.24" not in prompt
    assert "d7" not in prompt


def model_call(model: str | None, **attributes: Any) -> dict[str, Any]:
    tokens = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}
    named = {} if model is None else {"gen_ai.request.model": model}
    spans = [
        {
            "span_id": "a",
            "name": "chat",
            "span_type": "CHAT_MODEL",
            "inputs": {"q": "x"},
            "outputs": "y",
            "attributes": {**tokens, **named, **attributes},
        }
    ]
    return trace_row(read_trace({"spans": spans}))


def test_a_trace_without_a_price_costs_what_its_tokens_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prices = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5, "mode": "chat"}
    monkeypatch.setattr("evalkit.llm.prices._map", lambda: {"m-1": prices})

    assert model_call("m-1")["cost"] == pytest.approx(100e-6 + 200e-6)
    assert "cost" not in model_call("m-2")
    assert "cost" not in model_call(None)
    assert model_call("m-1", **{"gen_ai.usage.cost": 0.5})["cost"] == 0.5


def test_rows_keep_the_usage_of_traces() -> None:
    exported = otlp(span("a", "1", output__value="y", input__value="x"))
    exported["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] += [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
    ]

    result = evalkit.evaluate(data=[exported], scorers=["operations.output_length"], runtime=OFF)

    assert [row["usage"] for row in result.rows()] == [{"input_tokens": 7}]


@pytest.mark.parametrize(
    ("kind", "n_failed"), [("TOOL", 1), ("RETRIEVER", 1), ("AGENT", 0), ("LLM", 0)]
)
def test_a_part_whose_whole_never_came_is_no_answer(kind: str, n_failed: int) -> None:
    part = otlp(span("a", "2", "1", openinference__span__kind=kind, output__value="raw rows"))

    result = evalkit.evaluate(
        data=[part, otlp(agent("b", "3", "Paris"))],
        scorers=["operations.output_length"],
        runtime=OFF,
    )

    assert result["operations.output_length"].n_failed == n_failed
    assert len(result.failures()) == n_failed
