from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import evalkit
from evalkit.data.snapshot import Spool
from evalkit.errors import DataError

Spooled = Callable[..., Spool]
OFF = evalkit.Runtime(store=False, progress=False)
ROWS = [{"q": "a", "gold": "x", "region": "eu"}, {"q": "b", "gold": "y", "region": "us"}]


@pytest.mark.parametrize("spelling", ["gold", ["gold"], ("gold",)])
def test_a_sole_expectation_has_its_columns_name_and_is_the_target(
    spooled: Spooled, spelling: Any
) -> None:
    found = spooled(ROWS, columns={"inputs": "q", "expectations": spelling}).batch(0, 1)

    assert found.expectations == [{"gold": "x", "target": "x"}]
    assert found.case(0).target == "x"


@pytest.mark.parametrize("spelling", ["gold.answer", ["gold.answer"]])
def test_a_path_is_called_by_its_last_step(spooled: Spooled, spelling: Any) -> None:
    rows = [{"q": "a", "gold": {"answer": 3}}]

    found = spooled(rows, columns={"inputs": "q", "expectations": spelling}).batch(0, 1)

    assert found.expectations == [{"answer": 3, "target": 3}]


@pytest.mark.parametrize("spelling", ["region", ["region"]])
def test_a_sole_tag_is_called_as_its_column(spelling: Any) -> None:
    result = evalkit.evaluate(
        data=[{**row, "output": row["gold"]} for row in ROWS],
        scorers=["text.exact_match"],
        columns={"inputs": "q", "expectations": "gold", "tags": spelling},
        gates=["text.exact_match[region=eu] >= 0.1"],
        runtime=OFF,
    )

    assert sorted(result.by("region")["region"]) == ["eu", "us"]
    assert result["text.exact_match"].value == 1.0


@pytest.mark.parametrize("scorer", ["text.exact_match", "text.token_f1", "classification.accuracy"])
def test_scorers_read_a_sole_expectation_of_any_name(scorer: str) -> None:
    rows = [{"q": str(n), "gold": f"word{n % 2}", "output": "word0"} for n in range(20)]

    result = evalkit.evaluate(
        data=rows, scorers=[scorer], columns={"inputs": "q", "expectations": ["gold"]}, runtime=OFF
    )

    assert result[scorer].value == 0.5


def test_columns_of_a_frame_may_be_numbers(spooled: Spooled) -> None:
    frame = pd.DataFrame([["a", "x"]])

    found = spooled(frame, columns={"inputs": [0], "expectations": 1}).batch(0, 1)

    assert (found.inputs, found.expectations) == ([{"0": "a"}], [{"1": "x", "target": "x"}])


def test_a_mapping_of_columns_is_a_table(spooled: Spooled) -> None:
    found = spooled({"question": ["a", "b"], "expected": [1, 2]})

    assert found.values("expectations") == [{"target": 1}, {"target": 2}]


def test_columns_of_different_lengths_are_an_error(spooled: Spooled) -> None:
    with pytest.raises(DataError, match="question has 2, expected has 1"):
        spooled({"question": ["a", "b"], "expected": [1]})


@pytest.mark.parametrize(
    ("features", "name"),
    [(["a", "b"], "x0"), (pd.Series(["a", "b"], name="text"), "text"), (pd.Series([1, 2]), "x0")],
)
def test_a_sole_feature_may_be_a_list_or_a_series(
    spooled: Spooled, features: Any, name: str
) -> None:
    found = spooled((features, [0, 1]))

    assert found.values("inputs") == [{name: value} for value in list(features)]


def test_a_list_of_files_is_read_in_order(tmp_path: Path, spooled: Spooled) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "a"}\n')
    (tmp_path / "b.csv").write_text("question\nb\n")

    found = spooled([tmp_path / "a.jsonl", str(tmp_path / "b.csv")])

    assert found.values("inputs") == [{"question": "a"}, {"question": "b"}]
