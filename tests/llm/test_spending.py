"""Every call that may have to be paid is counted, whatever became of it; budgets hold."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import evalkit
from evalkit.entities.target import Output
from evalkit.errors import BudgetSpentError, TargetError, UsageError
from evalkit.llm.batch.promises import Promises
from evalkit.llm.budget import Budget
from evalkit.llm.limits import Controllers, admitted
from evalkit.llm.open import open_chat_model
from evalkit.llm.prices import Prices
from evalkit.llm.protocol import ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import Recording
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession
from evalkit.llm.usage import Ledger
from evalkit.targets.open import open_target
from evalkit.testing import Fault, Reply, ScriptedEndpoint
from evalkit.tracking import set_tracking_uri


@pytest.fixture
def anyio_backend() -> str:
    """Return the only loop that connections run on."""
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-spending")
    set_tracking_uri(None)
    yield tmp_path
    set_tracking_uri(None)


def question(text: str) -> ChatRequest:
    """Return a request that asks *text*."""
    return ChatRequest(messages=[{"role": "user", "content": text}])


@pytest.mark.usefixtures("folder")
def test_calls_that_a_timeout_cuts_off_count() -> None:
    limit, concurrency = 5, 4
    with ScriptedEndpoint(Fault.HANG) as endpoint:
        result = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            [{"question": f"q{n}", "expected": "a"} for n in range(40)],
            "text.exact_match",
            runtime=evalkit.Runtime(
                budget={"calls": limit}, timeout_seconds=0.2, concurrency=concurrency
            ),
        )
        requests = endpoint.calls

    assert result.usage["target"].calls == result.usage["target"].failed == requests == limit
    assert result.verdict.status == "BUDGET"


JUDGE = evalkit.make_judge("fine", "Is {{ outputs }} fine?", model="openai/j")
ROWS = [{"question": f"q{n}", "expected": "a"} for n in range(6)]


@pytest.mark.usefixtures("folder")
def test_calls_of_code_of_ones_own_leave_a_budget_of_calls_to_the_judge() -> None:
    with ScriptedEndpoint(Reply(value={"rationale": "r", "verdict": "yes"})) as endpoint:
        judge = JUDGE.with_model("openai/j", base_url=endpoint.base_url)
        result = evalkit.evaluate(
            lambda question: question, ROWS, judge, runtime=evalkit.Runtime(budget={"calls": 7})
        )
        more = result.score(
            judge.with_model("openai/k"),
            replace=True,
            runtime=evalkit.Runtime(budget={"calls": 12}),
        )
        chat = evalkit.chat("openai/m", base_url=endpoint.base_url)
        both = evalkit.evaluate(chat, ROWS, judge, runtime=evalkit.Runtime(budget={"calls": 6}))

    assert (result.verdict.status, result["fine"].n_scored) == ("NONE", 6)
    assert (more.facts.status, more.usage["judge"].calls) == ("complete", 12)
    assert both.verdict.status == "BUDGET"
    assert sum(used.calls for used in both.usage.values()) == 6


@pytest.mark.usefixtures("folder")
def test_targets_of_a_sweep_share_what_models_were_called() -> None:
    with ScriptedEndpoint("a") as endpoint:
        own = dict[str, Any](plain=lambda question: question)
        own |= {name: evalkit.chat(f"openai/{name}", base_url=endpoint.base_url) for name in "mn"}
        comparison = evalkit.sweep(
            own, ROWS, "text.exact_match", runtime=evalkit.Runtime(budget={"calls": 9})
        )

    calls = {name: one.usage["target"].calls for name, one in comparison.results.items()}
    assert calls == {"plain": 6, "m": 6, "n": 3}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("answer", "noted"),
    [
        pytest.param(None, False, id="nothing-reported"),
        pytest.param(Output("a", usage={"input_tokens": 3}), True, id="tokens-without-a-price"),
    ],
)
def test_a_budget_in_dollars_misses_only_prices_of_models(answer: Any, noted: bool) -> None:
    def bot(question: str) -> Any:
        return answer or question

    result = evalkit.evaluate(bot, ROWS, "text.exact_match", runtime=evalkit.Runtime(budget=1.0))

    assert any("price is unknown" in note for note in result.facts.notes) == noted
    assert result.cost is None


@pytest.mark.usefixtures("folder")
def test_a_call_that_was_cut_off_after_it_was_sent_has_an_unknown_price() -> None:
    prices = {"openai/m": (1.0, 1.0)}
    with ScriptedEndpoint(Fault.HANG) as endpoint:
        cut = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            ROWS,
            "text.exact_match",
            runtime=evalkit.Runtime(timeout_seconds=0.2, budget=1.0, prices=prices),
        )
    refusal = Reply(status=400, body=b'{"error":{"message":"no"}}')
    with ScriptedEndpoint({"q0": refusal, "*": "a"}) as endpoint:
        refused = evalkit.evaluate(
            evalkit.chat("openai/m", base_url=endpoint.base_url),
            ROWS,
            "text.exact_match",
            runtime=evalkit.Runtime(budget=1.0, prices=prices),
        )

    assert (cut.usage["target"].failed, cut.cost) == (6, None)
    assert any("price is unknown" in note for note in cut.facts.notes)
    assert refused.usage["target"].failed == 1
    assert (refused.cost or 0.0) > 0.0
    assert not any("price is unknown" in note for note in refused.facts.notes)


@pytest.mark.usefixtures("folder")
def test_answers_that_the_models_limit_cut_off_are_told() -> None:
    ends = {"q0": Reply(value="half an", finish_reason="length"), "*": "a"}
    with ScriptedEndpoint(ends) as endpoint:
        target = evalkit.chat("openai/m", base_url=endpoint.base_url)
        notes = evalkit.evaluate(target, ROWS, "text.exact_match").facts.notes
        again = evalkit.evaluate(target, ROWS, "text.exact_match").facts.notes

    told = "1 of 6 answers were cut off at the model's limit (max_tokens)."
    assert told in notes
    assert told in again


@pytest.mark.usefixtures("folder")
def test_canaries_are_in_usage_and_cost() -> None:
    verdict = {"rationale": "r", "verdict": "yes"}
    judge = evalkit.make_judge(
        "polite",
        "Is {{ outputs }} polite?",
        canaries=[{"outputs": "Thank you!", "choice": "yes"}],
        model="openai/j",
    )
    with ScriptedEndpoint(Reply(value=verdict)) as endpoint:
        result = evalkit.evaluate(
            data=[{"output": "Hello."}, {"output": "Good morning."}],
            scorers=[judge.with_model("openai/j", base_url=endpoint.base_url)],
            runtime=evalkit.Runtime(prices={"openai/j": (1.0, 1.0)}),
        )
        requests = endpoint.calls

    assert {role: used.calls for role, used in result.usage.items()} == {"judge": 2, "canary": 1}
    assert sum(used.calls for used in result.usage.values()) == requests
    assert (result.usage["canary"].cost or 0.0) > 0.0


@pytest.mark.parametrize("mode", ["auto", "live"])
def test_recordings_that_cannot_be_written_are_found_before_the_first_call(
    mode: str, folder: Path
) -> None:
    (folder / "recorded").write_text("no folder", encoding="utf-8")
    with ScriptedEndpoint("a") as endpoint:
        with pytest.raises(UsageError) as caught:
            evalkit.evaluate(
                evalkit.chat("openai/m", base_url=endpoint.base_url),
                [{"question": "q", "expected": "a"}],
                "text.exact_match",
                runtime=evalkit.Runtime(mode=mode, recordings="recorded/calls"),
            )
        requests = endpoint.calls

    assert requests == 0
    assert "recorded is no folder" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.anyio
async def test_a_reply_that_cannot_be_recorded_is_an_answer_and_counts() -> None:
    full: Any = Full()
    full.is_full = True
    session = ModelSession(
        recorder=Recorder(mode="auto", places=[full]), prices=Prices({"openai/m": (1e6, 1e6)})
    )
    with ScriptedEndpoint("one two") as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        reply = await session.complete(model, question("three four five"), role="judge")
        await model.aclose()

    assert reply.text == "one two"
    assert session.recorder.broken == {"a full disk": "No space left on device"}
    spent = session.ledger["judge"]
    assert (spent.calls, spent.failed, spent.cost) == (1, 0, 5.0)


@pytest.mark.anyio
async def test_a_second_attempt_that_the_budget_refuses_leaves_the_first_one_counted() -> None:
    session = ModelSession(budget=Budget.of({"judge": {"tokens": 5}}))

    class Twice:
        name, base_url = "openai/twice", None

        async def complete(self, _: ChatRequest) -> ChatReply:
            """Try twice, while another call uses up the budget."""
            async with admitted("server", None):
                pass
            await session.complete(model, question("meanwhile"), role="judge")
            async with admitted("server", None, again=True):
                raise AssertionError

    twice: Any = Twice()
    with ScriptedEndpoint("one two three four five") as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        with pytest.raises(BudgetSpentError):
            await session.complete(twice, question("q"), role="judge")
        with pytest.raises(BudgetSpentError):  # this one was never made, and costs nothing
            await session.complete(twice, question("q"), role="judge")
        await model.aclose()

    assert (session.ledger["judge"].calls, session.ledger["judge"].failed) == (2, 1)


@pytest.mark.anyio
async def test_a_call_that_is_cut_off_while_it_waits_for_its_turn_costs_nothing() -> None:
    session = ModelSession(controllers=Controllers(requests_per_minute=1))
    with ScriptedEndpoint("a") as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        await session.complete(model, question("q"), role="judge")
        waiting = asyncio.create_task(session.complete(model, question("r"), role="judge"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait([waiting])
        requests = endpoint.calls
        await model.aclose()

    assert session.ledger["judge"].calls == requests == 1


@pytest.mark.usefixtures("folder")
def test_a_disk_that_fills_midway_costs_recordings_but_no_answer_of_a_versioned_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = RecordingFolder.put
    full = OSError("No space left on device")

    def put(self: RecordingFolder, recording: Recording, reply: Any) -> None:
        if "q3" in str(recording.asked):
            raise full
        written(self, recording, reply)

    def close(_: RecordingFolder) -> None:
        raise full

    monkeypatch.setattr(RecordingFolder, "put", put)
    monkeypatch.setattr(RecordingFolder, "close", close)
    result = evalkit.evaluate(
        open_target(lambda question: Output(question, cost=0.5), name="bot", version="1"),
        [{"question": f"q{n}", "expected": f"q{n}"} for n in range(6)],
        "text.exact_match",
        runtime=evalkit.Runtime(recordings="recorded"),
    )

    assert result["text.exact_match"].n_scored == result.usage["target"].calls == 6
    assert result.cost == 3.0
    assert any("could be recorded in recorded" in note for note in result.facts.notes)


@pytest.mark.anyio
async def test_batched_requests_without_a_message_are_expected_to_use_something() -> None:
    promises, empty = Promises(), ChatRequest(messages=[])
    usage = {"input_tokens": 0, "output_tokens": 3}
    promises.learn(
        "judge", empty, ChatReply(text="", usage={"input_tokens": 0, "output_tokens": 3})
    )

    assert promises.expected(empty, "judge") == usage


class Full:
    """A place for recordings that may be full."""

    place = "a full disk"
    is_full = False

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str, *, since: int = 0) -> Any:
        """Return what was kept, whenever that was."""
        del since
        return self.kept.get(key)

    def put_all(self, kept: list[tuple[Any, Any]]) -> None:
        """Keep all, or nothing."""
        if self.is_full:
            raise OSError("No space left on device")
        self.kept |= {recording.key: reply for recording, reply in kept}


class Scripted:
    """A model whose attempts end as a test says."""

    name, base_url = "openai/m", None

    def __init__(self) -> None:
        self.made = 0
        """Calls of which at least one attempt was made."""

        self.attempts: list[asyncio.Future[str]] = []
        """Those that are under way."""

    async def complete(self, _: ChatRequest) -> ChatReply:
        """Make attempts until one is answered or fails."""
        first = True
        while True:
            async with admitted("server", None, again=not first) as attempt:
                self.made += first
                first = False
                outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                self.attempts.append(outcome)
                try:
                    end = await outcome
                finally:
                    self.attempts.remove(outcome)
                attempt.answered({"again": 429, "fail": 500}.get(end, 200), {"retry-after": "0"})
            if end == "fail":
                raise TargetError("provider_error", "it fails")
            if end == "answer":
                return ChatReply(text="a", usage={"input_tokens": 6, "output_tokens": 4})


LIMITS = {"calls": 6, "tokens": 45, "usd": 45.0}


class Spending(RuleBasedStateMachine):
    """Calls that are answered, cut off, refused, repeated, rerun or unwritable, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model: Any = Scripted()
        self.place = Full()
        self.tasks: list[asyncio.Task[ChatReply]] = []
        self.answered = self.most = 0
        self.session = self.begun(Ledger())

    def begun(self, ledger: Ledger) -> ModelSession:
        """Return a session that goes on from what *ledger* says was spent."""
        places: list[Any] = [self.place]
        return ModelSession(
            ledger=ledger,
            recorder=Recorder(mode="auto", places=places),
            budget=Budget.of({"judge": LIMITS}),
            prices=Prices({"openai/m": (1e6, 1e6)}),
        )

    def turn(self) -> None:
        """Let everything happen that is to happen by itself."""

        async def turns() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        self.most = max(self.most, len(self.model.attempts))

    @rule(number=st.integers(0, 3))
    def ask(self, number: int) -> None:
        """Ask something, perhaps what is being asked already or was recorded."""
        call = self.session.complete(self.model, question(f"q{number}"), role="judge")
        self.tasks.append(self.loop.create_task(call))
        self.turn()

    @precondition(lambda self: self.model.attempts)
    @rule(data=st.data(), outcome=st.sampled_from(["answer", "fail", "again"]))
    def end(self, data: st.DataObject, outcome: str) -> None:
        """Let an attempt end."""
        attempt = data.draw(st.sampled_from(range(len(self.model.attempts))))
        self.model.attempts[attempt].set_result(outcome)
        self.answered += outcome == "answer"
        self.turn()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        """Give a call up, as a timeout does."""
        self.tasks[data.draw(st.sampled_from(range(len(self.tasks))))].cancel()
        self.turn()

    @rule()
    def rerun(self) -> None:
        """Give everything up and go on in another session, as resumes and reruns do."""
        for task in self.tasks:
            task.cancel()
        self.turn()
        self.session = self.begun(self.session.ledger)

    @rule()
    def fill(self) -> None:
        """Have recordings fail, or go well again."""
        self.place.is_full = not self.place.is_full

    @invariant()
    def everything_is_counted(self) -> None:
        """What has ended is in the ledger."""
        spent = self.session.ledger["judge"]
        assert spent.calls == self.model.made - len(self.model.attempts)
        assert spent.calls - spent.failed == self.answered
        assert spent.cost == sum(spent.tokens.values()) == 10 * self.answered

    @invariant()
    def no_budget_is_overrun(self) -> None:
        """Calls never are; what they use is known once they end, so those in flight may."""
        spent = self.session.ledger["judge"]
        assert self.model.made <= LIMITS["calls"]
        assert sum(spent.tokens.values()) < LIMITS["tokens"] + 10 * max(self.most, 1)

    def teardown(self) -> None:
        """End what is under way."""

        async def ended() -> None:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

        self.loop.run_until_complete(ended())
        self.loop.close()


TestSpending = Spending.TestCase
TestSpending.settings = settings(max_examples=60, stateful_step_count=30)
