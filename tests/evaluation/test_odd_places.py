"""Evaluations in odd folders, and frames and files with odd columns."""

import datetime as dt
import decimal
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evalkit
from evalkit import Runtime

QUIET = Runtime(progress=False, store=False)
ROW = {"question": "q", "expected": "y", "output": "y"}


@pytest.mark.parametrize("name", [b"caf\xe9", b"x\xff\xfe", "ü".encode()])
def test_an_evaluation_runs_in_a_folder_of_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()
    monkeypatch.chdir(folder)
    store = f"sqlite:///{tmp_path}/e.db"

    result = evalkit.evaluate(
        data=[ROW], scorers=["text.exact_match"], runtime=Runtime(progress=False, store=store)
    )

    assert result["text.exact_match"].value == 1.0
    assert result.facts.status == "complete"


@pytest.mark.parametrize(
    "value",
    [
        dt.timedelta(seconds=3),
        decimal.Decimal("1.10"),
        dt.datetime(2024, 1, 1),  # noqa: DTZ001  as files have them
        dt.date(2024, 1, 1),
        b"\xff",
    ],
    ids=["duration", "decimal", "timestamp", "date", "bytes"],
)
def test_a_parquet_file_gives_functions_what_it_holds(tmp_path: Path, value: Any) -> None:
    pq.write_table(pa.table({"x": [value], "expected": ["y"]}), tmp_path / "a.parquet")
    seen: list[Any] = []

    def bot(x: Any) -> str:
        seen.append(x)
        return "y"

    evalkit.evaluate(
        bot, tmp_path / "a.parquet", ["text.exact_match"], columns={"inputs": ["x"]}, runtime=QUIET
    )

    assert (seen, type(seen[0])) == ([value], type(value))


class Watcher:
    """An estimator that keeps the frame it was given."""

    frame: Any = None

    def fit(self, *_: Any) -> Any:
        return self

    def predict(self, frame: Any) -> list[int]:
        self.frame = frame
        return [0] * len(frame)


def test_an_estimator_gets_the_columns_of_the_frame_whole() -> None:
    frame = pd.DataFrame(
        {
            "flag": pd.array([True, None], dtype="boolean"),
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "price": [decimal.Decimal("1.10"), decimal.Decimal("2.5")],
            "took": pd.to_timedelta(["1s", "2s"]),
            "y": [0, 1],
        }
    )
    model = Watcher()

    evalkit.evaluate(
        model, frame, ["classification.accuracy"], columns={"expectations": "y"}, runtime=QUIET
    )

    pd.testing.assert_frame_equal(model.frame, frame.drop(columns="y"), check_dtype=False)
    assert model.frame["flag"].dtype == "boolean"
    assert model.frame["price"].tolist() == frame["price"].tolist()
