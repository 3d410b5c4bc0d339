"""Plug-ins are told of a run's life, and one that raises harms nothing."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import evalkit
from evalkit.hooks.catalog import catalog
from evalkit.hooks.specs import hookimpl


class _Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def evalkit_run_started(self, run_id: str | None, plan: Mapping[str, Any]) -> None:
        """Note the start."""
        self.told.append(f"started {run_id} {plan['name']}")

    @hookimpl
    def evalkit_batch_scored(self, done: int, total: int) -> None:
        """Note a batch."""
        self.told.append(f"{done} of {total}")

    @hookimpl
    def evalkit_run_finished(self, result: evalkit.EvaluationResult) -> None:
        """Raise, as a careless plug-in would."""
        raise RuntimeError(f"no {len(result)}")


@pytest.fixture
def listener() -> Iterator[_Listener]:
    """Register a listener beside the real plug-ins."""
    manager = catalog().plugins.manager
    found = _Listener()
    manager.register(found, name="listener")
    yield found
    manager.unregister(found)


def test_a_listener_hears_the_run_and_its_error_is_one_line(
    listener: _Listener, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"question": "q", "expected": "a", "output": "a"}]
    with caplog.at_level(logging.WARNING, logger="evalkit.plugins"):
        result = evalkit.evaluate(
            data=rows,
            scorers=["text.exact_match", "text.token_f1"],
            name="heard",
            runtime=evalkit.Runtime(store=False),
        )

    assert listener.told == ["started None heard", "1 of 2", "2 of 2"]
    assert caplog.messages == [
        "Plug-in 'listener' raised in evalkit_run_finished: RuntimeError: no 1"
    ]
    assert result["text.exact_match"].value == 1.0
