"""HTTP endpoints that take and give JSON, as targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from evalkit._internal.canonical import parse_json
from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, Output, TargetIdentity
from evalkit.errors import TargetError, UsageError, near_miss
from evalkit.llm.connection import Call, Connection, encoded, is_web_url, shown
from evalkit.llm.retry import RetryPolicy
from evalkit.llm.secrets import public_url, secrets_in_url
from evalkit.llm.session import current_session
from evalkit.scoring.reading import follow
from evalkit.targets.version import resolved_version

if TYPE_CHECKING:
    import aiohttp

Format = Literal["auto", "json", "mlflow", "mlflow_inputs"]

FORMATS: Final = ("auto", "json", "mlflow", "mlflow_inputs")
USUAL_KEYS: Final = ("output", "outputs", "response", "answer")
"""Keys under which an answer is looked for where the user names none."""

SENDABLE: Final = ("history", "session", "repeat", "seed", "id")
_FIELDS: Final = ("retrieved_context", "tool_calls", "usage", "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is sent to an endpoint, and where the answer lies in what comes back."""

    format: Literal["json", "mlflow", "mlflow_inputs"] = "json"
    reads: str | None = None
    """Dotted path of the answer; the usual keys, or else the whole JSON, by default."""

    sends: Sequence[str] = ()
    """What is sent beside the inputs: ``history``, ``session``, ``repeat``, ``seed``, ``id``."""

    def payload(self, invocation: Invocation) -> dict[str, Any]:
        """Return the JSON object that asks about one case.

        Examples:
            >>> from evalkit.entities.case import Case
            >>> invocation = Invocation(case=Case(inputs={"x": 1}))
            >>> Exchange(format="mlflow").payload(invocation)
            {'dataframe_records': [{'x': 1}]}
        """
        case = invocation.case
        more = {
            "history": [dict(turn) for turn in invocation.history],
            "session": case.session,
            "repeat": invocation.repeat,
            "seed": invocation.seed,
            "id": case.id,
        }
        question = {**case.inputs, **{name: more[name] for name in self.sends}}
        if self.format == "mlflow":
            return {"dataframe_records": [question]}
        return {"inputs": question} if self.format == "mlflow_inputs" else question

    def output(self, body: bytes) -> Output:
        """Return the answer in *body*; what else it holds becomes context, usage and metadata.

        Raises:
            TargetError: With reason ``invalid_response`` or ``empty``.

        Examples:
            >>> Exchange().output(b'{"answer": "Paris", "model": "m1"}').metadata
            {'model': 'm1'}
        """
        if not body.strip():
            raise TargetError("empty", "the response has no body")
        try:
            response = parse_json(body)
        except ValueError:
            text = shown(body.decode("utf-8", "replace"))
            raise TargetError("invalid_response", f"the response is not JSON: {text}") from None
        key, value = self._answer(response)
        if value is None:
            raise TargetError("empty", f"the answer is null: {shown(body.decode())}")
        if key is None:
            return Output(value)
        rest = {name: item for name, item in response.items() if name != key}
        details = {name: rest.pop(name) for name in _FIELDS if name in rest}
        return Output(value, **_sound(details), metadata=rest or None)

    def _answer(self, response: Any) -> tuple[str | None, Any]:
        """Return the answer and the key of the response under which it lies, if any."""
        if self.reads is not None:
            key = self.reads.partition(".")[0]
            value = follow(response, self.reads)
            if value is None and not _has(response, self.reads):
                keys = (
                    f"its keys are {', '.join(response)}"
                    if isinstance(response, dict)
                    else "no object"
                )
                raise TargetError("invalid_response", f"the response has no {self.reads!r}: {keys}")
            return (key if isinstance(response, dict) else None), value
        if isinstance(response, dict):
            for key in USUAL_KEYS:
                if key in response:
                    return key, response[key]
            predictions = response.get("predictions")
            if isinstance(predictions, list) and len(predictions) == 1:
                return "predictions", predictions[0]
            if "predictions" in response:
                return "predictions", predictions
        return None, response


class EndpointTarget:
    """Sends each case to an HTTP endpoint, and gives its answer back."""

    lane: Literal["async", "thread", "batch"] = "async"

    def __init__(
        self,
        url: str,
        *,
        exchange: Exchange,
        connection: Connection,
        method: str,
        identity: TargetIdentity,
    ) -> None:
        """Send to *url*; `endpoint` makes one from what a user writes."""
        self._url = url
        self._exchange = exchange
        self._connection = connection
        self._method = method
        self.identity = identity

    def __repr__(self) -> str:
        return f"EndpointTarget({public_url(self._url)!r})"

    def check(self, batch: CaseBatch) -> None:  # noqa: ARG002  any inputs have a JSON form
        """Refuse to start without the token that the user named.

        Raises:
            UsageError: Naming the environment variable to set.
        """
        if current_session().recorder.mode != "replay":
            self._connection.check()

    async def acall(self, invocation: Invocation) -> Output:
        """Return the endpoint's answer.

        Raises:
            TargetError: If there is none.
        """
        question = self._exchange.payload(invocation)
        sent = self._method != "GET"
        query = {n: v if isinstance(v, str) else encoded(v).decode() for n, v in question.items()}
        call = Call(
            url=self._url,
            method=self._method,
            body=encoded(question) if sent else None,
            parameters=None if sent else query,
            seed=invocation.seed,
        )
        return await self._connection.send(call, self._read)

    async def _read(self, response: aiohttp.ClientResponse) -> Output:
        return self._exchange.output(await response.read())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def endpoint(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    auth_environment: str | None = None,
    timeout_seconds: float = 60.0,
    retries: int = 3,
    format: Format = "auto",  # noqa: A002  the word a user looks for
    reads: str | None = None,
    sends: Sequence[str] = (),
    method: str = "POST",
    name: str | None = None,
    version: str | None = None,
) -> EndpointTarget:
    """Return an HTTP endpoint that takes and gives JSON as a target.

    Args:
        url: Address; one that ends in ``/invocations`` speaks MLflow's scoring protocol.
        headers: Headers of each request; their values are never recorded or shown.
        auth_environment: Environment variable that holds a bearer token.
        timeout_seconds: Longest wait for the answer to one attempt.
        retries: Attempts after the first, for connection errors and the statuses 408, 429, 5xx.
        format: ``json`` sends the inputs as they are, ``mlflow`` as ``dataframe_records``,
            ``mlflow_inputs`` as ``inputs``; ``auto`` goes by the address.
        reads: Dotted path of the answer, such as ``answer.text``.  By default ``output``,
            ``outputs``, ``response``, ``answer`` or the sole of ``predictions``, else all of it.
        sends: What to send beside the inputs: ``history``, ``session``, ``repeat``, ``seed``,
            ``id``.
        method: HTTP method; with ``GET`` the inputs are parameters of the address.
        name: Name in tables; host and path by default.
        version: Version by which answers are recorded; ``git`` stands for the commit.

    Raises:
        UsageError: If a setting is wrong.

    Examples:
        >>> endpoint("http://127.0.0.1:9000/invocations").identity.parameters["format"]
        'mlflow'
    """
    if not is_web_url(url):
        raise UsageError(f"{url[:8]!r}… is no web address; one starts with http:// or https://.")
    named = {header.lower() for header in headers or {}}
    if urlsplit(url).username and (auth_environment or "authorization" in named):
        raise UsageError("The address holds a user and there is an authorization; leave one out.")
    if format not in FORMATS:
        raise UsageError(
            f"format={format!r} is none of {', '.join(FORMATS)}.{near_miss(format, FORMATS)}"
        )
    unknown = [word for word in sends if word not in SENDABLE]
    if unknown:
        raise UsageError(f"sends= knows {', '.join(SENDABLE)}; got {', '.join(unknown)}.")
    parts = urlsplit(public_url(url))
    mlflow = parts.path.rstrip("/").endswith("/invocations")
    if format == "auto":
        format = "mlflow" if mlflow else "json"  # noqa: A001  the same word, decided
    exchange = Exchange(format=format, reads=reads, sends=tuple(sends))
    identity = TargetIdentity(
        kind="endpoint",
        name=name or f"{parts.netloc}{parts.path}".rstrip("/"),
        parameters={
            **dataclasses.asdict(exchange),
            "method": method.upper(),
            "headers": sorted(headers or {}),
            "auth_environment": auth_environment,
        },
        # A secret in the address is not recorded, and without it nothing answers there.
        reference=None if secrets_in_url(url) else public_url(url),
        version=resolved_version(version),
    )
    connection = Connection(
        headers=headers,
        auth_environment=auth_environment,
        timeout_seconds=timeout_seconds,
        policy=RetryPolicy(retries=retries),
    )
    return EndpointTarget(
        url, exchange=exchange, connection=connection, method=method.upper(), identity=identity
    )


def _sound(details: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that have the form they should have; a server may use the names freely."""
    kinds: dict[str, Any] = {"tool_calls": list, "usage": dict, "cost": (int, float)}
    return {n: value for n, value in details.items() if isinstance(value, kinds.get(n, object))}


def _has(response: Any, path: str) -> bool:
    """Say whether the last step of *path* is there, though it may be null."""
    parent, _, last = path.rpartition(".")
    holder = follow(response, parent) if parent else response
    return isinstance(holder, Mapping) and last in holder
