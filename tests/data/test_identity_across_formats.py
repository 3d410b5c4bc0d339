import datetime as dt
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool

Row = dict[str, Any]
Spooled = Callable[..., Spool]

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
columns = st.sampled_from(
    [
        words,
        st.integers(-(2**53) + 1, 2**53 - 1),
        # convert_dtypes makes integers of whole floats; beyond 2**53 that is another content.
        st.floats(-(2.0**53) + 1, 2.0**53 - 1),
        st.booleans(),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    """Draw rows with one type for each column, and missing cells here and there."""
    kinds = {name: draw(columns) for name in ("question", "expected", "output", "region")}
    kinds["question"] = words
    count = draw(st.integers(1, 5))
    return [
        {
            name: draw(kind if name == "question" else st.none() | kind)
            for name, kind in kinds.items()
        }
        for _ in range(count)
    ]


def written(rows: Sequence[Row], folder: Path) -> dict[str, Any]:
    """Return the same rows in every typed format."""
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "a.jsonl").write_text(lines, encoding="utf-8")
    (folder / "a.json").write_text(json.dumps({"cases": list(rows)}), encoding="utf-8")
    (folder / "a.yaml").write_text(json.dumps(list(rows)), encoding="utf-8")
    arrow = pa.Table.from_pylist(list(rows))
    pq.write_table(arrow, folder / "a.parquet")
    return {
        "rows": list(rows),
        "iterator": iter(rows),
        "sparse": [{k: v for k, v in row.items() if v is not None} for row in rows],
        "jsonl": folder / "a.jsonl",
        "json": folder / "a.json",
        "parquet": folder / "a.parquet",
        "pandas": pd.DataFrame(list(rows)),
        "pandas-nullable": pd.DataFrame(list(rows)).convert_dtypes(),
        "polars": pl.DataFrame(list(rows), infer_schema_length=None, strict=False),
        "arrow": arrow,
        "batch": arrow.to_batches()[0],
    }


def digests(data: Any, **settings: Any) -> tuple[str, str | None]:
    with tempfile.TemporaryDirectory() as folder:
        found = spool(data, folder, **settings)
        return found.dataset_digest, found.outputs_digest


@given(tables())
def test_equal_content_has_equal_digests_in_every_format(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {name: digests(data) for name, data in written(rows, Path(folder)).items()}

    assert len(set(found.values())) == 1, found


def test_nested_content_has_equal_digests_in_every_format(tmp_path: Path) -> None:
    rows = [
        {
            "inputs": {"messages": [{"role": "user", "content": "hé"}], "k": 1},
            "expectations": {"expected_facts": ["a", "b"]},
            "retrieved_context": [{"text": "x", "score": 1.0}],
            "tags": {"region": "eu"},
            "outputs": "o",
        },
        {
            "inputs": {"messages": [{"role": "user", "content": "2"}], "k": None},
            "expectations": {"expected_facts": []},
            "retrieved_context": [{"text": "y", "score": None}],
            "tags": {"region": None},
            "outputs": "p",
        },
    ]
    formats = written(rows, tmp_path)
    del formats["pandas-nullable"], formats["sparse"]

    assert len({digests(data) for data in formats.values()}) == 1


def test_yaml_has_the_digest_of_json(tmp_path: Path, spooled: Spooled) -> None:
    rows = [{"question": "a: b", "expected": 1}, {"question": "c", "expected": 2}]
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"cases": rows}))

    assert spooled(tmp_path / "a.yaml").dataset_digest == spooled(rows).dataset_digest


def test_dates_are_equal_in_frames_and_arrow(spooled: Spooled) -> None:
    days = [dt.datetime(2025, 1, 2, 3, 4, 5), None]  # noqa: DTZ001  as frames have them
    rows = [{"question": "q", "day": day} for day in days]
    formats = [rows, pd.DataFrame(rows), pl.DataFrame(rows), pa.Table.from_pylist(rows)]

    found = [spooled(data) for data in formats]

    assert len({spool.dataset_digest for spool in found}) == 1
    assert found[0].batch(0, 1).column("tags") == [{"day": "2025-01-02T03:04:05"}]


def test_numpy_scalars_are_pythons_numbers(spooled: Spooled) -> None:
    plain = [{"question": "q", "expected": 1, "x": 0.5, "ok": True, "v": [1, 2]}]
    numpy = [
        {
            "question": np.str_("q"),
            "expected": np.int32(1),
            "x": np.float64(0.5),
            "ok": np.bool_(True),
            "v": np.array([1, 2]),
        }
    ]

    assert spooled(numpy).dataset_digest == spooled(plain).dataset_digest


def test_integers_of_pandas_stay_integers_beside_missing_ones(spooled: Spooled) -> None:
    frame = pd.DataFrame({"question": ["a", "b"], "expected": [1, None]})

    assert frame["expected"].dtype == np.float64
    assert spooled(frame).batch(0, 1).expectations == [{"target": 1}]


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, pd.NA, np.float32("nan")])
def test_every_sign_of_nothing_is_missing(spooled: Spooled, missing: Any) -> None:
    rows = [{"question": "q", "expected": "e", "weight": missing, "group": missing, "x": missing}]

    found = spooled(rows)

    assert found.dataset_digest == spooled([{"question": "q", "expected": "e"}]).dataset_digest
    assert found.fields == {"id", "inputs", "expectations"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param({"output": "another"}, True, id="outputs"),
        pytest.param({"weight": 2}, True, id="weight"),
        pytest.param({"split": "test"}, True, id="split"),
        pytest.param({"question": "another"}, False, id="inputs"),
        pytest.param({"expected": "another"}, False, id="expectations"),
        pytest.param({"context": "another"}, False, id="retrieved-context"),
        pytest.param({"region": "another"}, False, id="tags"),
        pytest.param({"group": "g"}, False, id="group"),
        pytest.param({"session": "s"}, False, id="session"),
        pytest.param({"id": "1"}, False, id="id"),
    ],
)
def test_the_digest_covers_what_makes_a_data_set(spooled: Spooled, other: Row, same: bool) -> None:
    row = {"question": "q", "output": "o", "expected": "e", "context": "c", "region": "eu"}

    assert (spooled([row | other]).dataset_digest == spooled([row]).dataset_digest) is same


def test_outputs_have_a_digest_of_their_own(spooled: Spooled) -> None:
    rows = [{"question": "q", "output": "o"}]

    assert spooled([{"question": "q", "output": "p"}]).outputs_digest != (
        spooled(rows).outputs_digest
    )
    assert spooled([rows[0] | {"expected": "e"}]).outputs_digest == spooled(rows).outputs_digest


def test_order_matters(spooled: Spooled) -> None:
    rows = [{"question": "a"}, {"question": "b"}]

    assert spooled(rows[::-1]).dataset_digest != spooled(rows).dataset_digest


def test_ids_are_of_the_inputs_and_their_occurrence(spooled: Spooled) -> None:
    rows = [{"question": q, "output": i} for i, q in enumerate(["a", "b", "a", "a"])]

    first, second, third, fourth = spooled(rows, chunk_rows=3).strings("id")

    assert len(first) == 16
    assert second != first
    assert [third, fourth] == [f"{first}.2", f"{first}.3"]
    assert spooled([{"question": "b"}]).strings("id").tolist() == [second]


def test_given_ids_are_kept_and_others_are_made(spooled: Spooled) -> None:
    rows = [{"id": 7, "question": "a"}, {"id": None, "question": "b"}]

    given, made = spooled(rows).strings("id")

    assert given == "7"
    assert made == spooled([{"question": "b"}]).strings("id")[0]


def test_repeats_of_a_case_share_its_id_and_count_once(spooled: Spooled) -> None:
    rows = [
        {"inputs": {"q": q}, "outputs": f"{q}{repeat}", "repeat": repeat}
        for repeat in range(3)
        for q in "ab"
    ]

    found = spooled(rows)

    assert (found.n, found.n_cases, found.n_repeats) == (2, 2, 3)
    assert len(set(found.strings("id"))) == 2
    assert found.cell_values("repeat") == [0, 1, 2, 0, 1, 2]
    assert found.cell_values("outputs") == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert found.batch(1, 2).outputs == ["b0"]
    assert found.dataset_digest == spooled(rows[:2]).dataset_digest
    assert found.outputs_digest != spooled(rows[:2]).outputs_digest


def test_a_text_that_looks_like_a_whole_float_is_not_one(spooled: Spooled) -> None:
    assert (
        spooled([{"question": "[1.0, null]"}]).strings("id")[0]
        != spooled([{"question": "[1, null]"}]).strings("id")[0]
    )
