"""Accuracy against scikit-learn."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.classification.label_metric import Accuracy

Batch = Callable[[Sequence[Any], Sequence[Any]], CaseBatch]
words = st.sampled_from(["猫", "dog", "", "Dog"])


@given(st.lists(st.tuples(words, words), min_size=1, max_size=30))
def test_the_mean_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    wanted, given = zip(*pairs, strict=True)
    batch = CaseBatch(
        {"outputs": given, "expectations": [{"target": t} for t in wanted]}, length=len(pairs)
    )

    column = Accuracy().score_batch(batch)

    assert column.values.mean() == pytest.approx(accuracy_score(wanted, given), abs=1e-9)


def test_cells_are_declared_as_yes_or_no(batch_of: Batch) -> None:
    column = Accuracy().score_batch(batch_of(["a", "b"], ["a", "a"]))

    assert column.binary
    assert column.cell(0).value is True


def test_rubbish_is_wrong_and_nothing_is_missing(batch_of: Batch) -> None:
    column = Accuracy().score_batch(batch_of(["a", "a", None], ["As an AI…", None, "a"]))

    assert column.status.tolist() == [Status.OK, Status.SKIPPED, Status.SKIPPED]
    assert np.array_equal(column.values, [0.0, np.nan, np.nan], equal_nan=True)
