"""Which client a model string leads to."""

import importlib.util

import pytest

from evalkit.errors import MissingExtraError, UsageError
from evalkit.llm.open import open_chat_model
from evalkit.llm.openai_compatible import OpenAICompatibleModel
from evalkit.llm.protocol import ChatModel

VARIABLES = (
    "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY", "HOSTED_VLLM_API_BASE",
    "OLLAMA_API_BASE",
)  # fmt: skip
LOCAL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


LEAN = [
    pytest.param("openai/gpt-x", None, "https://api.openai.com/v1", "gpt-x", id="openai"),
    pytest.param("openai/gpt-x", LOCAL, LOCAL, "gpt-x", id="openai elsewhere"),
    pytest.param("ollama/qwen3:8b", None, "http://127.0.0.1:11434/v1", "qwen3:8b", id="ollama"),
    pytest.param("ollama_chat/qwen3", None, "http://127.0.0.1:11434/v1", "qwen3", id="ollama chat"),
    pytest.param("hosted_vllm/meta/llama", LOCAL, LOCAL, "meta/llama", id="vllm"),
    pytest.param("meta/llama", LOCAL + "/", LOCAL, "meta/llama", id="a name of the server's own"),
    pytest.param("llama", LOCAL, LOCAL, "llama", id="a bare name"),
]


@pytest.mark.parametrize(("model", "base_url", "address", "sent"), LEAN)
def test_compatible_servers_get_the_lean_client(
    model: str, base_url: str | None, address: str, sent: str
) -> None:
    found = open_chat_model(model, base_url=base_url)
    assert isinstance(found, OpenAICompatibleModel)
    assert isinstance(found, ChatModel)
    assert (found.name, found.base_url, found.model) == (model, address, sent)


ADDRESSES = [
    pytest.param("openai/x", "OPENAI_BASE_URL", LOCAL, LOCAL, id="openai"),
    pytest.param("openai/x", "OPENAI_API_BASE", LOCAL, LOCAL, id="openai, older"),
    pytest.param("hosted_vllm/x", "HOSTED_VLLM_API_BASE", LOCAL, LOCAL, id="vllm"),
    pytest.param(
        "ollama/x", "OLLAMA_API_BASE", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", id="ollama"
    ),
]


@pytest.mark.parametrize(("model", "variable", "given", "address"), ADDRESSES)
def test_the_address_comes_from_the_providers_variable(
    monkeypatch: pytest.MonkeyPatch, model: str, variable: str, given: str, address: str
) -> None:
    monkeypatch.setenv(variable, given)
    found = open_chat_model(model)
    found.check()  # a server of one's own may do without a key
    assert found.base_url == address


def test_a_named_key_has_to_be_there() -> None:
    with pytest.raises(UsageError, match="MY_KEY is not set"):
        open_chat_model("x", base_url=LOCAL, auth_environment="MY_KEY").check()


REFUSED = [
    pytest.param("hosted_vllm/x", None, "HOSTED_VLLM_API_BASE", id="no address"),
    pytest.param("openai/", None, "names no model", id="no name"),
    pytest.param(" ", LOCAL, "names no model", id="empty"),
    pytest.param("x", "localhost:8000", "no web address", id="address without scheme"),
]


@pytest.mark.parametrize(("model", "base_url", "told"), REFUSED)
def test_what_cannot_be_asked_is_refused(model: str, base_url: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        open_chat_model(model, base_url=base_url)


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="litellm is installed")
def test_other_providers_name_the_extra_that_brings_them() -> None:
    with pytest.raises(
        MissingExtraError, match=r"of the extra 'judges'.* run: pip install 'litellm"
    ):
        open_chat_model("anthropic/claude-x")


@pytest.mark.skipif(importlib.util.find_spec("litellm") is None, reason="litellm is not installed")
def test_other_providers_are_litellms() -> None:
    assert open_chat_model("anthropic/claude-x").base_url is None
