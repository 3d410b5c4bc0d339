"""The batch endpoint that ships for tests behaves as OpenAI's documentation says."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from evalkit.testing import Fault, ScriptedBatches, ScriptedEndpoint, SeenRequest

FORM = (
    '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    '--b\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n%s\r\n--b--\r\n'
)


def call(endpoint: ScriptedEndpoint, path: str, body: str | None = None) -> Any:
    """Return what the endpoint answers; its content where that is no one JSON value."""
    data = None if body is None else body.encode()
    content = urlopen(Request(endpoint.base_url + path, data)).read()  # noqa: S310  loopback
    lines = [json.loads(line) for line in content.splitlines()]
    return lines if path.endswith("/content") else lines[0]


def begun(endpoint: ScriptedEndpoint, prompts: list[str]) -> str:
    """Upload *prompts*, begin their batch, and return its id."""
    lines = [
        json.dumps(
            {
                "custom_id": prompt,
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "m", "messages": [{"role": "user", "content": prompt}]},
            }
        )
        for prompt in prompts
    ]
    file_id = call(endpoint, "/files", FORM % "\n".join(lines))["id"]
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions"}
    batch = call(endpoint, "/batches", json.dumps({**asked, "completion_window": "24h"}))
    assert batch["status"] == "validating"
    return str(batch["id"])


def script(request: SeenRequest) -> Any:
    """Answer in capitals; fail where asked to."""
    return Fault.SERVER_ERROR if request.prompt == "bad" else request.prompt.upper()


def test_a_batch_ends_after_so_many_looks_with_answers_and_errors_in_files() -> None:
    batches = ScriptedBatches(polls=1)
    with ScriptedEndpoint(script, batches=batches) as endpoint:
        batch_id = begun(endpoint, ["a", "bad", "c"])
        first = call(endpoint, f"/batches/{batch_id}")
        second = call(endpoint, f"/batches/{batch_id}")
        output = call(endpoint, f"/files/{second['output_file_id']}/content")
        errors = call(endpoint, f"/files/{second['error_file_id']}/content")
        listed = call(endpoint, "/batches?limit=5")["data"]

    assert (first["status"], second["status"]) == ("in_progress", "completed")
    assert second["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    found = {
        line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"]
        for line in output
    }
    assert found == {"a": "A", "c": "C"}
    assert [(e["custom_id"], e["response"]["status_code"]) for e in errors] == [("bad", 500)]
    assert [one["id"] for one in listed] == [batch_id]
    assert [request.prompt for request in batches.answered] == ["a", "c"]


@pytest.mark.parametrize(
    ("end", "answered", "told"), [("expired", 1, 1), ("cancelled", 1, 0), ("failed", 0, 0)]
)
def test_batches_end_early_as_scripted(end: str, answered: int, told: int) -> None:
    batches = ScriptedBatches(polls=0, ends=(end,), share=0.5)
    with ScriptedEndpoint(script, batches=batches) as endpoint:
        batch_id = begun(endpoint, ["a", "b"])
        found = call(endpoint, f"/batches/{batch_id}")

    assert found["status"] == end
    assert len(batches.answered) == answered
    assert found["request_counts"]["failed"] == told
    assert (found["errors"] is not None) == (end == "failed")


def test_a_batch_is_cancelled_on_request() -> None:
    with ScriptedEndpoint(script, batches=ScriptedBatches()) as endpoint:
        batch_id = begun(endpoint, ["a"])
        found = call(endpoint, f"/batches/{batch_id}/cancel", "{}")

    assert found["status"] == "cancelled"


@pytest.mark.parametrize("path", ["/batches", "/files/f/content", "/batches/b"])
def test_without_a_script_there_is_no_batch_endpoint(path: str) -> None:
    with ScriptedEndpoint("yes") as endpoint, pytest.raises(HTTPError) as caught:
        call(endpoint, path)

    assert caught.value.code == 404
    caught.value.close()
