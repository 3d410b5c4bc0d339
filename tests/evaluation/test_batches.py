"""Evaluations by batches: the scores of a live run, at half the price, and nothing paid twice."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.gates.verdict import Verdict
from evalkit.testing import Fault, ScriptedBatches, ScriptedEndpoint, SeenRequest
from evalkit.testing.replies import Reply

QUICK = {"poll_seconds": 0.06}
PRICE = {"openai/m": (1000.0, 0.0)}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-batched")
    monkeypatch.delenv("EVALKIT_HOME", raising=False)


def rows(count: int) -> list[dict[str, str]]:
    """Return *count* questions."""
    return [{"question": f"q{number}", "expected": f"a{number}"} for number in range(count)]


def answer(request: SeenRequest) -> Any:
    """Answer a question wrongly now and then; judge an answer by its number."""
    asked = request.prompt
    if "fine?" not in asked:
        number = int(asked[1:])
        return f"a{number}" if number % 5 else "no idea"
    if "no idea" in asked and "not valid" not in asked:
        return "prose instead of a verdict" if "earlier" not in asked else "{}"
    return json.dumps({"rationale": "so it is", "verdict": "yes" if "1" in asked else "no"})


def judge_of(base_url: str, **settings: Any) -> Any:
    """Return a judge of answers."""
    return evalkit.make_judge(
        name="fine",
        instructions="Is {{ outputs }} fine?",
        choices={"yes": 1.0, "no": 0.0},
        model="openai/j",
        base_url=base_url,
        **settings,
    )


def evaluate(
    base_url: str, count: int, *scorers: Any, batch: Any = QUICK, **runtime: Any
) -> evalkit.EvaluationResult:
    """Evaluate a chat model by batches."""
    return evalkit.evaluate(
        evalkit.chat("openai/m", base_url=base_url),
        rows(count),
        ["text.exact_match", *scorers],
        runtime=evalkit.Runtime(batch=batch, **runtime),
    )


def cells(result: evalkit.EvaluationResult, *names: str) -> list[Any]:
    """Return everything that a table says of the scores."""
    table = result.table()
    columns = [c for c in table.columns if c == "outputs" or c.startswith(names)]
    return [[repr(value) for value in row] for row in table[columns].to_numpy().tolist()]


def test_batches_give_the_cells_of_a_live_run_at_half_the_price() -> None:
    batches = ScriptedBatches(polls=1)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        judge = judge_of(endpoint.base_url, samples=2, temperature=0.5)
        live = evaluate(endpoint.base_url, 60, judge, batch=False, prices=PRICE)
        made = endpoint.calls
        batched = evaluate(endpoint.base_url, 60, judge, prices=PRICE, mode="live")

        chats = [r for r in endpoint.requests[made:] if r.path.endswith("/chat/completions")]
    assert chats == []
    assert cells(batched, "text.exact_match", "fine") == cells(live, "text.exact_match", "fine")
    assert batched["fine"].n_failed == live["fine"].n_failed > 0
    assert batched.usage["target"].cost == pytest.approx((live.usage["target"].cost or 0) / 2)
    # Equal questions without a readable answer share a line of a batch; live, each asks anew.
    assert batched.usage["judge"].calls <= live.usage["judge"].calls
    assert batched.usage["judge"].cost is None
    # All questions, all judgements, and then the repairs, which are few.
    counts = [batch["request_counts"]["total"] for batch in batches.created]
    assert len(counts) == 3
    assert counts[:2] == [60, 2 * 60]
    assert counts[2] < counts[1]
    assert set(batched.table()["latency_seconds"].isna()) == {True}
    assert not list(Path("evalkit-cache/batches").glob("*.json"))


def test_a_second_run_asks_nothing_and_sends_no_batch() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        evaluate(endpoint.base_url, 10)
        made = endpoint.calls
        again = evaluate(endpoint.base_url, 10)

        assert endpoint.calls == made
    assert again.usage["target"].cached == 10
    assert len(batches.answered) == 10


def test_forty_equal_questions_are_one_line() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url, prompt="Always the same"),
            rows(40),
            "text.exact_match",
            runtime=evalkit.Runtime(batch=QUICK),
        )

    assert len(batches.answered) == 1
    assert result.usage["target"].cached == 39


def test_only_the_roles_that_were_named_are_batched() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        judge = judge_of(endpoint.base_url)
        evaluate(endpoint.base_url, 30, judge, batch={"judge": True, **QUICK}, concurrency=2)

        chats = [r for r in endpoint.requests if r.path.endswith("/chat/completions")]
    assert len(chats) == 30
    assert len(batches.created) == 2  # one of all judgements, one of repairs
    assert {request.json["model"] for request in batches.answered} == {"j"}


def test_stored_answers_are_judged_in_one_batch() -> None:
    batches = ScriptedBatches()
    data = [{"question": f"q{n}", "output": f"a{n}"} for n in range(700)]
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        result = evalkit.evaluate(
            data=data,
            scorers=[judge_of(endpoint.base_url)],
            runtime=evalkit.Runtime(batch=QUICK, concurrency=3),
        )

    assert [batch["request_counts"]["total"] for batch in batches.created] == [700]
    assert result["fine"].n_scored == 700


def test_turns_of_a_session_go_one_batch_after_the_other() -> None:
    batches = ScriptedBatches()
    data = [
        {"question": f"q{turn}", "expected": f"a{turn}", "session": name, "turn": turn}
        for name in ("one", "two", "three")
        for turn in range(3)
    ]
    with ScriptedEndpoint(lambda r: f"{len(r.messages)}", batches=batches) as endpoint:
        evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            data,
            "text.exact_match",
            columns={"inputs": "question"},
            runtime=evalkit.Runtime(batch=QUICK, mode="none"),
        )

    assert [batch["request_counts"]["total"] for batch in batches.created] == [3, 3, 3]


def test_batches_are_cut_at_their_limits() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        evaluate(endpoint.base_url, 50, batch={**QUICK, "requests": 20})
        evaluate(endpoint.base_url, 50, batch={**QUICK, "megabytes": 0.003}, mode="live")

    by_count, by_size = batches.created[:3], batches.created[3:]
    assert [batch["request_counts"]["total"] for batch in by_count] == [20, 20, 10]
    assert len(by_size) > 2
    sizes = [len(batches.files[batch["input_file_id"]]) for batch in by_size]
    assert max(sizes) <= 3000


@pytest.mark.parametrize(
    ("fault", "reason", "asked"),
    [
        pytest.param(Fault.RATE_LIMITED, None, 2, id="a-429-goes-into-the-next-batch"),
        pytest.param(Fault.SERVER_ERROR, None, 2, id="a-500-goes-into-the-next-batch"),
        pytest.param(
            Reply(status=400, body=b'{"error":{"message":"bad"}}'),
            "provider_error",
            1,
            id="a-400-is-final",
        ),
        pytest.param(Fault.WRONG_SCHEMA, "invalid_response", 1, id="no-completion-is-final"),
        pytest.param(Fault.NULL, "empty", 1, id="nothing-is-no-answer"),
    ],
)
def test_what_a_line_says_is_read_as_of_a_live_call(
    fault: Any, reason: str | None, asked: int
) -> None:
    seen: Counter[str] = Counter()

    def script(request: SeenRequest) -> Any:
        seen[request.prompt] += 1
        return fault if request.prompt == "q3" and seen["q3"] == 1 else answer(request)

    with ScriptedEndpoint(script, batches=ScriptedBatches()) as endpoint:
        result = evaluate(endpoint.base_url, 10)

    assert seen["q3"] == asked
    assert set(seen.values()) <= {1, asked}
    assert list(result.failures()["reason"]) == ([] if reason is None else [reason])


def test_a_line_that_is_never_answered_fails_after_bounded_batches() -> None:
    def script(request: SeenRequest) -> Any:
        return Fault.RATE_LIMITED if request.prompt == "q3" else answer(request)

    batches = ScriptedBatches()
    with ScriptedEndpoint(script, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 5, batch={**QUICK, "retries": 2})

    assert len(batches.created) == 3
    failure = result.failures().iloc[0]
    assert failure["reason"] == "rate_limited"
    assert "status 429" in failure["explanation"]
    assert "(3 batches)" in failure["explanation"]


@pytest.mark.parametrize("end", ["expired", "cancelled", "failed"])
def test_of_a_batch_that_ends_early_what_is_there_is_kept(end: str) -> None:
    batches = ScriptedBatches(ends=(end, "completed"), share=0.6)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 20)

    assert result["text.exact_match"].n_scored == 20
    kept = 0 if end == "failed" else 12
    assert [b["request_counts"]["total"] for b in batches.created] == [20, 20 - kept]
    assert len(batches.answered) == 20
    assert result.usage["target"].calls == 20


@pytest.mark.parametrize(
    ("end", "reason"),
    [("expired", "timeout"), ("cancelled", "provider_error"), ("failed", "provider_error")],
)
def test_batches_that_always_end_early_fail_with_their_reason(end: str, reason: str) -> None:
    batches = ScriptedBatches(ends=(end,), share=0.0)
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 3, batch={**QUICK, "retries": 1})

    assert len(batches.created) == 2
    assert set(result.failures()["reason"]) == {reason}
    assert result.failures()["explanation"].str.contains("batch").all()


@pytest.mark.parametrize("step", ["upload", "create", "look", "content"])
def test_an_answer_that_is_lost_on_the_way_is_paid_once(step: str) -> None:
    batches = ScriptedBatches(lost=(step,))
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 5)

    assert result["text.exact_match"].n_scored == 5
    assert len(batches.created) == 1
    assert len(batches.answered) == 5


def test_a_server_without_batches_is_told_of_before_anything_waits() -> None:
    with (
        ScriptedEndpoint(answer) as endpoint,
        pytest.raises(UsageError, match=r"has no batch endpoint .*status 404.*run without batch="),
    ):
        evaluate(endpoint.base_url, 50)


def test_a_wrong_key_stops_the_run_after_the_first_answer() -> None:
    with ScriptedEndpoint(answer, key="another", batches=ScriptedBatches()) as endpoint:
        result = evaluate(endpoint.base_url, 1000, batch={**QUICK, "requests": 50})
        requests = endpoint.calls

    assert requests <= 32
    assert (result.facts.status, result["text.exact_match"].n_not_run) == ("outage", 1000)
    assert any("status 401" in note for note in result.facts.notes)
    assert not any("sk-batched" in note for note in result.facts.notes)


def test_an_unknown_model_in_a_batch_stops_the_judge_but_not_what_is_done() -> None:
    gone = Reply(status=404, body=b'{"error":{"message":"The model `j` does not exist"}}')

    def script(request: SeenRequest) -> Any:
        return gone if request.json["model"] == "j" else answer(request)

    batches = ScriptedBatches()
    with ScriptedEndpoint(script, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 20, judge_of(endpoint.base_url))

    assert result.facts.status == "outage"
    assert result["text.exact_match"].n_scored == 20
    assert result["fine"].n_not_run == 20
    assert len(batches.created) == 2


def test_lines_that_all_fail_for_the_server_stop_the_run_after_their_retries() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint(Fault.SERVER_ERROR, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 60, batch={**QUICK, "retries": 1, "requests": 20})

    assert result.facts.status == "outage"
    assert result["text.exact_match"].n_failed == 9  # the tenth in a row was one too many
    assert len(batches.created) <= 6


@pytest.mark.parametrize("where", ["line", "error-of-a-line", "batch", "no-id"])
def test_no_key_that_a_provider_repeats_is_shown_or_kept(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Telling(ScriptedBatches):
        def reply(self, route: Any, request: SeenRequest, answer: Any) -> Reply:
            found = super().reply(route, request, answer)
            if where == "no-id" and request.method == "POST":
                return Reply(body=json.dumps({"error": told}).encode())
            if where == "batch" and route[:2] == ("batches", "batch-0"):
                errors = {"data": [{"code": "invalid_api_key", "message": told}]}
                fields = {**json.loads(found.body or b""), "status": "failed", "errors": errors}
                return Reply(body=json.dumps(fields).encode())
            if where == "error-of-a-line" and route[2] == "content":
                lines = [json.loads(line) for line in (found.body or b"").splitlines()]
                lines = [{**line, "response": None, "error": {"message": told}} for line in lines]
                return Reply(body=b"\n".join(json.dumps(line).encode() for line in lines))
            return found

    told = "Incorrect API key provided: sk-batched, of https://x"
    refusal = Reply(status=401, body=json.dumps({"error": {"message": told}}).encode())
    monkeypatch.chdir(tmp_path)
    script = {"*": refusal if where == "line" else "a"}
    with ScriptedEndpoint(script, batches=Telling()) as endpoint:
        result = evaluate(endpoint.base_url, 3, batch={**QUICK, "retries": 0})

    told_of = [*result.failures()["explanation"], *result.facts.notes]
    assert len(told_of) == (1 if where == "line" else 3)
    assert all("[secret]" in text for text in told_of)
    assert "sk-batched" not in caplog.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "scores.parquet" for path in written)
    assert [path for path in written if b"sk-batched" in path.read_bytes()] == []


def test_a_budget_of_calls_holds_in_batches() -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        result = evaluate(endpoint.base_url, 50, budget={"calls": 20})

    assert len(batches.answered) == 20
    assert result.verdict.status is Verdict.BUDGET
    assert result["text.exact_match"].n_scored == 20


def test_what_a_batch_will_cost_is_set_aside_and_what_is_left_is_used() -> None:
    """Expected are 256 tokens an answer, used is one: the first batch shows that more fit in."""
    batches = ScriptedBatches()
    with ScriptedEndpoint(answer, batches=batches) as endpoint:
        budget = {"tokens": 1000}
        result = evaluate(endpoint.base_url, 400, budget=budget)
        first = batches.created[0]["request_counts"]["total"]

        assert first <= 1000 // 256 + 1
        assert result["text.exact_match"].n_scored == 400
        assert len(batches.created) < 10
        capped = evaluate(endpoint.base_url, 400, budget={"usd": 0.1}, prices=PRICE, mode="live")
    assert capped.verdict.status is Verdict.BUDGET
    # A question is one token at a tenth of a cent, halved; 5 are expected of it.
    assert capped.usage["target"].cost == pytest.approx(0.1, abs=0.003)


def test_stop_and_batch_contradict_each_other() -> None:
    with pytest.raises(UsageError, match=r"stop= .*batch="):
        evalkit.evaluate(
            evalkit.chat("openai/m", base_url="http://127.0.0.1:9/v1"),
            rows(3),
            "text.exact_match",
            gates="text.exact_match >= 0.5",
            stop="when decided",
            runtime=evalkit.Runtime(batch=True),
        )


def test_a_timeout_does_not_run_while_a_batch_is_on_its_way() -> None:
    with ScriptedEndpoint(answer, batches=ScriptedBatches(polls=8)) as endpoint:
        result = evaluate(endpoint.base_url, 3, timeout_seconds=0.2)

    assert result["text.exact_match"].n_scored == 3
