"""Time, money and length of answers."""

from typing import Any

import pytest

from evalkit.plugin import Case, CaseBatch, Status
from evalkit_scorers.operations.latency import Latency


@pytest.mark.parametrize(
    ("measured", "status"),
    [
        pytest.param(0.25, Status.OK, id="measured"),
        pytest.param(0, Status.OK, id="zero"),
        pytest.param(None, Status.SKIPPED, id="not-measured"),
        pytest.param(-1.0, Status.FAILED, id="negative"),
        pytest.param(float("nan"), Status.FAILED, id="not-a-number"),
        pytest.param("fast", Status.FAILED, id="text"),
    ],
)
def test_what_was_measured_is_passed_on(measured: Any, status: Status) -> None:
    column = Latency().score_batch(CaseBatch.of([Case(latency_seconds=measured)]))

    assert column.status.tolist() == [status]
    assert column.cell(0).value == (measured if status is Status.OK else None)


def test_data_without_a_latency_column_is_skipped() -> None:
    column = Latency().score_batch(CaseBatch({"outputs": ["a", "b"]}, length=2))

    assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED]
