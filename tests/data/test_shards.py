"""Shards divide the cases: each once, sessions whole, and the whole can be told from its parts."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.selection import parse_shard
from evalkit.data.snapshot import Spool
from evalkit.data.spool import merged_order, spool
from evalkit.errors import UsageError


def _parts(rows: Any, folder: Path, of: int, **options: Any) -> list[Spool]:
    return [
        spool(rows, folder / f"part-{part}", shard=f"{part}/{of}", **options)
        for part in range(1, of + 1)
    ]


sessions = st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=8, max_size=30)


@given(sessions, st.integers(1, 3))
def test_parts_are_all_cases_once_with_sessions_whole_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, names: list[str | None], of: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    rows = [{"question": f"q{i}", "session": name, "id": f"c{i}"} for i, name in enumerate(names)]
    whole = spool(rows, folder / "whole", has_model=True)
    parts: list[Spool] = []
    with contextlib.suppress(UsageError):  # a long session may leave nothing for a part
        parts = _parts(rows, folder, of, has_model=True)
    if not parts:
        return

    ids = [part.strings("id").tolist() for part in parts]
    assert [ids[shard][row] for shard, row in merged_order(parts)] == whole.strings("id").tolist()
    homes = {name: set[int]() for name in names}
    for number, part in enumerate(parts):
        for name in part.strings("session"):
            homes[name].add(number)
    assert all(len(home) == 1 for name, home in homes.items() if name is not None)
    for part in parts:
        assert part.facts["shard"]["dataset_digest"] == whole.dataset_digest
        assert part.facts["shard"]["n"] == whole.n


def test_parts_are_about_equal_and_the_same_whatever_the_chunks(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "output": str(i)} for i in range(1000)]

    parts = _parts(rows, tmp_path / "large", 4)
    again = _parts(rows, tmp_path / "small", 4, chunk_rows=7)

    assert [part.n for part in parts] == [250] * 4
    assert [part.dataset_digest for part in again] == [part.dataset_digest for part in parts]
    assert parts[2].facts["shard"]["rows"] == [[500, 750]]
    outputs = {part.facts["shard"]["outputs_digest"] for part in parts}
    assert outputs == {spool(rows, tmp_path / "whole").outputs_digest}


def test_repeats_of_a_case_stay_together_and_a_sample_is_drawn_before(tmp_path: Path) -> None:
    rows = [
        {"id": f"c{i}", "inputs": {"q": i}, "outputs": str(repeat), "repeat": repeat}
        for repeat in range(3)
        for i in range(20)
    ]
    whole = spool(rows, tmp_path / "whole", sample=10, seed=4)

    parts = _parts(rows, tmp_path, 2, sample=10, seed=4)

    assert [part.n_repeats for part in parts] == [3, 3]
    ids = [part.strings("id").tolist() for part in parts]
    assert [ids[shard][row] for shard, row in merged_order(parts)] == whole.strings("id").tolist()


def test_shards_of_other_data_or_not_all_of_them_are_refused(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "output": "a"} for i in range(10)]
    first, second = _parts(rows, tmp_path / "one", 2)
    _, other = _parts([*rows, {"question": "more", "output": "a"}], tmp_path / "two", 2)
    plain = spool(rows, tmp_path / "plain")

    with pytest.raises(UsageError, match=r"each of the 2 shards once; there are 1/2, 1/2\."):
        merged_order([first, first])
    for strangers in ([first, other], [first, plain]):
        with pytest.raises(UsageError, match="their data differ"):
            merged_order(strangers)
    assert len(merged_order([second, first])) == 10


def test_too_many_shards_and_what_is_none_are_refused(tmp_path: Path) -> None:
    rows = [{"question": "q", "output": "a"}] * 2

    with pytest.raises(UsageError, match=r"shard 3/3 has no cases: .* Take fewer shards"):
        spool(rows, tmp_path, shard="3/3")
    assert not list(tmp_path.iterdir())
    for text in ("1", "a/2", "1/2/3", "-1/2"):
        with pytest.raises(UsageError, match="one such as '1/4'"):
            parse_shard(text)
    with pytest.raises(UsageError, match="not '3/2'"):
        spool(rows, tmp_path, shard="3/2")
