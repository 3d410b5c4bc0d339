"""Half characters, control characters and formulas are cleaned in every format of reports."""

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from evalkit import EvaluationResult, evaluate, scorer
from evalkit.entities.score import Score
from evalkit.errors import UsageError

HALF = "half an emoji: \ud83d"
FORMATS = ["html", "md", "json", "xml", "csv", "parquet", "tex"]


@scorer
def explained(outputs: str) -> Score:
    return Score(len(outputs), explanation=HALF, metadata={HALF: HALF})


@scorer
def labelled(outputs: str) -> str:
    return HALF + outputs


@scorer
def raises(outputs: str) -> float:
    raise ValueError(HALF + outputs)


@scorer
def keyed(outputs: str) -> dict[str, float]:
    return {HALF: len(outputs)}


def evaluated(one: Any, **settings: Any) -> EvaluationResult:
    return evaluate(data=[{"question": "q", "output": "a"}], scorers=[one], **settings)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("one", [explained, labelled, raises, keyed], ids=lambda one: one.name)
def test_half_characters_of_scorers_are_written_as_a_whole_one(
    one: Any, extension: str, tmp_path: Path
) -> None:
    path = tmp_path / f"r.{extension}"

    evaluated(one).report(path)

    assert path.stat().st_size
    if extension == "parquet":
        assert pq.read_table(path).num_rows == 1
    else:
        path.read_text(encoding="utf-8")


@pytest.mark.parametrize("extension", FORMATS)
def test_so_are_those_of_the_name(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"r.{extension}"

    result = evaluated(explained, name=f"run {HALF}")
    result.report(path)

    assert result.name == "run half an emoji: �"


def test_a_metric_cannot_be_called_so() -> None:
    with pytest.raises(UsageError, match="half of a character"):
        evaluated(scorer(name=HALF)(lambda outputs: len(outputs)))  # noqa: PLW0108


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param('=HYPERLINK("x")', '\'=HYPERLINK("x")', id="equals"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("-2+3", "'-2+3", id="minus"),
        pytest.param("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0", id="plus"),
        pytest.param("-5", "-5", id="number"),
        pytest.param("plain", "plain", id="text"),
        pytest.param("a\x00b\x07", "a�b�", id="control-characters"),
        pytest.param("two\nlines", "two\nlines", id="lines"),
    ],
)
def test_a_spreadsheet_runs_nothing_of_a_table(text: str, written: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    rows = [{"question": "q", "output": text, "expected": "x"}]

    evaluate(data=rows, scorers=["text.exact_match"]).report(path)

    with path.open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["outputs"] == written


@pytest.mark.parametrize("field", ["id", "session", "group", "split", HALF])
def test_those_of_the_data_are_read_in_every_field(field: str, tmp_path: Path) -> None:
    row = {"question": "q", "output": "a", field: HALF}

    result = evaluate(data=[row], scorers=["operations.output_length"])
    result.report(tmp_path / "r.parquet")

    assert result["operations.output_length"].value == 1
