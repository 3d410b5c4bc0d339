"""Chat models as targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, Output, TargetIdentity
from evalkit.errors import TargetError, UsageError
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.secrets import names_secret, public_url
from evalkit.llm.session import current_session
from evalkit.llm.template import PromptTemplate, open_template
from evalkit.targets.conversation import Conversation, read_examples
from evalkit.targets.response_schema import ResponseSchema
from evalkit.targets.version import resolved_version


class ChatTarget:
    """Sends each case to a chat model, and gives its answer back."""

    lane: Literal["async", "thread", "batch"] = "async"
    metered = True
    """Its calls go through the model session, which counts, paces and records them."""

    def __init__(
        self,
        model: ChatModel,
        *,
        conversation: Conversation | None = None,
        sampling: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        schema: ResponseSchema | None = None,
        stream: bool = False,
        name: str | None = None,
        version: str | None = None,
        reference: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        """Ask *model*; `chat` makes one from what a user writes.

        Args:
            model: The client.
            conversation: How a case becomes messages.
            sampling: Settings sent unchanged.
            tools: Tools that the model may call, in OpenAI's form.
            schema: What the answer has to follow; the answer is then the parsed value.
            stream: Whether to stream, which times the first token.
            name: Name in tables; the model's by default.
            version: Version by which answers are recorded.
            reference: Model string from which another process can make it again.
            parameters: Everything that changes answers, as the identity shows it.
        """
        self._model = model
        self._conversation = conversation or Conversation()
        self._sampling = dict(sampling or {})
        self._tools = tools
        self._schema = schema
        self._stream = stream
        self.identity = TargetIdentity(
            kind="chat",
            name=name or model.name,
            parameters={"base_url": model.base_url, **(parameters or {})},
            reference=reference,
            version=version,
        )

    def __repr__(self) -> str:
        return f"ChatTarget({self.identity.name!r})"

    def check(self, batch: CaseBatch) -> None:
        """Refuse cases that the prompt cannot be filled from, or a model without its key.

        Raises:
            BindingError: Naming what is missing and the case.
            UsageError: Naming the environment variable to set.
        """
        self._conversation.check(batch)
        if current_session().recorder.mode != "replay":
            self._model.check()

    async def acall(self, invocation: Invocation) -> Output:
        """Return the model's answer."""
        request = self.request(invocation)
        reply = await current_session().complete(self._model, request, role="target")
        return self._output(reply)

    def request(self, invocation: Invocation) -> ChatRequest:
        """Return what the model is asked for one case and repeat."""
        return ChatRequest(
            messages=self._conversation.messages(invocation),
            sampling=self._sampling,
            tools=self._tools,
            response_schema=None if self._schema is None else self._schema.schema,
            stream=self._stream,
            repeat=invocation.repeat,
            seed=invocation.seed,
        )

    def _output(self, reply: ChatReply) -> Output:
        value: Any = reply.text
        if value is None and reply.refusal is not None:
            # That it refuses is what this system answers; scorers judge it like any answer.
            value = reply.refusal
        elif not value and not reply.tool_calls:
            value = _without_text(reply)
        elif value is not None and self._schema is not None:
            value = self._read(value, reply)
        told: dict[str, Any] = {
            "finish_reason": reply.finish_reason,
            "model": reply.model,
            "refused": True if reply.refusal is not None else None,
            "logprobs": reply.logprobs,
        }
        counted = dict(reply.usage or {})
        # Parts of the others, which a sum over all tokens must not count again.
        told |= {part: counted.pop(part, None) for part in ("cached_tokens", "reasoning_tokens")}
        return Output(
            value,
            tool_calls=reply.tool_calls or None,
            usage=counted or None,
            cost=reply.cost,
            metadata={name: known for name, known in told.items() if known is not None} or None,
            time_to_first_token=reply.time_to_first_token,
        )

    def _read(self, text: str, reply: ChatReply) -> Any:
        assert self._schema is not None  # noqa: S101  the caller has looked
        try:
            return self._schema.read(text)
        except TargetError as error:
            if reply.finish_reason == "length":
                raise TargetError("truncated", error.explanation) from None
            raise

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()


def _without_text(reply: ChatReply) -> str:
    """Return the empty text where the model chose it; else say why there is none."""
    if reply.finish_reason == "length":
        raise TargetError("truncated", "the model ran out of tokens before its answer began")
    if reply.finish_reason == "content_filter":
        raise TargetError("refusal", "the provider's content filter held the answer back")
    if reply.text is None:
        raise TargetError("empty", f"no text and no tool call ({reply.finish_reason})")
    return reply.text


def chat(
    model: str,
    *,
    prompt: str | PathLike[str] | None = None,
    system: str | PathLike[str] | None = None,
    examples: Sequence[Any] = (),
    tools: Sequence[Mapping[str, Any]] | None = None,
    response_schema: Any = None,
    base_url: str | None = None,
    auth_environment: str | None = None,
    timeout_seconds: float = 600.0,
    retries: int = 3,
    stream: bool = False,
    name: str | None = None,
    version: str | None = None,
    **sampling: Any,
) -> ChatTarget:
    """Return a chat model as a target.

    Args:
        model: litellm's model string, such as ``openai/gpt-5-mini``; see `open_chat_model`.
        prompt: Jinja2 template over the inputs, or a file (``.md``, ``.txt``, ``.j2``).  Without
            it, ``inputs["messages"]`` or the sole text input is sent.
        system: Template or file of the system message.
        examples: Pairs of question and answer that come before the case, or mappings with
            ``inputs`` (which fill the prompt) and ``outputs``.
        tools: Tools that the model may call, in OpenAI's form.
        response_schema: JSON Schema or pydantic model class; the answer is then the parsed value.
        base_url: Address of an OpenAI-compatible server, up to ``/v1``.
        auth_environment: Environment variable of the key; the provider's own by default.
        timeout_seconds: Longest wait for the answer to one attempt.
        retries: Attempts after the first, for connection errors and the statuses 408, 429, 5xx.
        stream: Whether to stream, which times the first token.
        name: Name in tables; the model string by default.
        version: Version by which answers are recorded; ``git`` stands for the commit.
        **sampling: Sent unchanged, such as ``temperature=0.7``; part of the signature.

    Raises:
        UsageError: If a key is given in the open, a file cannot be read, or a template is wrong.
        MissingExtraError: If the model takes litellm and that is not installed.

    Examples:
        >>> target = chat("ollama/qwen3", prompt="Answer: {{ question }}", temperature=0.0)
        >>> target.identity.parameters["sampling"]
        {'temperature': 0.0}
    """
    for setting in sampling:
        if names_secret(setting) or setting.endswith("headers"):
            raise UsageError(
                f"{setting}= would be recorded with the results: put the key into the "
                "environment, and name its variable by auth_environment= if it is not the "
                "provider's own."
            )
    asked = _template(prompt, "prompt")
    conversation = Conversation(
        prompt=asked, system=_template(system, "system"), examples=read_examples(examples)
    )
    schema = None if response_schema is None else ResponseSchema.of(response_schema)
    client = open_chat_model(
        model,
        base_url=base_url,
        auth_environment=auth_environment,
        timeout_seconds=timeout_seconds,
        retries=retries,
    )
    return ChatTarget(
        client,
        conversation=conversation,
        sampling=sampling,
        tools=tools,
        schema=schema,
        stream=stream,
        name=name,
        version=resolved_version(version),
        # A user or key in the address is not recorded, so nothing could be made from the rest.
        reference=None if base_url and public_url(base_url) != base_url.rstrip("/") else model,
        parameters={
            "prompt": None if conversation.prompt is None else conversation.prompt.text,
            "system": None if conversation.system is None else conversation.system.text,
            "examples": [list(pair) for pair in conversation.examples],
            "tools": None if tools is None else list(tools),
            "response_schema": None if schema is None else schema.schema,
            "stream": stream,
            "auth_environment": auth_environment,
            "sampling": sampling,
        },
    )


def _template(given: str | PathLike[str] | None, what: str) -> PromptTemplate | None:
    if given is None:
        return None
    return open_template(given if isinstance(given, str) else Path(fspath(given)), what=what)
