"""Rankings of systems from votes."""

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import DataError, MissingColumnError, UsageError
from evalkit.judging import Vote, rank_systems, votes_of


def round_of(values: str, *, first: str = "x", second: str = "y") -> list[Vote]:
    """Return votes written as a word of w, l and t for the first system."""
    worth = {"w": 1.0, "l": 0.0, "t": 0.5}
    return [Vote(first, second, worth[letter], str(n)) for n, letter in enumerate(values)]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        pytest.param("model_a", 1.0, id="column"),
        pytest.param("y", 0.0, id="name"),
        pytest.param("B", 0.0, id="letter"),
        pytest.param("tie (inconsistent)", 0.5, id="tie"),
        pytest.param("both bad", 0.5, id="both"),
        pytest.param(0.75, 0.75, id="average-of-orders"),
        pytest.param(True, 1.0, id="truth"),
    ],
)
def test_votes_are_read_in_the_words_of_their_source(said: Any, value: float) -> None:
    (vote,) = votes_of([{"model_a": "x", "model_b": "y", "winner": said}])

    assert vote == Vote("x", "y", value)


def test_a_table_of_preferences_gives_votes_and_missing_ones_give_none() -> None:
    table = pd.DataFrame({"better.preference": [1.0, None, 0.5], "q": [1, 2, 3]})
    rows = table.assign(one="new", other="old")
    votes = votes_of(rows, first="one", second="other", winner="better.preference", group="q")

    assert votes == (Vote("new", "old", 1.0, "1"), Vote("new", "old", 0.5, "3"))


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        pytest.param({"winner": "z"}, DataError, "Row 1 of the votes says 'z'", id="word"),
        pytest.param({"winner": 2}, DataError, "says 2", id="number"),
        pytest.param({"winner": [1]}, DataError, r"says \[1\]", id="list"),
        pytest.param({"winner": "tiered-model"}, DataError, "'tiered-model'", id="begins-as-tie"),
        pytest.param({"winner": "model_c"}, DataError, "Did you mean 'model_", id="near-miss"),
        pytest.param({"winer": "x"}, MissingColumnError, "Did you mean 'winer'", id="column"),
    ],
)
def test_a_vote_that_cannot_be_read_is_an_error(
    row: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        votes_of([{"model_a": "x", "model_b": "y", **row}])


@pytest.mark.parametrize(
    ("one", "other", "said", "value"),
    [
        pytest.param("b", "a", "a", 0.0, id="letters-turned"),
        pytest.param("a", "b", "a", 1.0, id="letters"),
        pytest.param("2", "1", "1", 0.0, id="digits-turned"),
        pytest.param("1", "2", 2, 0.0, id="number-that-is-a-name"),
        pytest.param("1", "2", 1.0, 1.0, id="number-and-name-agree"),
        pytest.param("tiered-model", "z", "tiered-model", 1.0, id="begins-as-tie"),
        pytest.param("model_b", "model_a", "model_a", 0.0, id="columns-turned"),
        pytest.param("b", "a", "tie", 0.5, id="tie"),
    ],
)
def test_a_system_goes_by_its_name_before_any_word_for_its_place(
    one: str, other: str, said: Any, value: float
) -> None:
    (vote,) = votes_of([{"model_a": one, "model_b": other, "winner": said}])

    assert vote == Vote(one, other, value)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        pytest.param("2", "1", 1, id="number-or-name"),
        pytest.param("0", "1", 0, id="nought-or-name"),
        pytest.param("B", "A", "a", id="name-in-another-case"),
        pytest.param("x", "tie", "tie", id="system-called-tie"),
        pytest.param("x", "x", "x", id="against-itself"),
    ],
)
def test_a_vote_that_may_mean_either_is_refused(one: str, other: str, said: Any) -> None:
    with pytest.raises(UsageError, match=r"Row 1 of the votes says .* may mean either"):
        votes_of([{"model_a": one, "model_b": other, "winner": said}])


def test_two_systems_without_ties_have_the_log_odds_of_their_wins() -> None:
    found = rank_systems(round_of("wwwl" * 10), reference="y")

    assert found.model == "bradley-terry"
    assert found["x"].strength == pytest.approx(math.log(3))
    assert found["x"].elo == pytest.approx(1000 + 400 * math.log10(3))
    assert (found["x"].best_rank, found["y"].best_rank) == (1, 2)
    assert found["x"].low is not None
    assert found["x"].low < math.log(3)


def test_a_value_between_a_win_and_a_tie_is_half_of_each() -> None:
    halves = [Vote("x", "y", 0.75, str(n)) for n in range(20)] + round_of("l" * 5)
    whole = round_of("wt" * 10 + "l" * 5)

    assert rank_systems(halves, resamples=20)["x"].strength == pytest.approx(
        rank_systems(whole, resamples=20)["x"].strength
    )


def test_votes_of_one_group_are_drawn_together() -> None:
    alone = round_of("wwlwlwwlwl" * 6)
    votes = [Vote(v.first, v.second, v.value, str(n // 5)) for n, v in enumerate(alone)]
    same = [Vote("x", "y", float(n < 35), str(n // 5)) for n in range(60)]
    free, mixed, alike = (rank_systems(votes, seed=3)["y"] for votes in (alone, votes, same))

    def width(system: Any) -> float:
        return float(system.high - system.low) if system.low is not None else math.inf

    assert width(mixed) < width(free) < width(alike)


def test_equal_systems_share_their_ranks_and_seeds_repeat() -> None:
    votes = round_of("wltwlt" * 8)
    found = rank_systems(votes, seed=5)

    assert [(one.best_rank, one.worst_rank) for one in found.systems] == [(1, 2), (1, 2)]
    assert found == rank_systems(votes, seed=5)
    assert str(found).splitlines()[1].startswith("1–2")
    assert found.table()["win_rate"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("votes", "options", "said"),
    [
        pytest.param(round_of("www"), {}, "y never beat", id="never-lost"),
        pytest.param([], {}, "two systems or more", id="nothing"),
        pytest.param(round_of("wl"), {"reference": "z"}, "reference 'z'", id="reference"),
        pytest.param(round_of("wl"), {"resamples": 0}, "resamples= is at least 1", id="draws"),
        pytest.param(round_of("wl"), {"ties": "thrid"}, "davidson, half or drop", id="ties"),
        pytest.param(
            round_of("wl") + round_of("wl", first="p", second="q"), {}, "never met", id="apart"
        ),
    ],
)
def test_votes_that_rank_nothing_are_refused_by_name(
    votes: list[Vote], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        rank_systems(votes, **options)


def test_few_votes_leave_ranks_open_rather_than_infinite() -> None:
    found = rank_systems(round_of("wwwl"))

    assert found.unfitted > 0.2
    assert (found["x"].low, found["x"].worst_rank) == (None, 2)


@pytest.mark.parametrize("n_groups", [1, 9])
def test_few_groups_leave_ranks_open_however_many_votes_they_hold(n_groups: int) -> None:
    votes = [
        Vote(vote.first, vote.second, vote.value, str(n % n_groups))
        for n, vote in enumerate(round_of("wwwwl" * 200))
    ]
    found = rank_systems(votes, resamples=20)

    assert {(one.low, one.high) for one in found.systems} == {(None, None)}
    assert [(one.best_rank, one.worst_rank) for one in found.systems] == [(1, 2), (1, 2)]
    assert f"10 independent votes (groups) at least, and these are {n_groups}." in str(found)
    assert found.to_json()["note"] == found.note


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=4, max_size=30))
def test_turning_every_vote_round_turns_strengths_round(values: list[float]) -> None:
    votes = [Vote("x", "y", value, str(n)) for n, value in enumerate([*values, 0.0, 1.0])]
    turned = [Vote("y", "x", vote.value, vote.group) for vote in votes]
    one, other = (rank_systems(some, resamples=2)["y"].strength for some in (votes, turned))

    assert one == pytest.approx(-other, abs=1e-8)
