"""Batches of labels, as every test of classifiers needs them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from evalkit.plugin import CaseBatch


def labelled(targets: Sequence[Any], outputs: Sequence[Any]) -> CaseBatch:
    columns = {"outputs": list(outputs), "expectations": [{"target": t} for t in targets]}
    return CaseBatch(columns, length=len(outputs))


@pytest.fixture(scope="session")
def batch_of() -> Callable[[Sequence[Any], Sequence[Any]], CaseBatch]:
    return labelled
