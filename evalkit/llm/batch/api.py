"""A batch endpoint as OpenAI has it: upload, create, look, list, fetch; and the lines of its files.

A line is a request going out, and says what became of it coming back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import anyio

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.ids import new_run_id
from evalkit.errors import TargetError, UsageError
from evalkit.llm.connection import Call, Connection, encoded, refusal_of, shown
from evalkit.llm.openai_reply import mapping_of, reply_of, sequence_of
from evalkit.llm.protocol import ChatReply
from evalkit.llm.retry import Refusal

if TYPE_CHECKING:
    import aiohttp

MARK: Final = "evalkit_batch"
"""Key of a batch's metadata under which it carries the id that we gave it."""

Place = tuple[str, str, str | None]
"""Server, model, and environment variable of the key: what the requests of a batch share."""

_ENDPOINT: Final = "/v1/chat/completions"
_WINDOW: Final = "24h"
_NO_ENDPOINT: Final = frozenset({404, 405, 501})
_GONE: Final = frozenset({404, 410})
_REFUSED: Final = frozenset(range(300, 500)) - {408}
"""Statuses that tell for certain that nothing was started; a timeout (408) does not."""

_OK: Final = 200
_EARLY_ENDS: Final = {
    "expired": ("timeout", "the batch expired before this request was answered"),
    "cancelled": ("provider_error", "the batch was cancelled before this request was answered"),
}
_CREATIONS: Final = 4
_AGAIN_SECONDS: Final = 0.5


class UnseenBatchError(TargetError):
    """Whether a batch is at the provider is not known: it may be, and be paid."""


class BatchApi:
    """The batch endpoint of one server, for one of its models."""

    def __init__(self, root: str, *, place: Place, connection: Connection) -> None:
        """Open nothing yet.

        Args:
            root: Address up to ``/v1``.
            place: Address without credentials, model (providers take one a batch), and whose key.
            connection: What it is reached through; closed by `aclose`.
        """
        self._root = root
        self.place = place
        self.public_root, self.model, _ = place
        self._connection = connection

    async def check(self) -> None:
        """Refuse to gather requests for a server that takes no batches.

        Raises:
            UsageError: If there is no batch endpoint.
        """
        try:
            await self._json(self._list(1))
        except TargetError as error:
            if error.status in _NO_ENDPOINT:
                raise UsageError(
                    f"{self.public_root} has no batch endpoint ({error.explanation}); run without "
                    "batch=, or name the roles whose server has one, such as batch='judge'."
                ) from None
            # Whatever else is wrong will be told of each call, as it is of a live one.

    async def upload(self, lines: bytes) -> str:
        """Return the id of the file that now holds *lines* at the provider.

        Raises:
            TargetError: If it is not taken.
        """
        boundary = f"evalkit-{new_run_id()}"
        kind = f"multipart/form-data; boundary={boundary}"
        call = Call(
            url=f"{self._root}/files", body=_form(boundary, lines), headers={"Content-Type": kind}
        )
        return self._id_of(await self._json(call))

    async def create(self, file_id: str, mark: str) -> Mapping[str, Any]:
        """Start the batch of an uploaded file; one that was started unseen is found by its *mark*.

        Raises:
            TargetError: If it is certainly not taken.
            UnseenBatchError: If it may have been taken.
        """
        wanted = {
            "input_file_id": file_id,
            "endpoint": _ENDPOINT,
            "completion_window": _WINDOW,
            "metadata": {MARK: mark},
        }
        call = Call(url=f"{self._root}/batches", body=encoded(wanted), once=True)
        failed: TargetError | None = None
        for attempt in range(_CREATIONS):
            try:
                return self._batch(await self._json(call))
            except TargetError as error:
                failed = error
            if failed.status in _REFUSED and failed.reason != "rate_limited":
                break
            await anyio.sleep(_AGAIN_SECONDS * 2.0**attempt)
            if failed.reason != "rate_limited":
                # The answer was lost, but the batch may be there, and must not be paid twice.
                batch = await self.find(mark)
                if batch is not None:
                    return batch
        assert failed is not None  # noqa: S101  there was an attempt
        raise failed

    async def find(self, mark: str) -> Mapping[str, Any] | None:
        """Return the batch that carries *mark*; ``None`` if none that is listed does.

        Raises:
            UnseenBatchError: If the provider does not say.
        """
        seen = set[str]()
        last: str | None = None
        while True:
            try:
                page = mapping_of(await self._json(self._list(100, after=last)))
            except TargetError as error:
                text = f"{error.explanation}; a batch may be there, and the next run looks for it"
                raise UnseenBatchError(error.reason, text, status=error.status) from None
            batches = [mapping_of(batch) for batch in sequence_of(page.get("data"))]
            for batch in batches:
                if mapping_of(batch.get("metadata")).get(MARK) == mark:
                    return self._batch(batch)
            ids = [str(batch.get("id")) for batch in batches]
            if not page.get("has_more") or seen.issuperset(ids):  # it knows no pages
                return None
            seen.update(ids)
            last = ids[-1]

    async def look(self, batch_id: str) -> Mapping[str, Any]:
        """Return the batch as it is now.

        Raises:
            TargetError: If the provider does not say.
        """
        return self._batch(
            await self._json(Call(url=f"{self._root}/batches/{batch_id}", method="GET"))
        )

    async def content(self, file_id: str) -> bytes:
        """Return the content of a file.

        Raises:
            TargetError: If it cannot be had.
        """

        async def read(response: aiohttp.ClientResponse) -> bytes:
            return await response.read()

        call = Call(url=f"{self._root}/files/{file_id}/content", method="GET")
        return await self._connection.send(call, read)

    def _list(self, limit: int, *, after: str | None = None) -> Call:
        parameters = {"limit": str(limit)} | ({} if after is None else {"after": after})
        return Call(url=f"{self._root}/batches", method="GET", parameters=parameters)

    async def _json(self, call: Call) -> Any:
        async def read(response: aiohttp.ClientResponse) -> Any:
            body = await response.read()
            try:
                return parse_json(body)
            except ValueError:
                text = shown(body.decode("utf-8", "replace"))
                raise TargetError("invalid_response", f"the answer is not JSON: {text}") from None

        return await self._connection.send(call, read)

    def _batch(self, answer: Any) -> Mapping[str, Any]:
        self._id_of(answer)
        return mapping_of(answer)

    def _id_of(self, answer: Any) -> str:
        identifier = mapping_of(answer).get("id")
        if not isinstance(identifier, str):
            text = self.redacted(shown(str(answer)))
            raise TargetError("invalid_response", f"the answer has no id: {text}")
        return identifier

    def redacted(self, text: str) -> str:
        """Return *text*, which the provider has sent, without what no error may show."""
        return self._connection.redacted(text, self._root)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def is_absent(error: TargetError) -> bool:
    """Say whether *error* tells that what was asked for is not there."""
    return error.status in _GONE


def _form(boundary: str, lines: bytes) -> bytes:
    """Return the multipart form of an upload (RFC 7578)."""
    purpose = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="requests.jsonl"'
        "\r\nContent-Type: application/jsonl\r\n\r\n"
    )
    return b"".join([purpose.encode(), lines, f"\r\n--{boundary}--\r\n".encode()])


Outcome = ChatReply | Refusal


def request_line(custom_id: str, body: bytes) -> bytes:
    r"""Return the line that asks *body*, a chat completion's request.

    Examples:
        >>> request_line("a1", b'{"model":"m"}')
        b'{"custom_id":"a1","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'
    """
    head = encoded({"custom_id": custom_id, "method": "POST", "url": _ENDPOINT})
    return b"".join([head[:-1], b',"body":', body, b"}\n"])


def read_lines(content: bytes) -> Iterator[tuple[str, Outcome]]:
    """Yield the outcome of each line of an output or error file, with its ``custom_id``.

    Lines that are no JSON, or carry no ``custom_id``, are left out: their requests count as
    unanswered.
    """
    for line in content.splitlines():
        try:
            fields = mapping_of(parse_json(line))
        except ValueError:
            continue
        custom_id = fields.get("custom_id")
        if isinstance(custom_id, str):
            yield custom_id, _outcome(fields)


def _outcome(line: Mapping[str, Any]) -> Outcome:
    response, error = mapping_of(line.get("response")), mapping_of(line.get("error"))
    status = response.get("status_code")
    if isinstance(status, int) and status != _OK:
        refusal = refusal_of(status, canonical_json(response.get("body") or error).decode())
        refusal.status = status
        return refusal
    if error:
        expired = error.get("code") == "batch_expired"
        text = shown(str(error.get("message") or error.get("code")))
        return Refusal("timeout" if expired else "provider_error", text, again=True)
    try:
        return reply_of(response.get("body"))
    except TargetError as raised:
        return Refusal(raised.reason, raised.explanation, again=False)


def without_answer(batch: Mapping[str, Any]) -> Refusal:
    """Return why a request has no line in the files of a *batch* that has ended.

    Examples:
        >>> without_answer({"status": "expired"}).reason
        'timeout'
    """
    status = str(batch.get("status"))
    if status in _EARLY_ENDS:
        return Refusal(*_EARLY_ENDS[status], again=True)
    listed = sequence_of(mapping_of(batch.get("errors")).get("data"))
    first = mapping_of(listed[0]) if listed else {}
    why = first.get("message") or first.get("code")
    text = f"the batch failed: {shown(str(why))}" if why else f"the batch ended as {status}"
    return Refusal("provider_error", text, again=True)
