"""Chat models as targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal, cast

from evalkit._internal.canonical import parse_answer
from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, Output, TargetIdentity
from evalkit.errors import BindingError, TargetError, UsageError
from evalkit.llm.connection import shown
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.secrets import public_url, secret_setting
from evalkit.llm.session import current_session
from evalkit.llm.template import PromptTemplate, open_template
from evalkit.llm.usage import PARTS
from evalkit.scoring.reading import as_text
from evalkit.targets.binding import owned, shapes
from evalkit.targets.version import resolved_version

Message = Mapping[str, Any]


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

    @property
    def draws(self) -> bool:
        """Whether equal questions are draws of their own: unless the temperature is 0."""
        return self._sampling.get("temperature") != 0  # most providers' own is 1

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

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the answers must know of how the model is asked."""
        templates = [
            part for part in (self._conversation.prompt, self._conversation.system) if part
        ]
        if self._conversation.prompt is None or not all(part.is_constant for part in templates):
            return ()
        text = repr(self._conversation.prompt.text[:40])
        return (
            f"The prompt {text} reads none of the inputs; name one, as in '{{{{ question }}}}'.",
        )

    async def acall(self, invocation: Invocation) -> Output:
        """Return the model's answer."""
        request = self.request(invocation)
        reply = await current_session().complete(
            self._model, request, role="target", reads=self._is_answer
        )
        return self._output(reply)

    def _is_answer(self, reply: ChatReply) -> bool:
        try:
            self._output(reply)
        except TargetError:
            return False
        return True

    def request(self, invocation: Invocation) -> ChatRequest:
        """Return what the model is asked for one case and repeat."""
        return ChatRequest(
            messages=self._conversation.messages(invocation),
            sampling=self._sampling,
            tools=self._tools,
            response_schema=None if self._schema is None else self._schema.schema,
            stream=self._stream,
            repeat=invocation.repeat,
            occurrence=invocation.occurrence,
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
        details: dict[str, Any] = {
            "finish_reason": reply.finish_reason,
            "model": reply.model,
            "refused": True if reply.refusal is not None else None,
            "logprobs": reply.logprobs,
        }
        counted = dict(reply.usage or {})
        # Parts of the others, which a sum over all tokens must not count again.
        details |= {part: counted.pop(part, None) for part in sorted(PARTS)}
        return Output(
            value,
            tool_calls=reply.tool_calls or None,
            usage=counted or None,
            cost=reply.cost,
            metadata={name: value for name, value in details.items() if value is not None} or None,
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
    setting = secret_setting(sampling)
    if setting is not None:
        raise UsageError(
            f"{setting}= would be recorded with the results: put the key into the environment, and "
            "name its variable by auth_environment= if it is not the provider's own."
        )
    template = _template(prompt, "prompt")
    conversation = Conversation(
        prompt=template, system=_template(system, "system"), examples=read_examples(examples)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSchema:
    """A JSON Schema, and the pydantic model it came from if it did.

    Examples:
        >>> schema = ResponseSchema.of({"type": "object", "required": ["city"]})
        >>> schema.read('{"city": "Paris"}')
        {'city': 'Paris'}
    """

    schema: Mapping[str, Any]
    model: Any = None

    @classmethod
    def of(cls, given: Any) -> ResponseSchema:
        """Return *given*, a JSON Schema or a pydantic model class, as a schema.

        Raises:
            UsageError: If it is neither.
        """
        if isinstance(given, Mapping):
            return cls(schema=cast("Mapping[str, Any]", given))
        make = getattr(given, "model_json_schema", None)
        if isinstance(given, type) and callable(make):
            return cls(schema=cast("Mapping[str, Any]", make()), model=given)
        raise UsageError(
            f"response_schema= is a JSON Schema or a pydantic model class; got {given!r}."
        )

    def read(self, text: str) -> Any:
        """Return the value in *text*, which has the keys that the schema requires.

        Raises:
            TargetError: With reason ``invalid_response`` if it is not JSON or lacks something.
        """
        try:
            value = parse_answer(text)
        except ValueError as error:
            problem = f"the answer is not JSON ({error}): {shown(text)}"
            raise TargetError("invalid_response", problem) from None
        if self.model is not None:
            try:
                return self.model.model_validate(value).model_dump(mode="json")
            except ValueError as error:
                problem = f"wrong schema: {shown(str(error))}"
                raise TargetError("invalid_response", problem) from None
        lack = self._lack(value)
        if lack:
            raise TargetError("invalid_response", f"wrong schema: {lack}: {shown(text)}")
        return value

    def _lack(self, value: Any) -> str | None:
        """Say what of the outermost object is missing; what lies within is a scorer's affair."""
        required = self.schema.get("required", ())
        if self.schema.get("type") != "object" and not required:
            return None
        if not isinstance(value, Mapping):
            return "it is no object"
        missing = [name for name in required if name not in value]
        return f"it lacks {', '.join(map(repr, missing))}" if missing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns a case and the history before it into messages.

    Examples:
        >>> from evalkit.entities.case import Case
        >>> conversation = Conversation(prompt=PromptTemplate("Q: {{ question }}"))
        >>> conversation.messages(Invocation(case=Case(inputs={"question": "1 + 1?"})))
        [{'role': 'user', 'content': 'Q: 1 + 1?'}]
    """

    prompt: PromptTemplate | None = None
    """Template over the inputs; without it ``messages`` or the sole text input is sent."""

    system: PromptTemplate | None = None
    """Template of the system message."""

    examples: Sequence[tuple[Any, str]] = ()
    """Pairs of a user's message (a text, or inputs for the prompt) and the answer to it."""

    def messages(self, invocation: Invocation) -> list[Message]:
        """Return system message, examples, earlier turns and the question, in this order.

        Raises:
            BindingError: If the inputs do not fit.
        """
        case = invocation.case
        messages: list[Message] = []
        if self.system is not None:
            text = self.system.render(self._values(case.inputs, case.session))
            messages.append({"role": "system", "content": text})
        for question, answer in self.examples:
            messages += (
                self._asked(question, None) if isinstance(question, Mapping) else [_user(question)]
            )
            messages.append({"role": "assistant", "content": answer})
        for turn in invocation.history:
            messages += self._asked(turn.get("inputs", {}), case.session)
            answered = as_text(turn.get("outputs"))
            if answered is not None:
                messages.append({"role": "assistant", "content": answered})
        return messages + self._asked(case.inputs, case.session)

    def check(self, batch: CaseBatch) -> None:
        """Refuse inputs that the prompt cannot be filled from: one case of each kind is tried.

        Raises:
            BindingError: Naming what is missing and the case.
        """
        for row in shapes(batch.inputs).values():
            case = batch.case(row)
            try:
                self.messages(Invocation(case=case))
            except BindingError as error:
                raise BindingError(f"Case {case.id!r}: {error}") from None

    def _asked(self, inputs: Mapping[str, Any], session: str | None) -> list[Message]:
        if self.prompt is not None:
            return [_user(self.prompt.render(self._values(inputs, session)))]
        messages = inputs.get("messages")
        if isinstance(messages, (list, tuple)):
            return cast("list[Message]", owned(list(cast("Sequence[Any]", messages))))
        texts = [value for value in inputs.values() if isinstance(value, str)]
        if len(texts) != 1:
            raise BindingError(
                "without prompt= a chat target sends inputs['messages'] or the sole text input; "
                f"the inputs are {', '.join(map(repr, inputs)) or 'none'}. Give prompt=, such as "
                "prompt='{{ question }}'."
            )
        return [_user(texts[0])]

    def _values(self, inputs: Mapping[str, Any], session: str | None) -> dict[str, Any]:
        return {**inputs, "inputs": inputs, "session": session}


def read_examples(examples: Sequence[Any]) -> list[tuple[Any, str]]:
    """Return *examples* as pairs; each is such a pair, or a mapping of inputs and outputs.

    Raises:
        UsageError: If one is neither.

    Examples:
        >>> read_examples([("1 + 1?", "2"), {"inputs": {"q": "2 + 2?"}, "outputs": 4}])
        [('1 + 1?', '2'), ({'q': '2 + 2?'}, '4')]
    """
    pairs: list[tuple[Any, str]] = []
    for number, example in enumerate(examples):
        if isinstance(example, Mapping) and {"inputs", "outputs"} <= set(cast("Any", example)):
            question, answer = cast("Mapping[str, Any]", example)["inputs"], example["outputs"]
        elif isinstance(example, (list, tuple)) and len(cast("Any", example)) == 2:  # noqa: PLR2004  a pair
            question, answer = cast("Sequence[Any]", example)
        else:
            raise UsageError(
                f"examples[{number}] is neither a pair (question, answer) nor a mapping with "
                "'inputs' and 'outputs'."
            )
        if not isinstance(question, (str, Mapping)) or answer is None:
            raise UsageError(f"examples[{number}] needs a question and an answer.")
        pairs.append((question, as_text(answer) or ""))
    return pairs


def _user(text: str) -> Message:
    return {"role": "user", "content": text}
