"""Raters who disagree."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import dawid_skene

Equal = Callable[[float | None, str], bool]


@pytest.mark.conformance
def test_dawid_and_skenes_anaesthetists_are_reproduced(
    shared_data: Path, as_printed: Equal
) -> None:
    path = shared_data / "metric_reference/dawid_skene_1979.json"
    counts = np.zeros((45, 5, 4))
    for patient, observer, grade in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        counts[patient - 1, observer - 1, grade - 1] += 1
    found = dawid_skene(counts)
    plurality = counts.sum(axis=1).argmax(axis=1)

    printed = [".3996", ".4220", ".1118", ".0667"]
    assert all(
        as_printed(value, text)
        for value, text in zip(found.prevalence.tolist(), printed, strict=True)
    )
    assert as_printed(found.confusion[0, 0, 0], ".889")
    assert as_printed(found.confusion[0, 1, 1], ".876")
    assert (np.flatnonzero(found.labels != plurality) + 1).tolist() == [2, 12, 36]


def simulated(seed: int) -> tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, size=300)
    said = np.stack(
        [np.where(rng.random(300) < skill, truth, rng.integers(0, 3, 300)) for skill in (0.9, 0.7)]
        + [np.where(rng.random(300) < 0.8, (truth + 1) % 3, truth)],
        axis=1,
    )
    return truth, np.eye(3)[said]


def test_a_rater_who_errs_on_purpose_still_informs() -> None:
    truth, counts = simulated(1)
    found = dawid_skene(counts)
    majority = counts.sum(axis=1).argmax(axis=1)

    assert (found.labels == truth).mean() > (majority == truth).mean() + 0.1
    assert found.confusion[2, 0, 1] > 0.7


votes = st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=3, max_size=20)


@given(votes, st.sampled_from([0.0, 0.1]))
def test_what_is_inferred_are_probabilities(labels: list[list[int]], smoothing: float) -> None:
    found = dawid_skene(np.eye(3)[np.array(labels)], smoothing=smoothing, steps=30)

    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)
    assert found.prevalence.sum() == pytest.approx(1.0)
    assert np.isfinite(found.log_likelihood)


@given(votes)
def test_more_steps_never_lower_the_likelihood(labels: list[list[int]]) -> None:
    counts = np.eye(3)[np.array(labels)]
    short, long = (dawid_skene(counts, steps=steps, tolerance=0.0) for steps in (2, 12))

    assert long.log_likelihood >= short.log_likelihood - 1e-9


def test_missing_labels_are_allowed_but_an_item_needs_one() -> None:
    _, counts = simulated(2)
    counts[:100, 2] = 0
    assert dawid_skene(counts).steps > 1
    counts[0] = 0
    with pytest.raises(ValueError, match="at least one label"):
        dawid_skene(counts)


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="counts must have shape"):
        dawid_skene(np.ones((3, 3)))
