from collections.abc import Callable

from evalkit.data.snapshot import Spool

Spooled = Callable[..., Spool]


def test_turns_are_counted_from_the_data_across_chunks(spooled: Spooled) -> None:
    rows = [{"question": f"q{i}", "session": s} for i, s in enumerate("aabba")]

    found = spooled(rows, chunk_rows=2)

    assert found.batch(0, 5).column("turn") == [0, 1, 0, 1, 2]


def test_turns_that_are_given_are_kept_and_counted_on(spooled: Spooled) -> None:
    rows = [{"question": "q", "session": "a", "turn": turn} for turn in (3, None, 1, None)]

    assert spooled(rows).batch(0, 4).column("turn") == [3, 4, 1, 5]


def test_the_group_is_the_session_unless_given(spooled: Spooled) -> None:
    rows = [
        {"question": "q", "session": "a", "group": "g"},
        {"question": "q", "session": "a", "group": None},
        {"question": "q", "session": None, "group": None},
    ]

    assert spooled(rows).strings("group").tolist() == ["g", "a", None]


def test_numbers_name_sessions_too(spooled: Spooled) -> None:
    rows = [{"question": "q", "session": 1}, {"question": "q", "session": 1.0}]

    assert spooled(rows).strings("session").tolist() == ["1", "1"]
