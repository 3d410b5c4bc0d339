import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.entities.case import Case
from evalkit.errors import DataError, UsageError

ROWS = [
    {"question": "2 + 2?", "expected": "4", "output": "4", "region": "eu"},
    {"question": "3 + 3?", "expected": "6", "output": "7", "region": None},
]
Spooled = Callable[..., Spool]


def test_cases_come_back_as_the_columns_say(spooled: Spooled) -> None:
    cases = list(spooled(ROWS).batch(0, 2))

    assert [case.inputs for case in cases] == [{"question": "2 + 2?"}, {"question": "3 + 3?"}]
    assert [case.outputs for case in cases] == ["4", "7"]
    assert [case.expectations for case in cases] == [{"target": "4"}, {"target": "6"}]
    assert [case.tags for case in cases] == [{"region": "eu"}, {"region": None}]
    assert [case.weight for case in cases] == [1.0, 1.0]


def test_a_case_survives_the_snapshot_with_every_field(spooled: Spooled) -> None:
    case = Case(
        id="q1",
        inputs={"b": 1, "a": [1.5, None]},
        outputs={"answer": "x"},
        expectations={"expected_response": ["x", "y"]},
        retrieved_context=["a", {"text": "b"}],
        tool_calls=[{"name": "f", "arguments": {"x": 1}}],
        tags={"region": "eu"},
        session="s",
        turn=3,
        group="g",
        weight=0.5,
        split="test",
        must=["text.exact_match >= 1"],
        latency_seconds=0.25,
        cost=0.0,
        trace={"spans": []},
        labels={"grounded": True},
        scores={"f1": 0.5},
        repeat=2,
        time_to_first_token=0.125,
        usage={"input_tokens": 3},
        metadata={"k": "v"},
    )

    assert list(spooled([case]).batch(0, 1)) == [case]


def test_the_data_is_left_as_it_was(spooled: Spooled) -> None:
    rows = copy.deepcopy(ROWS)

    spooled(rows, columns={"tags": ["region"]}, sample=1)

    assert rows == ROWS


def test_an_iterator_is_consumed_once_and_only_as_far_as_the_limit(spooled: Spooled) -> None:
    taken: list[int] = []

    def endless() -> Iterator[dict[str, Any]]:
        while True:
            taken.append(len(taken))
            yield {"question": f"q{len(taken)}"}

    assert spooled(endless(), limit=5).n == 5
    assert len(taken) == 5


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 8192])
def test_chunks_do_not_change_digests_or_row_groups(spooled: Spooled, chunk_rows: int) -> None:
    rows = [{"question": f"q{i % 7}", "output": i} for i in range(20)]

    found = spooled(rows, chunk_rows=chunk_rows)
    whole = spooled(rows)

    assert found.dataset_digest == whole.dataset_digest
    assert found.outputs_digest == whole.outputs_digest
    assert pq.ParquetFile(found.path).num_row_groups == 1
    assert found.strings("id").tolist() == whole.strings("id").tolist()


def test_batches_cross_row_groups(spooled: Spooled) -> None:
    found = spooled([{"question": f"q{i}", "output": i} for i in range(20_000)])

    assert pq.ParquetFile(found.path).num_row_groups == 3
    assert found.batch(8190, 16_390).outputs == list(range(8190, 16_390))
    assert [value for batch in found.batches(3000) for value in batch.outputs] == [*range(20_000)]


def test_a_column_that_first_turns_up_late_is_kept(spooled: Spooled) -> None:
    rows: list[dict[str, Any]] = [{"question": f"q{i}"} for i in range(9000)]
    rows[8999]["cost"] = 0.5

    found = spooled(rows)

    assert found.batch(8998, 9000).column("cost") == [None, 0.5]
    assert found.numbers("cost")[8999] == 0.5
    assert found.fields >= {"cost"}
    assert not list(found.path.parent.glob(".*"))


def test_a_spool_pickles_as_its_path(spooled: Spooled) -> None:
    found = pickle.loads(pickle.dumps(spooled(ROWS)))  # noqa: S301  our own

    assert found.batch(0, 1).outputs == ["4"]


def test_a_field_that_nothing_fills_is_not_there(spooled: Spooled) -> None:
    found = spooled([{"question": "q", "expected": None, "cost": None}])

    assert found.fields == {"id", "inputs"}
    assert not found.batch(0, 1).has("expectations")
    assert found.outputs_digest is None


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    rows: list[Any] = [{"question": f"q{i}"} for i in range(9000)]
    rows.append("not a row")

    with pytest.raises(DataError, match="line 9001"):
        spool(rows, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_is_written_once(tmp_path: Path) -> None:
    spool(ROWS, tmp_path)

    with pytest.raises(UsageError, match="exists already"):
        spool(ROWS, tmp_path)


def test_a_snapshot_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "cases.parquet").write_bytes(b"PAR1")

    with pytest.raises(DataError, match="cannot be read"):
        Spool.open(tmp_path / "cases.parquet")


def test_rows_beyond_the_end_are_an_error(spooled: Spooled) -> None:
    with pytest.raises(IndexError, match="cases 0 to 3 of a snapshot of 2"):
        spooled(ROWS).batch(0, 3)


@pytest.mark.parametrize("data", [[], iter(())], ids=["list", "iterator"])
def test_no_rows_are_an_error(spooled: Spooled, data: Any) -> None:
    with pytest.raises(DataError, match="there are no rows"):
        spooled(data)


def test_a_parquet_file_of_another_kind_is_no_snapshot(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")

    with pytest.raises(DataError, match="no snapshot of an evaluation"):
        Spool.open(tmp_path / "a.parquet")


def test_a_snapshot_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    facts = {b"evalkit": b'{"format":2}'}
    table = pa.table({"id": ["a"]}).replace_schema_metadata(facts)
    pq.write_table(table, tmp_path / "a.parquet")

    with pytest.raises(DataError, match="a newer evalkit wrote this snapshot"):
        Spool.open(tmp_path / "a.parquet")
