"""The laws that every text scorer keeps, checked on all of them."""

import json
import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.canonical import canonical_json
from evalkit.plugin import Additive, CaseBatch, Score, ScoreColumn
from evalkit.scoring.protocol import facts_of
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit_scorers.plugin import evalkit_scorers
from evalkit_scorers.text.bleu import Bleu
from evalkit_scorers.text.matches import Contains, ExactMatch, Regex
from evalkit_scorers.text.readability import Readability
from evalkit_scorers.text.rouge import Rouge

TEXT = [make() for name, make in evalkit_scorers().items() if name.startswith("text.")]
SCORERS: list[Any] = [pytest.param(scorer, id=scorer.name) for scorer in TEXT]
CONFIGURED: list[Any] = [
    pytest.param(ExactMatch(strip=True, ignore_case=True), id="exact_match"),
    pytest.param(Contains(match="all"), id="contains"),
    pytest.param(Regex(pattern=r"\d+", full=True), id="regex"),
    pytest.param(Rouge(variants=("rouge2", "rougeLsum"), references="mean"), id="rouge"),
    pytest.param(Bleu(tokenize="char", smooth_method="floor", smooth_value=0.2), id="bleu"),
    pytest.param(Readability(metrics=("smog_index", "dale_chall")), id="readability"),
]

words = st.sampled_from(["the", "cat", "Cat.", "sat", "é", "日本", "42", "\n", ""])
texts = st.one_of(
    st.none(), st.lists(words, max_size=8).map(" ".join), st.text(alphabet="ab \n", max_size=9)
)
rows = st.lists(
    st.tuples(texts, st.one_of(texts, st.lists(texts, max_size=3))), min_size=1, max_size=6
)


def batch_of(pairs: list[tuple[Any, Any]]) -> CaseBatch:
    expectations = [{} if wanted is None else {"expected_response": wanted} for _, wanted in pairs]
    outputs = [output for output, _ in pairs]
    return CaseBatch({"outputs": outputs, "expectations": expectations}, length=len(pairs))


def columns_of(scorer: Any, batch: CaseBatch) -> Mapping[str | None, ScoreColumn]:
    found = scorer.score_batch(batch)
    return {None: found} if isinstance(found, ScoreColumn) else found


def cells(column: ScoreColumn) -> list[tuple[Score, list[float]]]:
    vectors = column.statistics.vectors if isinstance(column.statistics, Additive) else None
    return [
        (column.cell(row), [] if vectors is None else vectors[row].tolist())
        for row in range(len(column))
    ]


def test_names_are_those_of_the_classes_and_the_plugin_offers_them() -> None:
    names = [scorer.name for scorer in TEXT]

    assert all(name.startswith("text.") for name in names)
    assert len(set(names)) == len(names)
    assert set(names) <= set(evalkit_scorers())
    for scorer in TEXT:
        spelt = "".join(part.capitalize() for part in scorer.name.removeprefix("text.").split("_"))
        assert type(scorer).__name__ == spelt


@pytest.mark.parametrize("scorer", SCORERS)
@given(pairs=rows)
def test_every_cell_is_within_the_declared_range_or_without_value(
    scorer: Any, pairs: list[tuple[Any, Any]]
) -> None:
    for key, column in columns_of(scorer, batch_of(pairs)).items():
        facts = facts_of(scorer, key)
        assert len(column) == len(pairs)
        for cell, _ in cells(column):
            if cell.value is not None:
                assert math.isfinite(cell.value)
                assert facts.low is None or cell.value >= facts.low
                assert facts.high is None or cell.value <= facts.high + 1e-9


@pytest.mark.parametrize("scorer", SCORERS)
@given(pairs=rows)
def test_a_batch_in_any_order_scores_as_its_cases_do(
    scorer: Any, pairs: list[tuple[Any, Any]]
) -> None:
    together = columns_of(scorer, batch_of(pairs))
    backwards = columns_of(scorer, batch_of(pairs[::-1]))

    for key, column in together.items():
        assert cells(backwards[key]) == cells(column)[::-1]
        for row, pair in enumerate(pairs):
            assert cells(columns_of(scorer, batch_of([pair]))[key]) == [cells(column)[row]]


@pytest.mark.parametrize("scorer", SCORERS)
@given(text=texts.filter(lambda text: text is not None))
def test_an_output_equal_to_its_reference_is_best_where_that_is_declared(
    scorer: Any, text: str
) -> None:
    for key, column in columns_of(scorer, batch_of([(text, text)])).items():
        facts = facts_of(scorer, key)
        if facts.best_for_identity:
            assert column.values[0] == (facts.high if facts.direction == "higher" else facts.low)


@pytest.mark.parametrize("scorer", SCORERS)
def test_the_columns_are_the_declared_metrics(scorer: Any) -> None:
    keys = set(columns_of(scorer, batch_of([("a", "a")])))

    assert keys == (set(getattr(scorer, "metric_facts", {})) or {None})


@pytest.mark.parametrize("scorer", SCORERS + CONFIGURED)
def test_a_scorer_is_rebuilt_from_its_specification_and_pickles(scorer: Any) -> None:
    stored = json.loads(canonical_json(specification(scorer)))
    batch = batch_of([("the cat 42", "a cat"), ("42", "42"), (None, "x")])

    for copy in (rebuild(stored), pickle.loads(pickle.dumps(scorer))):  # noqa: S301  our own bytes
        assert copy == scorer
        assert signature(copy) == signature(scorer)
        for key, column in columns_of(copy, batch).items():
            expected = columns_of(scorer, batch)[key]
            np.testing.assert_array_equal(column.values, expected.values)


@pytest.mark.parametrize("scorer", SCORERS)
def test_long_texts_are_scored(scorer: Any) -> None:
    text = "The cat sat on 42 mats. " * 400
    other = text.replace("sat", "lay", 3)

    for column in columns_of(scorer, batch_of([(text, other)])).values():
        assert np.isfinite(column.values).all()
