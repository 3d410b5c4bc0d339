"""Recorded judges against people, calibrated by the public API: their answers are a column."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

import evalkit
from evalkit.evaluation.calibrate import calibrate
from evalkit.judging import Calibration

pytestmark = pytest.mark.conformance

NOTHING_KEPT = evalkit.Runtime(store=False)
WHO = (1, 2, 3)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def pandalm(shared_data: Path) -> Rows:
    """Which of two answers is better (0: neither), by three people and by two judges."""

    def read(name: str) -> Rows:
        rows: Rows = json.loads((shared_data / "pandalm" / name).read_text(encoding="utf-8"))
        return rows

    people, one, two = (
        read(f"{name}testset-v1.json") for name in ("", "pandalm-7b-", "gpt-3.5-turbo-")
    )
    rows: Rows = []
    for said, a, b in zip(people, one, two, strict=True):
        votes = {f"person{n}": str(said[f"annotator{n}"]) for n in WHO}
        rows.append(
            {
                "id": str(said["idx"]),
                **votes,
                "majority": Counter(votes.values()).most_common(1)[0][0],
                "pandalm": str(a["pandalm_result"]),
                "gpt": b["gpt_result"] if b["gpt_result"] in {"1", "2"} else "0",
            }
        )
    return rows


def card_of(rows: Rows, judge: str, labels: dict[str, str], **options: Any) -> Calibration:
    columns: dict[str, Any] = {"id": "id", "inputs": "id", "tags": None, f"scores.{judge}": judge}
    columns |= {f"labels.{judge}{suffix}": column for suffix, column in labels.items()}
    return calibrate(
        f"scores.{judge}", rows, columns=columns, runtime=NOTHING_KEPT, development=0.0, **options
    )


@pytest.mark.parametrize(
    ("pair", "kappa"), [((1, 2), 0.852), ((1, 3), 0.8789), ((2, 3), 0.8617)], ids=str
)
def test_people_of_pandalm_agree_as_published(
    pandalm: Rows, published: Rows, pair: tuple[int, int], kappa: float
) -> None:
    card = card_of(pandalm, f"person{pair[0]}", {"": f"person{pair[1]}"}, kind="nominal")
    (row,) = (r for r in published if r["what"].startswith("annotator pairs"))

    found = card["kappa"]
    assert found.value == pytest.approx(kappa, abs=5e-5)
    assert any(abs(kappa - told) <= row["tolerance"] for told in row["published"])
    assert found.low is not None
    assert found.high is not None
    assert found.low < kappa < found.high


@pytest.mark.parametrize("judge", ["pandalm", "gpt"])
def test_the_judges_of_pandalm_agree_with_the_majority_as_scikit_learn_counts(
    pandalm: Rows, judge: str
) -> None:
    card = card_of(pandalm, judge, {f".p{n}": f"person{n}" for n in WHO}, kind="nominal")
    majority, said = ([row[name] for row in pandalm] for name in ("majority", judge))

    assert (card.held_out.n_labelled, card.held_out.n_judged) == (999, 999)
    assert [sum(row) for row in card.held_out.confusion] == [105, 422, 472]
    assert card["kappa"].value == pytest.approx(cohen_kappa_score(majority, said))
    assert card["accuracy"].value == pytest.approx(
        np.mean([a == b for a, b in zip(majority, said, strict=True)])
    )
    assert card.replaceable is not None
    assert card.replaceable.human_kappa == pytest.approx((0.852 + 0.8789 + 0.8617) / 3, abs=1e-4)
    assert card.replaceable.status == "no"
    assert "less well than people agree" in str(card)


def test_gpt_35_on_pandalm_has_the_published_accuracy(pandalm: Rows, published: Rows) -> None:
    (row,) = (r for r in published if r["what"].startswith("gpt-3.5-turbo vs majority"))

    card = card_of(pandalm, "gpt", {"": "majority"}, kind="nominal")

    assert card["accuracy"].value == pytest.approx(row["published"][0], abs=row["tolerance"])


def test_a_person_of_pandalm_may_replace_a_person(pandalm: Rows) -> None:
    rows = [{**row, "twin": row["person1"]} for row in pandalm]
    card = card_of(rows, "twin", {f".p{n}": f"person{n}" for n in WHO}, kind="nominal")

    assert card.replaceable is not None
    assert (card.replaceable.status, card.replaceable.winning_rate) == ("yes", 1.0)


def few_labels(pandalm: Rows, judge: str) -> Rows:
    """Whether the second answer is better: all judged, the first 200 labelled."""
    return [
        {
            "id": row["id"],
            judge: row[judge] == "2",
            "human": row["majority"] == "2" if place < 200 else None,
        }
        for place, row in enumerate(pandalm)
    ]


@pytest.mark.parametrize(
    ("judge", "value", "low", "high"),
    [
        pytest.param("pandalm", 0.47635, 0.42135, 0.53134, id="pandalm-7b"),
        pytest.param("gpt", 0.47001, 0.41012, 0.52990, id="gpt-3.5"),
    ],
)
def test_the_rate_of_pandalm_is_corrected_by_few_labels(
    pandalm: Rows, judge: str, value: float, low: float, high: float
) -> None:
    card = card_of(few_labels(pandalm, judge), judge, {"": "human"})
    found = {mean.method: mean for mean in card.population}["ppi++"]

    assert card.kind == "binary"
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=5e-6)
    assert (found.n, found.n_labelled) == (999, 200)


def test_the_rate_of_pandalm_is_corrected_by_error_rates(pandalm: Rows) -> None:
    card = card_of(few_labels(pandalm, "pandalm"), "pandalm", {"": "human"})
    found = {mean.method: mean for mean in card.population}["rogan-gladen"]

    assert card["sensitivity"].value == pytest.approx(0.7889, abs=5e-5)
    assert card["specificity"].value == pytest.approx(0.8818, abs=5e-5)
    assert found.value == pytest.approx(0.52356, abs=5e-6)
    assert found.low < 0.4725 < found.high  # the truth, of all 999


def test_error_rates_of_a_card_of_pandalm_correct_a_run_without_labels(
    pandalm: Rows, tmp_path: Path
) -> None:
    rows = few_labels(pandalm, "pandalm")
    card = card_of(rows, "pandalm", {"": "human"})
    card.save(tmp_path / "pandalm.json")
    counts = card.error_counts()
    assert counts is not None

    def run(among: Rows) -> evalkit.EvaluationResult:
        return evalkit.evaluate(
            data=among,
            columns={"id": "id", "inputs": "id", "tags": None, "scores.pandalm": "pandalm"},
            gates="calibrated(pandalm, kappa >= 0.5)",
            runtime=evalkit.Runtime(store=False, cards=str(tmp_path)),
        )

    rest = run(rows[200:])
    found = rest.corrected("recorded.pandalm", sensitivity=counts[0], specificity=counts[1])

    assert run(rows).verdict.status == "PASS"
    assert rest.verdict.status == "INCONCLUSIVE"
    assert found.method == "rogan-gladen"
    assert found.value == pytest.approx(0.52356, abs=5e-6)
    assert found.standard_error == pytest.approx(0.04794, abs=5e-6)


def mt_bench(folder: Path, turn: int, *, ties: bool) -> Rows:
    """Return every expert's vote beside GPT-4's, independent of the order shown."""

    def votes(name: str) -> Rows:
        text = (folder / "mtbench_human" / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def said(vote: dict[str, Any]) -> tuple[str, str]:
        first, second = sorted((vote["model_a"], vote["model_b"]))
        winner = vote.get(vote["winner"], "tie")
        word = {first: "first", second: "second"}.get(winner, "tie")
        return json.dumps([vote["question_id"], first, second, vote["turn"]]), word

    judged = dict(said(vote) for vote in votes("gpt4_pair.jsonl"))
    rows = [
        {
            "id": f"{place}",
            "question": str(vote["question_id"]),
            "gpt4": judged[key],
            "expert": word,
        }
        for place, vote in enumerate(votes("human.jsonl"))
        if vote["judge"].startswith("expert") and vote["turn"] == turn
        for key, word in [said(vote)]
        if key in judged
    ]
    return [row for row in rows if ties or "tie" not in {row["gpt4"], row["expert"]}]


@pytest.mark.parametrize("ties", [True, False], ids=["with-ties", "no-ties"])
@pytest.mark.parametrize("turn", [1, 2])
def test_gpt_4_agrees_with_experts_on_mt_bench_as_published(
    shared_data: Path, published: Rows, turn: int, ties: bool
) -> None:
    name = f"turn{turn} {'with' if ties else 'no'} tie GPT4-expert"
    (wanted,) = (r for r in published if r["what"] == name)
    card = calibrate(
        "scores.gpt4",
        mt_bench(shared_data, turn, ties=ties),
        columns={
            "scores.gpt4": "gpt4",
            "labels.gpt4": "expert",
            "group": "question",
            "inputs": "id",
            "tags": None,
        },
        runtime=NOTHING_KEPT,
        development=0.0,
    )

    found = card["accuracy"]
    assert card.kind == "nominal"
    assert (found.value, found.n_total) == pytest.approx(
        (wanted["published"][0], wanted["published"][1]), abs=wanted["tolerance"]
    )
    assert found.n_total == wanted["reproduced"][1]
    assert card.held_out.n_groups is not None
    assert card.held_out.n_groups <= 80
    if (turn, ties) == (1, False):
        assert found.standard_error == pytest.approx(0.01709, rel=0.02)  # over questions
