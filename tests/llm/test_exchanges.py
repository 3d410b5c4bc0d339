"""HTTP of an application's own code is recorded, and answered again while the code runs."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import evalkit
from evalkit._internal.optional import require
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation
from evalkit.errors import MissingExtraError, NotRecordedError
from evalkit.evaluation.result import EvaluationResult
from evalkit.llm import exchanges
from evalkit.llm.inventory import list_entries
from evalkit.targets.callable import CallableTarget
from evalkit.testing import Reply, ScriptedEndpoint

httpx = pytest.importorskip("httpx")
requests = pytest.importorskip("requests")
pytest.importorskip("vcr")

KEY = "sk-of-the-application"
ROWS = [{"id": f"c{n}", "question": f"q{n}", "expected": "a"} for n in range(6)]
HEADERS = {"Authorization": f"Bearer {KEY}", "Cookie": "sid=c00kie-of-mine"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def evaluated(target: Any, mode: str = "auto", rows: Any = ROWS, **words: Any) -> EvaluationResult:
    """Evaluate *target*, whose HTTP is recorded in a folder."""
    runtime = evalkit.Runtime(
        mode=mode, recordings="recorded", record_http=True, store=False, progress=False
    )
    scorers = words.pop("scorers", ["text.exact_match", "operations.latency"])
    return evalkit.evaluate(target, rows, scorers, runtime=runtime, **words)


def recordings() -> list[Any]:
    """Return what is in the files of the folder."""
    return [json.loads(path.read_bytes()) for path in sorted(Path("recorded").glob("[!.]*/*"))]


def echo(request: Any) -> Reply:
    """Answer with the last message, or the whole body, backwards."""
    answer = request.messages[-1]["content"][::-1]
    return Reply(value=answer, headers={"Set-Cookie": "sid=c00kie-of-mine"})


def asked(question: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": question}]}


def text_of(reply: Any) -> str:
    return str(reply["choices"][0]["message"]["content"])


def by_httpx(url: str) -> Callable[[str], str]:
    def bot(question: str) -> str:
        return text_of(httpx.post(url, json=asked(question), headers=HEADERS).json())

    return bot


def by_httpx_stream(url: str) -> Callable[[str], str]:
    def bot(question: str) -> str:
        with httpx.stream("POST", url, json=asked(question), headers=HEADERS) as reply:
            return text_of(json.loads("".join(reply.iter_text())))

    return bot


def by_async_httpx(url: str) -> Callable[[str], Any]:
    async def bot(question: str) -> str:
        async with httpx.AsyncClient(headers=HEADERS) as client:
            return text_of((await client.post(url, json=asked(question))).json())

    return bot


def by_requests(url: str) -> Callable[[str], str]:
    def bot(question: str) -> str:
        return text_of(requests.post(url, json=asked(question), headers=HEADERS).json())

    return bot


def by_requests_stream(url: str) -> Callable[[str], str]:
    def bot(question: str) -> str:
        with requests.post(url, json=asked(question), headers=HEADERS, stream=True) as reply:
            return text_of(json.loads(b"".join(reply.iter_content(7))))

    return bot


def by_aiohttp(url: str) -> Callable[[str], Any]:
    async def bot(question: str) -> str:
        async with (
            aiohttp.ClientSession(headers=HEADERS) as client,
            client.post(url, json=asked(question)) as reply,
        ):
            return text_of(await reply.json())

    return bot


def by_aiohttp_stream(url: str) -> Callable[[str], Any]:
    async def bot(question: str) -> str:
        async with (
            aiohttp.ClientSession(headers=HEADERS) as client,
            client.post(url, json=asked(question)) as reply,
        ):
            return text_of(json.loads(b"".join([c async for c in reply.content.iter_any()])))

    return bot


def by_openai(url: str) -> Callable[[str], str]:
    openai = pytest.importorskip("openai")
    base_url = url.removesuffix("/chat/completions")

    def bot(question: str) -> str:
        with openai.OpenAI(base_url=base_url, api_key=KEY) as client:
            reply = client.chat.completions.create(**asked(question))
            return str(reply.choices[0].message.content)

    return bot


def by_async_openai(url: str) -> Callable[[str], Any]:
    openai = pytest.importorskip("openai")
    base_url = url.removesuffix("/chat/completions")

    async def bot(question: str) -> str:
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY) as client:
            parts = await client.chat.completions.create(**asked(question), stream=True)
            deltas = [part.choices[0].delta async for part in parts if part.choices]
            return "".join(delta.content or "" for delta in deltas)

    return bot


def by_a_pool(url: str) -> Callable[[str], str]:
    pool, ask = ThreadPoolExecutor(3), by_requests(url)

    def bot(question: str) -> str:
        return "".join(pool.map(ask, [question, f"{question}?", f"{question}!"]))

    return bot


CLIENTS = [
    by_httpx,
    by_httpx_stream,
    by_async_httpx,
    by_requests,
    by_requests_stream,
    by_aiohttp,
    by_aiohttp_stream,
    by_openai,
    by_async_openai,
    by_a_pool,
]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_the_code_runs_on_recorded_replies_without_server_and_key(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedEndpoint(echo) as endpoint:
        bot = client(f"{endpoint.base_url}/chat/completions")
        live = evaluated(bot)
        n = endpoint.calls
        again = evaluated(bot)
        assert endpoint.calls == n
    monkeypatch.delenv("OPENAI_API_KEY")
    replay = evaluated(bot, "replay")

    assert live.failures().empty, live.failures()["explanation"][0]
    answers = list(live.table()["outputs"])
    assert answers[3].startswith("3q")
    assert answers == list(again.table()["outputs"]) == list(replay.table()["outputs"])
    assert len(recordings()) == n
    assert live.facts.notes == ()
    note = replay.facts.notes[-1]
    assert note.startswith(f"{n} HTTP replies replayed, recorded 20")
    assert note.endswith("; the code that asked ran.")
    written = json.dumps(recordings())
    assert KEY not in written
    assert "c00kie" not in written


@pytest.mark.parametrize("client", [by_httpx, by_requests, by_aiohttp, by_openai])
def test_a_changed_prompt_is_a_missing_recording_that_is_named(client: Any) -> None:
    with ScriptedEndpoint(echo) as endpoint:
        bot = client(f"{endpoint.base_url}/chat/completions")
        evaluated(bot)
        n = endpoint.calls
        rows = [{**row, "question": "new"} if row["id"] in {"c1", "c4"} else row for row in ROWS]
        with pytest.raises(NotRecordedError) as caught:
            evaluated(bot, "replay", rows)

    assert endpoint.calls == n
    assert sorted(caught.value.cases) == ["c1", "c4"]
    assert "/v1/chat/completions is not recorded: the nearest" in str(caught.value)
    assert "has another body" in str(caught.value)


def test_code_that_goes_on_without_a_reply_does_not_hide_that_it_is_missing() -> None:
    def bot(question: str) -> str:
        try:
            return str(httpx.get(f"http://127.0.0.1:9/{question}").text)
        except Exception:  # noqa: BLE001  as applications do
            return "a"

    with pytest.raises(NotRecordedError) as caught:
        evaluated(bot, "replay")
    assert len(caught.value.cases) == len(ROWS)


def test_equal_requests_of_a_case_get_their_replies_in_order() -> None:
    states = [f"state {n}" for n in range(100)]
    with ScriptedEndpoint(states) as endpoint:
        url = endpoint.url

        def bot(question: str) -> str:
            return " ".join(requests.get(url).json()["output"] for _ in question)

        live = evaluated(bot, rows=[{"question": "abc", "expected": "a"}])
    replay = evaluated(bot, "replay", rows=[{"question": "abc", "expected": "a"}])

    assert live.table()["outputs"].tolist() == ["state 0 state 1 state 2"]
    assert replay.table()["outputs"].tolist() == ["state 0 state 1 state 2"]


@pytest.mark.parametrize("status", [401, 429, 503])
def test_what_a_server_could_not_answer_is_no_recording(status: int) -> None:
    with ScriptedEndpoint([Reply(status=status), "fine", Reply(status=404)]) as endpoint:
        url = endpoint.url

        def bot(question: str) -> str:
            while (reply := requests.get(url)).status_code == status:
                pass
            return f"{question} {reply.json()['output']} {requests.get(url).status_code}"

        live = evaluated(bot, rows=[{"question": "q", "expected": "a"}])
    replay = evaluated(bot, "replay", rows=[{"question": "q", "expected": "a"}])

    assert live.table()["outputs"].tolist() == ["q fine 404"]
    assert replay.table()["outputs"].tolist() == ["q fine 404"]
    assert sorted(recording["reply"]["http"] for recording in recordings()) == [200, 404]


def test_a_replay_takes_the_time_that_the_server_took() -> None:
    with ScriptedEndpoint("a", latency_seconds=0.3) as endpoint:
        bot = by_requests(f"{endpoint.base_url}/chat/completions")
        evaluated(bot)
    replay = evaluated(bot, "replay")

    assert replay.table()["operations.latency"].min() >= 0.3


def test_evalkit_s_own_clients_keep_to_recordings_of_their_own() -> None:
    with ScriptedEndpoint(echo) as endpoint, ScriptedEndpoint("a") as models:
        judge = evalkit.make_judge(
            "fine",
            "Is {{ outputs }} fine?",
            choices={"a": 1.0, "b": 0.0},
            model="openai/j",
            base_url=models.base_url,
        )
        url = f"{endpoint.base_url}/chat/completions"

        async def bot(question: str) -> str:
            # One for each call: closing it cuts off nobody else's.
            model = evalkit.chat("openai/m", base_url=models.base_url)
            inner = await model.acall(Invocation(case=Case(inputs={"question": question})))
            await model.aclose()
            return f"{await by_aiohttp(url)(question)} {inner.value}"

        live = evaluated(bot, scorers=[judge])
        n = endpoint.calls, models.calls
    replay = evaluated(bot, "replay", scorers=[judge])

    assert n == (len(ROWS), 2 * len(ROWS))
    assert len(recordings()) == sum(n)
    assert sum("http" in recording["reply"] for recording in recordings()) == len(ROWS)
    assert replay["fine"].value == live["fine"].value == 1.0
    assert f"{len(ROWS)} HTTP replies replayed" in " ".join(replay.facts.notes)
    assert f"{2 * len(ROWS)} model calls replayed" in " ".join(replay.facts.notes)


class _Tokens(BaseHTTPRequestHandler):
    """Answers anything with tokens, and headers that are nobody's business."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("X-Api-Key", "k3y-of-the-server")
        self.send_header("Location", "/next?page=2&X-Amz-Signature=s1gned#end")
        self.end_headers()
        self.wfile.write(b'{"access_token": "tok-12345678", "token": "Hello"}')

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  as in the base class
        del format


@pytest.fixture
def tokens() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Tokens) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_secrets_are_no_part_of_what_is_written_or_looked_up(
    tokens: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://me:p4ssword@127.0.0.1:{tokens.server_port}/?api_key=in-address&sig=in-address&page_token=7"
    keys = iter(["tvly-first-key", "tvly-other-key"])

    def bot(question: str) -> str:
        key, own = next(keys), os.environ["OPENAI_API_KEY"]
        reply = httpx.post(url, json={"q": question, "api_key": key, "note": own, "key": "k1"})
        form = httpx.post(url, data={"client_secret": key, "assertion": key, "q": question})
        parts = {"q": question, "password": key}
        file = requests.post(url, files={"file": ("a.bin", b"\xff\x00")}, data=parts)
        return f"{reply.json()['token']} {form.status_code} {file.status_code}"

    rows = [{"question": "q", "expected": "a"}]
    live = evaluated(bot, rows=rows)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    replay = evaluated(bot, "replay", rows)
    written = json.dumps(recordings()).lower()

    assert live.table()["outputs"].tolist() == ["Hello 200 200"]
    assert replay.table()["outputs"].tolist() == ["Hello 200 200"]
    for secret in (KEY, "tok-123", "tvly", "in-address", "p4ssword", "k3y-of-the-server", "s1gned"):
        assert secret not in written
    assert "page_token=7" in written
    assert "/next?page=2&x-amz-signature=[secret]#end" in written
    assert '"key": "k1"' in written


def test_a_form_and_a_session_with_an_address_are_told_apart(tokens: HTTPServer) -> None:
    address = f"http://127.0.0.1:{tokens.server_port}/v1/"

    async def bot(question: str) -> str:
        form = aiohttp.FormData({"q": question, "password": "hunter2-hunter2"})
        form.add_field("file", b"\xff", filename="a.bin")
        async with aiohttp.ClientSession(address) as client, client.post("x", data=form) as reply:
            return str((await reply.json(content_type=None))["token"])

    evaluated(bot)
    replay = evaluated(bot, "replay")

    assert set(replay.table()["outputs"]) == {"Hello"}
    assert {recording["asked"]["request"] for recording in recordings()} == {f"POST {address}x"}
    assert len({json.dumps(recording["asked"]["body"]) for recording in recordings()}) == len(ROWS)
    assert "hunter2" not in json.dumps(recordings())
    assert [entry.model for entry in list_entries("recorded")] == [f"POST {address}x"] * len(ROWS)


def test_worker_processes_say_what_they_replayed() -> None:
    target = CallableTarget(json.dumps, version="1", reference="json:dumps")
    runtime = evalkit.Runtime(recordings="recorded", store=False, backend="processes:2")
    rows = [{"inputs": {"obj": n}, "expectations": {"target": "a"}} for n in range(6)]
    results = [evalkit.evaluate(target, rows, "text.exact_match", runtime=runtime) for _ in "ab"]

    assert results[0].facts.notes == ()
    assert "6 of 6 outputs replayed" in " ".join(results[1].facts.notes)


def test_an_application_in_this_process_runs() -> None:
    calls = list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive
        calls.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a"})

    async def bot(question: str) -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return str((await client.get(f"/{question}")).text)

    evaluated(bot)
    evaluated(bot, "replay")

    assert len(calls) == 2 * len(ROWS)
    assert recordings() == []


def test_outside_of_a_case_clients_are_as_ever() -> None:
    with ScriptedEndpoint("a") as endpoint:
        evaluated(by_requests(f"{endpoint.base_url}/chat/completions"))
        n = len(recordings())

        @evalkit.scorer
        def own_judge(outputs: str) -> bool:
            return bool(outputs) and requests.get(endpoint.url).ok

        evaluated(lambda question: question, scorers=[own_judge])
        assert requests.get(endpoint.url).json() == {"output": "a"}

    assert len(recordings()) == n


def test_without_vcrpy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "_tape_clients", lambda: require("vcr_py", extra="http"))
    with pytest.raises(MissingExtraError, match="of the extra 'http'"):
        evaluated(lambda question: question)
