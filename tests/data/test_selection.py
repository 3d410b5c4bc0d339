from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.selection import Draw, Selection
from evalkit.data.snapshot import Spool
from evalkit.errors import DataError, UsageError

Spooled = Callable[..., Spool]
ROWS = [{"question": f"q{i}", "output": i, "split": ("train", "test")[i % 2]} for i in range(100)]


def test_limit_takes_the_first_rows(spooled: Spooled) -> None:
    assert spooled(ROWS, limit=3).batch(0, 3).outputs == [0, 1, 2]


def test_split_takes_the_rows_of_that_part(spooled: Spooled) -> None:
    found = spooled(ROWS, split="test", limit=2, chunk_rows=1)

    assert found.batch(0, found.n).outputs == [1, 3]


def test_an_unknown_split_shows_those_that_are_there(spooled: Spooled) -> None:
    with pytest.raises(DataError, match=r"no row is of split 'tset'\. Did you mean 'test'\?"):
        spooled(ROWS, split="tset")


def test_a_split_of_data_without_splits_is_an_error(spooled: Spooled) -> None:
    with pytest.raises(DataError, match="'test' was asked for, and no row has a split"):
        spooled([{"question": "q"}], split="test")


@pytest.mark.parametrize("sample", [10, 0.1], ids=["count", "share"])
def test_a_sample_keeps_order_ids_and_size(spooled: Spooled, sample: float) -> None:
    whole, found = spooled(ROWS), spooled(ROWS, sample=sample, seed=1, chunk_rows=7)
    outputs = list(found.batch(0, found.n).outputs)

    assert found.n == 10
    assert outputs == sorted(outputs)
    assert found.strings("id").tolist() == [whole.strings("id")[i] for i in outputs]


def test_a_sample_has_the_digests_of_its_rows_alone(spooled: Spooled) -> None:
    found = spooled(ROWS, sample=10)
    alone = spooled([ROWS[i] for i in found.batch(0, 10).outputs])

    assert found.dataset_digest == alone.dataset_digest
    assert found.outputs_digest == alone.outputs_digest


def test_the_seed_decides_and_the_order_of_the_data_does_not(spooled: Spooled) -> None:
    def drawn(rows: Any, seed: int) -> set[Any]:
        return set(spooled(rows, sample=20, seed=seed).batch(0, 20).outputs)

    assert drawn(ROWS, 1) == drawn(ROWS, 1) == drawn(ROWS[::-1], 1)
    assert drawn(ROWS, 1) != drawn(ROWS, 2)


def test_a_sample_larger_than_the_data_is_the_data(spooled: Spooled) -> None:
    assert spooled(ROWS, sample=1000).n == 100


def test_a_share_of_few_rows_is_at_least_one(spooled: Spooled) -> None:
    assert spooled(ROWS[:3], sample=0.01).n == 1


def test_sessions_and_repeats_are_drawn_whole(spooled: Spooled) -> None:
    rows = [
        {"inputs": {"q": f"{s}{t}"}, "session": f"s{s}", "repeat": r, "outputs": (s, t, r)}
        for s in range(10)
        for t in range(3)
        for r in range(2)
    ]

    found = spooled(rows, sample=6)

    assert (found.n, found.n_cases, found.n_repeats) == (6, 6, 2)
    assert len(set(found.strings("session"))) == 2


@given(st.sets(st.text(max_size=5), min_size=1), st.integers(1, 50), st.integers())
def test_a_draw_has_the_size_asked_for(ids: set[str], count: int, seed: int) -> None:
    draw = Draw(Selection(sample=count, seed=seed))
    draw.add(sorted(ids), None, [True] * len(ids))

    assert draw.chosen().sum() == min(count, len(ids))


def test_every_case_is_as_likely_as_the_next() -> None:
    ids = [f"q{i}" for i in range(10)]
    counts = dict.fromkeys(ids, 0)
    for seed in range(400):
        draw = Draw(Selection(sample=3, seed=seed))
        draw.add(ids, None, [True] * 10)
        for name, kept in zip(ids, draw.chosen(), strict=True):
            counts[name] += int(kept)

    assert sum(counts.values()) == 1200
    assert all(85 <= count <= 155 for count in counts.values())  # 120 expected, sd 9.2


@pytest.mark.parametrize(
    "settings",
    [
        {"limit": 0},
        {"limit": True},
        {"sample": 0.0},
        {"sample": 1.5},
        {"sample": 0},
        {"sample": -1},
    ],
    ids=str,
)
def test_a_selection_that_makes_no_sense_is_refused(settings: Any) -> None:
    with pytest.raises(UsageError, match="must be"):
        Selection(**settings)
