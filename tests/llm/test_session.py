"""Sessions: every call of a model is counted by role."""

import pytest

from evalkit.errors import TargetError
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatRequest
from evalkit.llm.session import ModelSession, current_session, use_session
from evalkit.testing import ScriptedEndpoint
from evalkit.testing.replies import Reply

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Return the only loop that the connection runs on."""
    return "asyncio"


def _ask(text: str) -> ChatRequest:
    return ChatRequest(messages=[{"role": "user", "content": text}])


async def test_calls_and_tokens_are_counted_by_role() -> None:
    session = ModelSession()
    with ScriptedEndpoint({"one two": "three"}) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url, retries=0)
        reply = await session.complete(model, _ask("one two"), role="judge")
        with pytest.raises(TargetError):
            await session.complete(model, _ask("unknown"), role="judge")
        await model.aclose()

    spent = session.ledger["judge"]
    assert reply.text == "three"
    assert (spent.calls, spent.failed, spent.cached) == (2, 1, 0)
    assert spent.tokens["output_tokens"] == 1
    assert spent.price is None
    assert session.ledger["target"].calls == 0


async def test_the_session_in_force_ends_with_its_block() -> None:
    outer = current_session()
    with use_session(ModelSession()) as session:
        assert current_session() is session
    assert current_session() is outer


async def test_parts_of_a_count_are_not_added_to_the_sum() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    details = {**usage, "prompt_tokens_details": {"cached_tokens": 4}}
    session = ModelSession()
    with ScriptedEndpoint([Reply(value="x", usage=details)]) as endpoint:  # type: ignore[arg-type]
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        await session.complete(model, _ask("q"), role="target")
        await model.aclose()

    assert session.ledger["target"].tokens == {"input_tokens": 10, "output_tokens": 5}
