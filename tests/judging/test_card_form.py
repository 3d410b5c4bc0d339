"""A judge's card is checked when it is read: what cannot be is named by file and member."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import DataError
from evalkit.evaluation.calibrate import calibrate
from evalkit.judging import Calibration

ROWS = [
    {"id": f"q{n}", "output": "x", "human": n % 3 > 0, "verdict": n % 3 > 0 or n % 4 == 0}
    for n in range(40)
]


def card_of(rows: list[dict[str, Any]]) -> Calibration:
    columns = {"outputs": "output", "scores.fine": "verdict", "labels.fine": "human"}
    none = evalkit.Runtime(store=False)
    return calibrate("scores.fine", rows, columns=columns, development=0.0, runtime=none)


KAPPA = ("held_out", "figures", "kappa")


@pytest.mark.parametrize(
    ("at", "value", "field"),
    [
        pytest.param((*KAPPA, "value"), float("nan"), "kappa.value", id="nan-value"),
        pytest.param((*KAPPA, "low"), float("nan"), "kappa.low", id="nan-low"),
        pytest.param((*KAPPA, "high"), float("inf"), "kappa.high", id="infinite-high"),
        pytest.param((*KAPPA, "high"), 10**400, "kappa.high", id="huge-high"),
        pytest.param((*KAPPA, "value"), "0.9", "kappa.value", id="text-value"),
        pytest.param((*KAPPA, "value"), -0.99, "low <= value <= high", id="value-outside"),
        pytest.param((*KAPPA, "high"), None, "without an interval", id="half-an-interval"),
        pytest.param((*KAPPA, "n_scored"), 0, "kappa.n_scored", id="no-cases"),
        pytest.param((*KAPPA, "n_scored"), "x", "kappa.n_scored", id="text-count"),
        pytest.param((*KAPPA, "level"), None, "kappa.level", id="no-level"),
        pytest.param((*KAPPA, "level"), 1.0, "kappa.level", id="level-one"),
        pytest.param(("level",), None, "level", id="card-without-level"),
        pytest.param(("held_out",), [1], "held_out", id="list-part"),
        pytest.param(("held_out", "figures"), [], "held_out.figures", id="list-figures"),
        pytest.param(("held_out", "reasons"), ["x"], "held_out.reasons", id="list-reasons"),
        pytest.param(("held_out", "confusion"), [[1], [2, 3]], "confusion", id="ragged-table"),
        pytest.param(("held_out", "n_judged"), 1000, "n_judged", id="more-than-labelled"),
        pytest.param(("signature",), None, "signature", id="no-signature"),
        pytest.param(("kind",), "bogus", "kind: should be 'binary'", id="strange-kind"),
        pytest.param(("kind",), [], "kind", id="list-kind"),
        pytest.param(("remarks",), "text", "remarks", id="text-remarks"),
        pytest.param(("biases",), [1], "biases", id="number-bias"),
        pytest.param(("created",), "now", "created", id="text-time"),
    ],
)
def test_a_card_with_a_member_that_cannot_be_names_file_and_member(
    tmp_path: Path, at: tuple[str, ...], value: Any, field: str
) -> None:
    written: Any = card_of(ROWS).to_json()
    place = written
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = value
    (tmp_path / "x.json").write_text(json.dumps(written), encoding="utf-8")

    with pytest.raises(DataError, match=re.escape(field)) as caught:
        Calibration.load(tmp_path / "x.json")
    assert caught.value.file == str(tmp_path / "x.json")


def test_a_file_that_is_nested_too_deep_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")

    with pytest.raises(DataError, match="nested too deep"):
        Calibration.load(tmp_path / "x.json")


@pytest.mark.parametrize("said", [True, False])
def test_a_judge_that_says_one_thing_alone_is_named_so_first(said: bool) -> None:
    card = card_of([{**row, "verdict": said} for row in ROWS])

    always = f"It says {'yes' if said else 'no'} to all 40 cases"
    assert always in " ".join(str(card).split())


def test_a_judge_that_tells_cases_apart_is_not_said_to_say_one_thing() -> None:
    assert "It says" not in str(card_of(ROWS))
