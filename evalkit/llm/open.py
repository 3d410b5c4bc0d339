"""Which client asks a model, by its model string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evalkit.errors import UsageError
from evalkit.llm.connection import is_web_url
from evalkit.llm.litellm_model import LitellmModel
from evalkit.llm.openai_compatible import OpenAICompatibleModel
from evalkit.llm.protocol import ChatModel
from evalkit.llm.retry import RetryPolicy
from evalkit.settings import variable


@dataclass(frozen=True, slots=True)
class _Provider:
    """A provider whose server speaks OpenAI's chat completions."""

    address_environment: tuple[str, ...]
    key_environment: str
    address: str | None = None
    key_required: bool = False
    suffix: str = ""
    """What the address lacks in the provider's own spelling."""


_PROVIDERS: Final = {
    "openai": _Provider(
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "OPENAI_API_KEY",
        address="https://api.openai.com/v1",
        key_required=True,
    ),
    "hosted_vllm": _Provider(("HOSTED_VLLM_API_BASE",), "HOSTED_VLLM_API_KEY"),
    "ollama": _Provider(
        ("OLLAMA_API_BASE",), "OLLAMA_API_KEY", address="http://127.0.0.1:11434", suffix="/v1"
    ),
}
_PROVIDERS["ollama_chat"] = _PROVIDERS["ollama"]


def open_chat_model(
    model: str,
    *,
    base_url: str | None = None,
    auth_environment: str | None = None,
    timeout_seconds: float = 600.0,
    retries: int = 3,
) -> ChatModel:
    """Return the client for *model*; nothing is asked yet.

    ``openai/…``, ``hosted_vllm/…``, ``ollama/…`` and any *base_url* are served by a lean client
    for OpenAI-compatible servers, everything else by litellm.  A provider's prefix is taken off
    the name that the server gets, as litellm does.

    Args:
        model: litellm's model string.
        base_url: Address of an OpenAI-compatible server, up to ``/v1``; the provider's own
            environment variable or address by default.
        auth_environment: Environment variable of the key; the provider's own by default.
        timeout_seconds: Longest wait for the answer to one attempt.
        retries: Attempts after the first.

    Raises:
        UsageError: If there is no model name or no address.
        MissingExtraError: If it takes litellm and that is not installed.

    Examples:
        >>> open_chat_model("hosted_vllm/qwen3", base_url="http://127.0.0.1:8000/v1").base_url
        'http://127.0.0.1:8000/v1'
    """
    policy = RetryPolicy(retries=retries)
    prefix, _, rest = model.partition("/")
    provider = _PROVIDERS.get(prefix) if rest else None
    if not model.strip() or model.endswith("/"):
        raise UsageError(f"{model!r} names no model; give one such as 'openai/gpt-5-mini'.")
    if provider is None and base_url is None:
        return LitellmModel(
            model, auth_environment=auth_environment, timeout_seconds=timeout_seconds, policy=policy
        )
    defaults = provider or _PROVIDERS["openai"]
    address = base_url or _address(prefix, defaults)
    if not is_web_url(address):
        raise UsageError(
            f"The address of {model!r} ({address[:8]!r}…) is no web address; one starts with "
            "http:// or https://."
        )
    return OpenAICompatibleModel(
        model if provider is None else rest,
        name=model,
        base_url=address,
        auth_environment=auth_environment or defaults.key_environment,
        # A server of one's own may do without a key, unless the user named one.
        key_required=bool(auth_environment)
        or (defaults.key_required and address == defaults.address),
        timeout_seconds=timeout_seconds,
        policy=policy,
    )


def _address(prefix: str, provider: _Provider) -> str:
    given = next(filter(None, map(variable, provider.address_environment)), provider.address)
    if given is None:
        names = " or ".join(provider.address_environment)
        raise UsageError(f"{prefix}/… needs base_url=, or the environment variable {names}.")
    address = given.rstrip("/")
    return address if address.endswith(provider.suffix) else address + provider.suffix
