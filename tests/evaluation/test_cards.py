"""Cards: found by signature, required by gates, shown in reports, used to correct."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import UnknownMetricError, UsageError
from evalkit.evaluation.agreement.judged import judged
from evalkit.judging import Calibration, Judge
from evalkit.testing import ScriptedEndpoint

NOTHING_KEPT = evalkit.Runtime(store=False)
Rows = list[dict[str, Any]]
Make = Callable[..., Judge]

LABELLED: Rows = [
    {
        "id": f"q{n}",
        "output": f"{'good' if n % 3 else 'bad'} answer {n}",
        "human": bool(n % 3) != (n % 25 == 0),
    }
    for n in range(200)
]
NEW: Rows = [{"id": f"n{n}", "output": f"{'good' if n % 4 else 'bad'} one {n}"} for n in range(80)]
COLUMNS = {"outputs": "output", "labels.fine": "human"}


@pytest.fixture
def make() -> Iterator[Make]:
    """Make judges of one endpoint, which calls an answer fine if it says that it is good."""

    def answer(request: Any) -> Any:
        return {"rationale": "so", "verdict": "yes" if "good " in request.prompt else "no"}

    with ScriptedEndpoint(answer) as endpoint:

        def made(question: str = "Is {{ outputs }} fine?") -> Judge:
            judge = evalkit.make_judge("fine", question)
            return judge.with_model("scripted", base_url=endpoint.base_url)

        yield made


def gated(judge: Judge, *gates: str, **runtime: Any) -> evalkit.EvaluationResult:
    return evalkit.evaluate(
        data=NEW,
        columns={"outputs": "output"},
        scorers=judge,
        gates=gates,
        runtime=evalkit.Runtime(**runtime),
    )


def test_a_later_evaluation_by_the_same_judge_finds_the_newest_card(make: Make) -> None:
    make().calibrate(LABELLED[:60], columns=COLUMNS)
    newest = make().calibrate(LABELLED, columns=COLUMNS)

    result = gated(make(), "calibrated(fine, kappa >= 0.6)")

    assert result.card("fine") == newest
    assert result.verdict.status == "PASS"
    assert "(n=" in result.verdict.conditions[0].why


def test_without_a_card_the_gate_is_inconclusive_and_says_how_to_make_one(make: Make) -> None:
    result = gated(make(), "calibrated(fine, kappa >= 0.6)", store=False)

    (verdict,) = result.verdict.conditions
    assert verdict.status == "INCONCLUSIVE"
    assert "'fine' is not calibrated" in verdict.why
    assert "evalkit judges calibrate FILE.yaml --data labelled.csv" in verdict.why
    assert result.card("fine") is None


def test_a_card_of_another_signature_does_not_count_and_what_differs_is_named(make: Make) -> None:
    make().calibrate(LABELLED, columns=COLUMNS)

    result = gated(make("Is {{ outputs }} really fine?"), "calibrated(fine, kappa >= 0.6)")

    (verdict,) = result.verdict.conditions
    assert verdict.status == "INCONCLUSIVE"
    assert "another signature (prompt: " in verdict.why
    assert result.card("fine") is None


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        pytest.param("calibrated(fine, accuracy >= 0.8)", "PASS", id="whole-interval"),
        pytest.param("calibrated(fine, accuracy >= 0.99)", "FAIL", id="none-of-it"),
        pytest.param("calibrated(fine, accuracy >= 0.95)", "INCONCLUSIVE", id="part-of-it"),
        pytest.param("calibrated(fine, accuracy >= 0.95 @ point)", "PASS", id="point"),
        pytest.param("calibrated(fine, kappa >= 0.5) @ ci99", "INCONCLUSIVE", id="other-level"),
        pytest.param("calibrated(fine, kappa >= 0.5) @ ci90", "PASS", id="lower-level"),
        pytest.param("calibrated(fine, kappa >= 0.5 @ point)", "PASS", id="point-no-level"),
        pytest.param("calibrated(fine, weighted_kappa >= 0)", "INCONCLUSIVE", id="no-figure"),
        pytest.param("calibrated(fine, ac1 >= 0.6) and fine >= 0.5", "PASS", id="joined"),
    ],
)
def test_the_interval_of_the_card_decides(make: Make, gate: str, status: str) -> None:
    card = make().calibrate(LABELLED, columns=COLUMNS, development=0.0)
    accuracy = card["accuracy"]
    assert (accuracy.low or 0) < 0.95 < (accuracy.value or 0) < (accuracy.high or 1) < 0.99

    assert gated(make(), gate).verdict.status == status


@pytest.mark.parametrize(
    ("made_at", "run_at", "status", "told"),
    [
        pytest.param(0.5, 0.95, "INCONCLUSIVE", "are at 0.5, below the 0.95", id="lower"),
        pytest.param(0.99, 0.95, "PASS", "interval is at level 0.99", id="higher"),
        pytest.param(0.9, 0.9, "PASS", "interval is at level 0.9", id="equal"),
    ],
)
def test_a_card_of_a_lower_level_than_the_run_does_not_decide(
    make: Make, made_at: float, run_at: float, status: str, told: str
) -> None:
    make().calibrate(LABELLED, columns=COLUMNS, level=made_at)
    result = evalkit.evaluate(
        data=NEW,
        columns={"outputs": "output"},
        scorers=make(),
        gates="calibrated(fine, kappa >= 0.6)",
        level=run_at,
    )

    (verdict,) = result.verdict.conditions
    assert verdict.status == status
    assert told in verdict.why


def test_cards_are_found_in_a_folder_where_there_is_no_store(make: Make, folder: Path) -> None:
    card = make().calibrate(LABELLED, columns=COLUMNS, runtime=NOTHING_KEPT)
    card.save(folder / "cards" / "fine.json")
    (folder / "cards" / "other.json").write_text("{}", encoding="utf-8")
    gate = "calibrated(fine, kappa >= 0.6)"

    assert gated(make(), gate, store=False).verdict.status == "INCONCLUSIVE"
    assert gated(make(), gate, store=False, cards="cards").verdict.status == "PASS"
    assert gated(make(), gate, store=False, cards="cards/fine.json").verdict.status == "PASS"

    (folder / "pyproject.toml").write_text('[tool.evalkit]\ncards = "cards"\n', encoding="utf-8")
    assert gated(make(), gate, store=False).verdict.status == "PASS"


def test_a_folder_of_cards_that_is_not_there_is_told(make: Make) -> None:
    result = gated(make(), "calibrated(fine, kappa >= 0.6)", store=False, cards="nowhere")

    (verdict,) = result.verdict.conditions
    assert verdict.status == "INCONCLUSIVE"
    assert "nowhere: there is no such folder of cards" in verdict.why


def test_a_gate_on_an_unknown_judge_is_an_error_before_anything_is_asked(make: Make) -> None:
    with pytest.raises(UnknownMetricError, match="fien"):
        gated(make(), "calibrated(fien, kappa >= 0.6)")


def test_failed_verdicts_of_the_calibration_keep_a_gate_from_passing(make: Make) -> None:
    card = make().calibrate(LABELLED, columns=COLUMNS, development=0.0, runtime=NOTHING_KEPT)
    figures = {
        name: dataclasses.replace(one, n_total=220, n_failed=20)
        for name, one in card.held_out.figures.items()
    }
    thin = dataclasses.replace(card.held_out, figures=figures, n_labelled=220, n_failed=20)
    dataclasses.replace(card, held_out=thin).save("cards/fine.json")

    result = gated(make(), "calibrated(fine, kappa >= 0.6)", store=False, cards="cards")

    assert result.verdict.status == "FAIL"
    assert "coverage" in result.verdict.conditions[0].why


def test_a_run_without_labels_is_corrected_by_the_error_rates_of_the_card(make: Make) -> None:
    card = make().calibrate(LABELLED, columns=COLUMNS, development=0.0)
    counts = card.error_counts()
    assert counts is not None
    result = gated(make())

    found = result.corrected("fine")

    by_hand = result.corrected("fine", sensitivity=counts[0], specificity=counts[1])
    assert found == by_hand
    assert found.method == "rogan-gladen"
    assert found.raw.value == 0.75


def test_copies_in_groups_behind_a_card_make_its_error_rates_no_more_exact(make: Make) -> None:
    make().calibrate(LABELLED, columns=COLUMNS, development=0.0)
    alone = gated(make()).corrected("fine")
    copies = [
        {**row, "id": f"{row['id']}-{copy}", "topic": row["id"], "q": copy}
        for row in LABELLED
        for copy in range(5)
    ]
    columns = {**COLUMNS, "inputs": "q", "group": "topic"}
    make().calibrate(copies, columns=columns, development=0.0)
    grouped = gated(make()).corrected("fine")

    assert grouped.value == pytest.approx(alone.value)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=0.01)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"labels.fine": "a"}, id="one-column"),
        pytest.param({"labels.fine.a": "a", "labels.fine.b": "b"}, id="column-each"),
        pytest.param({"labels.fine": "both"}, id="list"),
    ],
)
def test_a_runs_own_labels_come_before_the_card(make: Make, columns: dict[str, str]) -> None:
    make().calibrate(LABELLED, columns=COLUMNS)
    said = [n % 4 != 1 if n < 40 else None for n in range(len(NEW))]
    rows = [
        {**row, "a": one, "b": one, "both": [one, one]} for row, one in zip(NEW, said, strict=True)
    ]
    result = evalkit.evaluate(data=rows, columns={"outputs": "output", **columns}, scorers=make())

    assert result.corrected("fine").method == "ppi++"


def test_a_judge_that_guesses_corrects_nothing(make: Make) -> None:
    rows = [{**row, "human": n % 2 == 0} for n, row in enumerate(LABELLED)]
    make().calibrate(rows, columns=COLUMNS, development=0.0)
    result = gated(make())

    with pytest.raises(UsageError, match="too close to guessing"):
        result.corrected("fine")
    assert judged(result)[0].corrected is None


def test_reports_show_the_card_and_the_corrected_mean_or_say_that_there_is_none(
    make: Make, folder: Path
) -> None:
    card = make().calibrate(LABELLED, columns=COLUMNS)
    known, unknown = gated(make()), gated(make("Is {{ outputs }} really fine?"))
    found: dict[str, str] = {}
    for name, result in (("known", known), ("unknown", unknown)):
        for form in ("md", "html", "json"):
            path = result.report(folder / f"{name}.{form}")
            found[f"{name}.{form}"] = path.read_text(encoding="utf-8")
        found[f"{name}.txt"] = str(result)
    told = json.loads(found["known.json"])["judges"]["fine"]

    assert Calibration.from_json(told["card"]) == card
    assert told["corrected"]["method"] == "rogan-gladen"
    assert "Cohen's kappa" in found["known.md"]
    assert "Rogan-Gladen" in found["known.md"]
    assert "Rogan-Gladen" in found["known.html"]
    assert "judges against people" in found["known.txt"]
    assert json.loads(found["unknown.json"])["judges"]["fine"]["calibrated"] is False
    for form in ("md", "html", "txt"):
        assert "not calibrated" in found[f"unknown.{form}"]


def test_scorers_that_are_no_judges_are_not_spoken_of() -> None:
    rows = [{"question": "1+1?", "expected": "2", "output": "2"}]
    result = evalkit.evaluate(data=rows, scorers="text.exact_match", runtime=NOTHING_KEPT)

    assert judged(result) == []
    assert "judges" not in str(result)


def test_a_run_that_stops_early_decides_its_gate_on_the_card_at_the_end(make: Make) -> None:
    make().calibrate(LABELLED, columns=COLUMNS)
    rows = [{"question": row["output"], "expected": ""} for row in NEW]

    result = evalkit.evaluate(
        lambda question: question,
        rows,
        make(),
        gates=["fine >= 0.2", "calibrated(fine, kappa >= 0.6)"],
        stop="when decided",
    )

    assert result.verdict.status == "PASS"


def test_a_judge_that_always_says_the_same_has_no_interval_of_kappa(make: Make) -> None:
    card = make("Is {{ outputs | length }} fine?").calibrate(
        LABELLED, columns=COLUMNS, development=0.0
    )
    kappa = card.held_out.figures["kappa"]

    assert kappa.value in {None, 0.0}
    assert (kappa.low, kappa.high) == (None, None)
