"""The batch endpoint of a scripted server: files, batches, and what becomes of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import orjson

from evalkit._internal.canonical import parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit.testing.replies import FAULTS, Fault, Reply, SeenRequest, body_of, problem

_ROUTE: Final = re.compile(r"/v1/(files|batches)(?:/([^/?]+))?(?:/(content|cancel))?/?$")
_PART: Final = re.compile(rb"\r\n\r\n(.*?)\r\n--", re.DOTALL)
_LATEST: Final = 20
_OK: Final = 200

Answer = Callable[[SeenRequest], Reply]
Route = tuple[str, str | None, str | None]


def batch_route(request: SeenRequest) -> Route | None:
    """Return noun, id and verb, where *request* is one of a batch endpoint.

    Examples:
        >>> batch_route(SeenRequest(number=0, method="GET", path="/v1/files/f1/content"))
        ('files', 'f1', 'content')
    """
    match = _ROUTE.match(request.path.partition("?")[0])
    return None if match is None else cast("Route", match.groups())


@dataclass(slots=True)
class _Batch:
    number: int
    fields: dict[str, Any]
    polls: int = 0


@dataclass(slots=True)
class ScriptedBatches:
    """Takes files of requests and answers them, after so many looks, as OpenAI's batch API does.

    Examples:
        >>> from evalkit.testing import ScriptedEndpoint
        >>> batches = ScriptedBatches(polls=2)
        >>> with ScriptedEndpoint("yes", batches=batches) as endpoint:
        ...     endpoint.batches is batches, batches.answered
        (True, [])
    """

    polls: int = 1
    """Looks after which a batch has ended; 0 ends it with the first look."""

    ends: Sequence[str] = ("completed",)
    """How batches end, in order, the last word for all further ones: ``completed``, ``failed``,
    ``expired`` or ``cancelled``."""

    share: float = 1.0
    """Share of requests that are answered before a batch expires or is cancelled, in [0, 1]."""

    lost: Sequence[str] = ()
    """Steps that are done, but whose answer is lost (status 500), once each: ``upload``,
    ``create``, ``look``, ``content``."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes], init=False)
    """Content of each file by its id."""

    created: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]], init=False)
    """Every batch as it is now, in order."""

    answered: list[SeenRequest] = field(default_factory=list[SeenRequest], init=False)
    """Requests that were answered, which is what a provider charges for."""

    _batches: dict[str, _Batch] = field(default_factory=dict[str, _Batch], init=False)
    _still_lost: list[str] | None = field(default=None, init=False)

    def reply(self, route: Route, request: SeenRequest, answer: Answer) -> Reply:
        """Return what the batch endpoint says to *request*; *answer* knows the script."""
        noun, identifier, verb = route
        if noun == "files":
            return self._file(request, identifier, verb)
        if request.method == "POST" and identifier is None:
            return self._kept("create", self._create(request))
        if identifier is None:
            return self._list(request)
        batch = self._batches.get(identifier)
        if batch is None:
            return problem(404, f"No batch found with id '{identifier}'")
        if verb == "cancel":
            self._end(batch, "cancelled", answer)
        else:
            self._look(batch, answer)
        return self._kept("look", _json(batch.fields))

    def _file(self, request: SeenRequest, identifier: str | None, verb: str | None) -> Reply:
        if request.method == "POST":
            return self._kept("upload", self._upload(request))
        content = self.files.get(identifier or "")
        if content is None or verb != "content":
            return problem(404, f"No such File object: {identifier}")
        return self._kept("content", Reply(body=content))

    def _kept(self, step: str, reply: Reply) -> Reply:
        """Lose the answer to a step that has been done, where the script says so."""
        if self._still_lost is None:
            self._still_lost = list(self.lost)
        if step in self._still_lost and reply.status == _OK:
            self._still_lost.remove(step)
            return FAULTS[Fault.SERVER_ERROR]
        return reply

    def _upload(self, request: SeenRequest) -> Reply:
        parts = _PART.findall(request.body)
        if len(parts) != 2 or parts[0] != b"batch":  # noqa: PLR2004  purpose and file
            return problem(400, "a file needs the purpose 'batch'")
        identifier = f"file-{len(self.files)}"
        self.files[identifier] = parts[1]
        fields = {"id": identifier, "object": "file", "bytes": len(parts[1]), "purpose": "batch"}
        return _json(fields)

    def _create(self, request: SeenRequest) -> Reply:
        given: Mapping[str, Any] = request.json
        content = self.files.get(given.get("input_file_id", ""))
        if content is None or given.get("completion_window") != "24h":
            return problem(400, "a batch needs an uploaded file, and completion_window 24h")
        identifier = self.start(given["input_file_id"], given.get("metadata"))
        return _json(self._batches[identifier].fields)

    def start(self, file_id: str, metadata: Mapping[str, Any] | None = None) -> str:
        """Begin a batch of a file that is there, as a client does, and return its id."""
        number, total = len(self.created), len(self.files[file_id].splitlines())
        fields: dict[str, Any] = {
            "id": f"batch-{number}",
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": file_id,
            "completion_window": "24h",
            "status": "validating",
            "errors": None,
            "output_file_id": None,
            "error_file_id": None,
            "created_at": now_milliseconds() // 1000,
            "request_counts": {"total": total, "completed": 0, "failed": 0},
            "metadata": metadata,
        }
        self.created.append(fields)
        self._batches[fields["id"]] = _Batch(number, fields)
        return f"batch-{number}"

    def _list(self, request: SeenRequest) -> Reply:
        given = parse_qs(urlsplit(request.path).query)
        limit = int(given.get("limit", [_LATEST])[0])
        listed = self.created[::-1]
        after = given.get("after", [None])[0]
        first = next((n for n, fields in enumerate(listed, 1) if fields["id"] == after), 0)
        page = listed[first : first + limit]
        more = first + limit < len(listed)
        return _json({"object": "list", "data": page, "has_more": more})

    def _look(self, batch: _Batch, answer: Answer) -> None:
        if batch.fields["status"] not in {"validating", "in_progress"}:
            return
        batch.fields["status"] = "in_progress"
        batch.polls += 1
        if batch.polls > self.polls:
            self._end(batch, self.ends[min(batch.number, len(self.ends) - 1)], answer)

    def _end(self, batch: _Batch, status: str, answer: Answer) -> None:
        fields = batch.fields
        fields["status"] = status
        lines = self.files[fields["input_file_id"]].splitlines()
        if status == "failed":
            problem = {"code": "invalid_request", "message": "the file is not taken", "line": 1}
            fields["errors"] = {"object": "list", "data": [problem]}
            return
        done = len(lines) if status == "completed" else math.floor(self.share * len(lines))
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for line in lines[:done]:
            outcome = self._line(parse_json(line), answer)
            (good if outcome["response"]["status_code"] == _OK else bad).append(outcome)
        if status == "expired":
            error = {"code": "batch_expired", "message": "This request could not be executed."}
            for line in lines[done:]:
                custom_id = parse_json(line)["custom_id"]
                bad.append({"custom_id": custom_id, "response": None, "error": error})
        counts = {"completed": len(good), "failed": len(bad)}
        fields["request_counts"] = {"total": len(lines), **counts}
        # As with real ones, the order of answers is not that of requests.
        for name, outcomes in (("output_file_id", good[::-1]), ("error_file_id", bad)):
            if outcomes:
                fields[name] = f"file-{len(self.files)}"
                self.files[fields[name]] = b"".join(orjson.dumps(o) + b"\n" for o in outcomes)

    def _line(self, line: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        request = SeenRequest(
            number=len(self.answered),
            method=line["method"],
            path=line["url"],
            body=orjson.dumps(line["body"]),
        )
        reply = answer(request)
        broken = reply.fault is not None and reply.fault not in FAULTS
        status = 500 if broken else reply.status
        if status == _OK:
            self.answered.append(request)
        body = FAULTS[Fault.SERVER_ERROR].body or b"" if broken else body_of(reply, request)
        try:
            content: Any = parse_json(body)
        except ValueError:
            content = body.decode("utf-8", "replace")
        response = {"status_code": status, "request_id": "r", "body": content}
        return {"custom_id": line["custom_id"], "response": response, "error": None}


def _json(fields: Mapping[str, Any]) -> Reply:
    return Reply(body=orjson.dumps(fields))
