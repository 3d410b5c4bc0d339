"""Cards of recorded verdicts: a column names no judge, so a card speaks for its own data alone."""

import json
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.evaluation.calibrate import calibrate

Rows = list[dict[str, Any]]
LABELS = {"outputs": "output", "scores.p": "verdict", "labels.p": "human", "tags": None}
BARE = {name: column for name, column in LABELS.items() if name != "labels.p"}
GATE = "calibrated(p, accuracy >= 0.8)"

GOOD: Rows = [
    {
        "id": f"q{n}",
        "output": f"answer {n}",
        "human": bool(n % 2),
        "verdict": bool(n % 2 and n % 49),
    }
    for n in range(100)
]


def gated(rows: Rows, columns: dict[str, Any] | None = None) -> evalkit.EvaluationResult:
    return evalkit.evaluate(
        data=rows,
        columns=columns or BARE,
        gates=GATE,
        runtime=evalkit.Runtime(store=False, cards="cards"),
    )


@pytest.fixture
def card(folder: Path) -> Any:
    made = calibrate(
        "scores.p", GOOD, columns=LABELS, development=0.0, runtime=evalkit.Runtime(store=False)
    )
    made.save(folder / "cards" / "p.json")
    return made


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("changed", "what"),
    [
        pytest.param([{**row, "id": f"x{row['id']}"} for row in GOOD], "data", id="other-cases"),
        pytest.param(GOOD[:60], "data", id="part-of-the-cases"),
        pytest.param(
            [{**row, "verdict": bool(n % 3)} for n, row in enumerate(GOOD)],
            "verdicts",
            id="another-judge",
        ),
        pytest.param([{**row, "output": "else"} for row in GOOD], "answers", id="other-answers"),
    ],
)
def test_a_card_speaks_for_no_other_recorded_verdicts(changed: Rows, what: str) -> None:
    result = gated(changed)

    (verdict,) = result.verdict.conditions
    assert verdict.status == "INCONCLUSIVE"
    assert f"is of other recorded verdicts, which name no judge ({what}: " in verdict.why
    assert "evalkit judges calibrate scores.p --data" in verdict.why
    assert result.card("p") is None
    with pytest.raises(UsageError, match="No case has a human label"):
        result.corrected("recorded.p")
    told = json.loads(result.report("report.json").read_text(encoding="utf-8"))
    assert "recorded.p" not in told.get("judges", {})


def test_a_card_speaks_for_the_verdicts_that_it_was_made_on(card: Any) -> None:
    result = gated(GOOD)

    assert result.verdict.status == "PASS"
    assert result.card("p") == card
    assert result.corrected("recorded.p").method == "rogan-gladen"


def test_a_card_that_does_not_say_which_verdicts_it_was_made_on_does_not_count(
    card: Any, folder: Path
) -> None:
    written = card.to_json()
    del written["dataset"]["verdicts"]
    (folder / "cards" / "p.json").write_text(json.dumps(written), encoding="utf-8")

    assert gated(GOOD).verdict.status == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("judged", "status"),
    [
        pytest.param(10, "INCONCLUSIVE", id="a-tenth"),
        pytest.param(97, "INCONCLUSIVE", id="three-missing"),
        pytest.param(98, "PASS", id="two-missing"),
    ],
)
def test_labelled_cases_without_a_verdict_are_told_and_keep_a_gate_from_passing(
    folder: Path, judged: int, status: str
) -> None:
    rows = [{**r, "verdict": r["human"] if n < judged else None} for n, r in enumerate(GOOD)]
    none = evalkit.Runtime(store=False)
    made = calibrate("scores.p", rows, columns=LABELS, development=0.0, runtime=none)
    made.save(folder / "cards" / "p.json")
    result = evalkit.evaluate(
        data=rows,
        columns=BARE,
        gates="calibrated(p, accuracy >= 0.6)",
        runtime=evalkit.Runtime(store=False, cards="cards"),
    )

    (verdict,) = result.verdict.conditions
    missing = f"{100 - judged} of 100 labelled cases have no verdict"
    assert verdict.status == status
    assert (missing in verdict.why) is (status == "INCONCLUSIVE")
    assert any(missing in remark for remark in made.remarks)
