"""What counts as a number, and what becomes of the rest."""

import math
from typing import Any

import numpy as np
import pytest

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.regression.errors import Mae, number_pairs


def batch_of(target: Any, output: Any) -> CaseBatch:
    return CaseBatch({"outputs": [output], "expectations": [{"target": target}]}, length=1)


@pytest.mark.parametrize(
    ("output", "number"),
    [
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (" -2.5e3\n", -2500.0),
        ("1_000", None),
        ("about 3", None),
        ("", None),
        (math.inf, None),
        (math.nan, None),
        (10**400, None),
        ([3], 3.0),
        (np.array([[3]]), 3.0),
        ([3, 4], None),
        ({"value": 3}, None),
    ],
)
def test_an_output_is_a_number_or_an_invalid_response(output: Any, number: float | None) -> None:
    pairs = number_pairs(batch_of(0, output))

    if number is None:
        assert pairs.column.reasons == {0: "invalid_response"}
    else:
        assert pairs.column.status.tolist() == [Status.OK]
        assert pairs.output.tolist() == [number]


def test_a_target_that_is_no_number_is_not_the_answers_fault() -> None:
    assert number_pairs(batch_of("n/a", 3)).column.reasons == {0: "scorer_error"}


@pytest.mark.parametrize(("target", "output"), [(None, 1), (1, None), (None, None)])
def test_a_case_without_output_or_target_is_skipped(target: Any, output: Any) -> None:
    assert number_pairs(batch_of(target, output)).column.status.tolist() == [Status.SKIPPED]


def test_an_error_too_large_for_a_number_is_a_failure() -> None:
    column = Mae().score_batch(batch_of(-1e308, 1e308))

    assert column.reasons == {0: "scorer_error"}
