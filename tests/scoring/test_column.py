"""Columns join, slice and travel as bytes without losing a cell."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.engine.codec import decode_columns, encode_columns
from evalkit.engine.joining import spread
from evalkit.engine.records import CellScored, decoded
from evalkit.entities.score import Score, Status
from evalkit.scoring.column import Additive, Rows, ScoreColumn

numbers = st.floats(allow_nan=False, allow_infinity=False)
scores = st.one_of(
    st.builds(
        Score,
        st.one_of(numbers, st.booleans()),
        label=st.none() | st.text(max_size=5),
        explanation=st.none() | st.text(min_size=1, max_size=5),
        weight=st.floats(0, 10),
        metadata=st.none() | st.dictionaries(st.text(max_size=3), st.integers(-9, 9), min_size=1),
    ),
    st.builds(Score.skipped, st.text(min_size=1, max_size=5)),
    st.builds(Score.failed, st.sampled_from(["timeout", "off_menu"]), st.text(min_size=1)),
)


def cells(column: ScoreColumn) -> list[tuple[object, ...]]:
    """Return every cell, comparable to the last bit."""
    found = [column.cell(row) for row in range(len(column))]
    return [
        (
            None if s.value is None else float(s.value).hex(),
            s.label,
            s.explanation,
            s.weight,
            s.metadata,
            s.status,
            s.reason,
        )
        for s in found
    ]


@given(st.lists(scores, min_size=1, max_size=8))
def test_a_column_comes_back_from_bytes_to_the_last_bit(verdicts: list[Score]) -> None:
    column = ScoreColumn.from_scores(verdicts)
    column.statistics = Rows(
        {
            "label": np.array([str(i) for i in range(len(verdicts))], dtype=object),
            "p": np.linspace(0, 1 / 3, 2 * len(verdicts)).reshape(-1, 2),
        }
    )
    back = decode_columns(encode_columns({"k": column, "": column}))["k"]

    assert cells(back) == cells(column)
    assert back.binary == column.binary
    assert isinstance(back.statistics, Rows)
    assert back.statistics.columns["label"].tolist() == [str(i) for i in range(len(verdicts))]
    assert np.array_equal(back.statistics.columns["p"], column.statistics.columns["p"])


def test_the_scores_of_a_cell_come_back_in_their_order() -> None:
    scored = CellScored(0, "q1\x000", {key: Score(float(n)) for n, key in enumerate("zab")})
    back = decoded(*scored.encoded())

    assert isinstance(back, CellScored)
    assert list(back.scores.items()) == list(scored.scores.items())


def test_columns_come_back_each_under_its_own_key_in_their_order() -> None:
    columns = {key: ScoreColumn.from_values([place, None]) for place, key in enumerate("zab")}
    back = decode_columns(encode_columns(columns))

    assert [(key, column.values[0]) for key, column in back.items()] == [
        ("z", 0.0),
        ("a", 1.0),
        ("b", 2.0),
    ]


@given(st.lists(scores, min_size=1, max_size=8), st.data())
def test_slices_join_to_the_whole(verdicts: list[Score], data: st.DataObject) -> None:
    column = ScoreColumn.from_scores(verdicts)
    column.statistics = Additive(np.arange(2.0 * len(verdicts)).reshape(-1, 2))
    cut = data.draw(st.integers(0, len(verdicts)))
    parts = [column.slice(0, cut), column.slice(cut, len(verdicts))]
    joined = ScoreColumn.concatenate([part for part in parts if len(part)])

    assert cells(joined) == cells(column)
    assert isinstance(joined.statistics, Additive)
    assert np.array_equal(joined.statistics.vectors, column.statistics.vectors)


@given(st.lists(scores, max_size=6), st.sets(st.integers(0, 7)))
def test_failures_are_put_between_scores(verdicts: list[Score], places: set[int]) -> None:
    n = len(verdicts) + len(places)
    failed = {place: Score.failed("target_error", "down") for place in places if place < n}
    n = len(verdicts) + len(failed)
    failed = {place: outcome for place, outcome in failed.items() if place < n}
    kept = [row for row in range(n) if row not in failed][: len(verdicts)]
    if len(kept) + len(failed) != n or len(kept) != len(verdicts):
        return
    whole = spread(ScoreColumn.from_scores(verdicts), kept, failed)

    found = cells(whole)
    assert [found[row] for row in kept] == cells(ScoreColumn.from_scores(verdicts))
    assert all(found[row][5:] == (Status.FAILED, "target_error") for row in failed)


def test_nan_and_infinity_never_enter_a_score() -> None:
    column = ScoreColumn.from_values([1.0, math.nan, math.inf, None, -math.inf])

    assert column.status.tolist() == [Status.OK] + [Status.SKIPPED] * 4
    assert np.isnan(column.values[1:]).all()
