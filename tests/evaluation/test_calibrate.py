"""Calibration: a judge's verdicts against people's labels, live or as a column."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.errors import DataError, UsageError
from evalkit.evaluation.calibrate import calibrate
from evalkit.judging import Calibration, Judge, PairwiseJudge, jury_of
from evalkit.judging.judge import Judge as JudgeClass
from evalkit.testing import Fault, ScriptedEndpoint

NOTHING_KEPT = evalkit.Runtime(store=False)
Rows = list[dict[str, Any]]


def labelled(n: int = 120, *, seed: int = 0, skill: float = 0.85, **more: Any) -> Rows:
    draw = random.Random(seed)  # noqa: S311  a seeded draw of test data
    rows: Rows = []
    for number in range(n):
        truth = draw.random() < 0.6
        said = truth if draw.random() < skill else not truth
        words = " ".join(["word"] * draw.randint(3, 40))
        rows.append(
            {
                "id": f"q{number}",
                "output": f"{words} q{number}.",
                "human": "yes" if truth else "no",
                "verdict": "yes" if said else "no",
                **more,
            }
        )
    return rows


COLUMNS: dict[str, Any] = {"outputs": "output", "scores.fine": "verdict", "labels.fine": "human"}


def recorded(rows: Rows, columns: dict[str, Any] | None = None, **options: Any) -> Calibration:
    return calibrate(
        "scores.fine", rows, columns=columns or COLUMNS, runtime=NOTHING_KEPT, **options
    )


@pytest.fixture
def live() -> Iterator[Callable[[Rows], Judge]]:
    """A judge whose model says what the column ``verdict`` of the rows says; or fails."""
    said: dict[str, Any] = {}

    def answer(request: Any) -> Any:
        found = said[request.prompt.rpartition(" q")[2].partition(".")[0]]
        return found if isinstance(found, Fault) else {"rationale": "so", "verdict": found}

    with ScriptedEndpoint(answer) as endpoint:

        def make(rows: Rows) -> Judge:
            said.update({row["id"][1:]: row["verdict"] for row in rows})
            judge = evalkit.make_judge("fine", "Is {{ outputs }} fine?")
            return judge.with_model("scripted", base_url=endpoint.base_url)

        yield make


def test_a_column_of_answers_calibrates_exactly_as_the_judge_itself(
    live: Callable[[Rows], Judge],
) -> None:
    rows = labelled()
    asked = live(rows).calibrate(
        rows, columns={"outputs": "output", "labels.fine": "human", "tags": None}
    )
    column = recorded(rows)

    assert asked.judge == "fine"
    assert asked.held_out == column.held_out
    assert asked.development == column.development
    assert asked.kind == column.kind == "binary"
    assert [b.effect for b in asked.biases] == [b.effect for b in column.biases]


def test_failed_verdicts_are_counted_and_bound_the_accuracy(live: Callable[[Rows], Judge]) -> None:
    rows = labelled()
    for row in rows[::10]:
        row["verdict"] = Fault.REFUSAL
    card = live(rows).calibrate(
        rows, columns={"outputs": "output", "labels.fine": "human"}, development=0.0
    )
    held = card.held_out

    assert (held.n_labelled, held.n_judged, held.n_failed) == (120, 108, 12)
    assert dict(held.reasons) == {"refusal": 12}
    assert held.accuracy_bounds is not None
    low, high = held.accuracy_bounds
    right = (card["accuracy"].value or 0) * 108
    assert (low * 120, high * 120) == pytest.approx((right, right + 12))
    assert any("12 of 120 verdicts failed" in remark for remark in card.remarks)


def test_a_second_calibration_asks_nobody(live: Callable[[Rows], Judge]) -> None:
    rows = labelled(40)
    judge = live(rows)
    columns = {"outputs": "output", "labels.fine": "human"}
    first = judge.calibrate(rows, columns=columns)
    replayed = judge.calibrate(rows, columns=columns, runtime=evalkit.Runtime(mode="replay"))

    assert replayed.held_out == first.held_out


def test_more_labels_leave_every_case_on_its_side() -> None:
    few, many = labelled(60), labelled(120)

    def sides(rows: Rows) -> tuple[int, int]:
        card = recorded(rows)
        assert card.development is not None
        return card.held_out.n_labelled, card.development.n_labelled

    held, dev = sides(many)
    held_few, dev_few = sides(few)
    held_rest, dev_rest = sides(many[60:])
    assert (held, dev) == (held_few + held_rest, dev_few + dev_rest)
    assert 35 < held < 85


def test_groups_stay_together_and_widen_the_intervals() -> None:
    rows = [
        {**row, "id": f"{row['id']}-{copy}", "topic": row["id"], "q": f"{row['id']} {copy}"}
        for row in labelled(40)
        for copy in range(5)
    ]
    columns = {**COLUMNS, "inputs": "q", "tags": None}

    grouped = recorded(rows, {**columns, "group": "topic"})
    blind = recorded(rows, columns)

    assert grouped.held_out.n_labelled % 5 == 0
    assert grouped.held_out.n_groups == grouped.held_out.n_labelled // 5
    wide, narrow = grouped["accuracy"], blind["accuracy"]
    assert (wide.high or 0) - (wide.low or 0) > 1.5 * ((narrow.high or 0) - (narrow.low or 0))


def test_copies_in_groups_make_the_populations_mean_no_more_exact() -> None:
    known, more = labelled(60), labelled(100, seed=9)
    rows = known + [{**row, "id": f"x{row['id']}", "human": None} for row in more]
    columns = {**COLUMNS, "inputs": "q", "tags": None}
    copies = [
        {**row, "id": f"{row['id']}-{copy}", "topic": row["id"], "q": f"{row['id']} {copy}"}
        for row in rows
        for copy in range(10)
    ]
    alone = recorded([{**row, "q": row["id"]} for row in rows], columns, development=0.0)
    grouped = recorded(copies, {**columns, "group": "topic"}, development=0.0)

    (one,) = (mean for mean in alone.population if mean.method == "rogan-gladen")
    (other,) = (mean for mean in grouped.population if mean.method == "rogan-gladen")
    assert other.value == pytest.approx(one.value)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.01)


def test_splits_of_the_data_decide() -> None:
    rows = [{**row, "split": "dev" if n < 50 else "test"} for n, row in enumerate(labelled())]
    card = recorded(rows)

    assert card.held_out.n_labelled == 70
    assert card.development is not None
    assert card.development.n_labelled == 50


def test_a_threshold_is_fitted_on_the_development_cases_alone() -> None:
    draw = random.Random(2)  # noqa: S311  a seeded draw of test data
    rows = [
        {
            "id": f"q{n}",
            "output": "x",
            "human": human,
            "verdict": min(5, max(1, round(draw.gauss(4 if human else 2.5, 0.8)))),
            "split": "dev" if n % 2 else "test",
        }
        for n in range(200)
        for human in [n % 4 < 2]
    ]
    card = recorded(rows)
    for row in rows[::2]:  # held-out labels say nothing to the fit
        row["human"] = not row["human"]
    other = recorded(rows)
    stated = recorded(rows, threshold=4.5)

    assert card.kind == "binary"
    assert card.threshold_fitted
    assert card.threshold == other.threshold == 3.5
    assert (card["accuracy"].value or 0) > 0.7
    assert (other["accuracy"].value or 1) < 0.3
    assert (stated.threshold, stated.threshold_fitted) == (4.5, False)
    assert card["spearman"].value is not None


def graded(shift: float, n: int = 400) -> Rows:
    """Grades on either side of *shift*; people said yes or no of the first half alone."""
    draw = random.Random(3)  # noqa: S311  a seeded draw of test data
    rows: Rows = []
    for number in range(n):
        truth = draw.random() < 0.6
        grade = draw.uniform(0.05, 0.4) if truth is (draw.random() < 0.9) else -draw.random() / 2
        human = ("yes" if truth else "no") if number < n // 2 else None
        rows.append({"id": str(number), "output": "x", "human": human, "verdict": grade + shift})
    return rows


def test_a_threshold_of_zero_is_a_threshold() -> None:
    at_zero, at_one = (recorded(graded(cut), threshold=cut) for cut in (0.0, 1.0))

    assert at_zero.threshold == 0.0
    assert at_zero["accuracy"].value == pytest.approx(at_one["accuracy"].value)
    assert [mean.method for mean in at_zero.population] == ["judge", "ppi++", "rogan-gladen"]
    for mean, shifted in zip(at_zero.population, at_one.population, strict=True):
        assert (mean.value, mean.low, mean.high) == pytest.approx(
            (shifted.value, shifted.low, shifted.high)
        )


def test_ordered_words_have_weighted_kappas_and_correlations() -> None:
    draw = random.Random(1)  # noqa: S311  a seeded draw of test data
    scale = [1, 2, 3, 4, 5]
    rows = [
        {"id": f"q{n}", "output": "x", "human": value, "verdict": min(5, max(1, said))}
        for n in range(150)
        for value in [draw.choice(scale)]
        for said in [value + draw.choice([-1, 0, 0, 1])]
    ]
    card = recorded(rows, threshold=4)

    assert (card.kind, card.held_out.labels) == ("ordinal", ("1", "2", "3", "4", "5"))
    assert (card["weighted_kappa"].value or 0) > (card["kappa"].value or 1)
    assert card["correlation"] == card["spearman"]
    assert card["sensitivity"].value is not None


def test_numbers_have_correlations_alone() -> None:
    draw = random.Random(1)  # noqa: S311  a seeded draw of test data
    rows = [
        {"id": f"q{n}", "output": "x", "human": value, "verdict": value + draw.gauss(0, 0.1)}
        for n in range(80)
        for value in [draw.random()]
    ]
    card = recorded(rows)

    assert card.kind == "numeric"
    assert set(card.held_out.figures) == {"pearson", "spearman", "kendall"}
    assert card["correlation"] == card["pearson"]
    with pytest.raises(UsageError, match="labels are numeric"):
        card["kappa"]


def test_several_annotators_are_columns_lists_or_mappings() -> None:
    draw = random.Random(4)  # noqa: S311  a seeded draw of test data
    rows = labelled(160)
    for row in rows:
        for who in "abc":
            row[who] = row["human"] if draw.random() < 0.9 else "no"
    base = {"outputs": "output", "scores.fine": "verdict", "inputs": "id", "tags": None}
    columns = recorded(rows, base | {f"labels.fine.{who}": who for who in "abc"})
    listed = recorded(
        [{**row, "human": [row[who] for who in "abc"]} for row in rows],
        base | {"labels.fine": "human"},
    )
    mapped = recorded(
        [{**row, "human": {who: row[who] for who in "abc"}} for row in rows],
        base | {"labels.fine": "human"},
    )

    assert columns.held_out == listed.held_out == mapped.held_out
    assert columns.replaceable == mapped.replaceable
    assert columns.replaceable is not None
    assert columns.replaceable.n_annotators == 3
    assert columns.replaceable.status in {"yes", "no"}
    assert columns.replaceable.human_kappa is not None


def test_a_case_on_which_no_label_prevails_is_left_out_and_counted() -> None:
    rows = [
        {**row, "human": ["yes", "no"] if n < 8 else row["human"]}
        for n, row in enumerate(labelled())
    ]
    rows = [
        {**row, "human": row["human"] if isinstance(row["human"], list) else [row["human"]]}
        for row in rows
    ]
    card = recorded(rows, development=0.0)

    assert card.held_out.n_labelled == 112
    assert "8 cases on which no human label prevails are left out." in card.remarks


def test_where_one_label_prevails_ac1_stands_first() -> None:
    rows = labelled(200)
    for n, row in enumerate(rows):
        row["human"] = "no" if n % 20 == 0 else "yes"
        row["verdict"] = "no" if n % 20 == 0 and n % 40 else "yes"
    card = recorded(rows, development=0.0)

    assert any("read AC1" in remark for remark in card.remarks)
    assert "Gwet's AC1" in str(card).split("May replace")[0]


def test_a_jury_and_a_pairwise_judge_calibrate() -> None:
    rows: Rows = [
        {"id": f"q{n}", "output": f"one {n}", "other": f"two {n}", "human": "a" if n % 3 else "b"}
        for n in range(60)
    ]

    def better(request: Any) -> Any:
        first = re.search(r"\b(one|two) \d", request.prompt)
        return {"rationale": "so", "verdict": "a" if first and first[1] == "one" else "b"}

    columns = {
        "outputs": "output",
        "expectations.expected_response": "other",
        "inputs": "id",
        "labels.pairwise": "human",
    }
    with ScriptedEndpoint(better) as endpoint:
        pairwise = PairwiseJudge()
        asked = pairwise.judge.with_model("scripted", base_url=endpoint.base_url)
        card = PairwiseJudge(judge=asked).calibrate(rows, columns=columns, runtime=NOTHING_KEPT)
    with ScriptedEndpoint({"*": {"rationale": "so", "verdict": "yes"}}) as endpoint:
        judge = JudgeClass(name="fine", instructions="Is {{ outputs }} fine?")
        models = [{"model": m, "base_url": endpoint.base_url} for m in ("m1", "m2")]
        jury = jury_of(judge, models)
        panel = jury.calibrate(
            labelled(40),
            columns={"outputs": "output", "labels.fine": "human"},
            runtime=NOTHING_KEPT,
        )

    assert (card.judge, card.kind) == ("pairwise.preference", "ordinal")
    assert card.held_out.labels == ("b", "tie", "a")
    position = {bias.name: bias for bias in card.biases}["position"]
    assert (position.effect, position.n) == (0.0, 60)
    assert panel["sensitivity"].value == 1.0
    assert panel["specificity"].value == 0.0


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        pytest.param({"labels.fine": None}, {}, "No case has a human label", id="no-labels"),
        pytest.param({}, {"kind": "binry"}, "not 'binry'.*binary", id="kind"),
        pytest.param({}, {"development": 1.0}, "share from 0", id="no-held-out"),
        pytest.param({}, {"kind": "nominal", "threshold": 1}, "no threshold", id="threshold"),
        pytest.param({"labels.fine": "id"}, {}, "neither a number nor one of", id="other-words"),
    ],
)
def test_what_cannot_be_calibrated_says_why(
    change: dict[str, Any], options: dict[str, Any], problem: str
) -> None:
    columns = {name: column for name, column in {**COLUMNS, **change}.items() if column}

    with pytest.raises(UsageError, match=problem):
        recorded(labelled(30), columns, **options)


def test_too_few_labels_are_refused_and_a_judge_is_needed() -> None:
    rows = [{**row, "human": row["human"] if n < 1 else None} for n, row in enumerate(labelled(30))]

    with pytest.raises(UsageError, match="two held out are the least: label more"):
        recorded(rows, development=0.0)
    with pytest.raises(UsageError, match=r"map a column: columns=\{'scores.fine': 'verdict'\}"):
        recorded(labelled(30), {"outputs": "output", "labels.fine": "human"})
    with pytest.raises(UsageError, match="There is no judge"):
        calibrate((), labelled(30), columns=COLUMNS, runtime=NOTHING_KEPT)


def test_a_finished_evaluation_with_labels_has_its_card() -> None:
    rows = labelled(60)
    result = evalkit.evaluate(data=rows, columns=COLUMNS, runtime=NOTHING_KEPT)

    card = result.calibration("fine", development=0.0)

    assert card.held_out.n_labelled == 60
    assert card.held_out.confusion == recorded(rows, development=0.0).held_out.confusion


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.5, 1.0), st.sampled_from([0.0, 0.3, 0.5]))
def test_a_card_comes_back_from_its_file(seed: int, skill: float, share: float) -> None:
    card = recorded(labelled(40, seed=seed, skill=skill), development=share)

    path = card.save("cards/fine.json")

    assert Calibration.load(path) == card
    assert "word" not in path.read_text(encoding="utf-8").replace("words", "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("{", "no JSON", id="no-json"),
        pytest.param('{"schema": "evalkit.result/1"}', "no card", id="other"),
        pytest.param("[]", "no card", id="list"),
        pytest.param('{"schema": "evalkit.calibration/1"}', "judge is missing", id="empty"),
    ],
)
def test_a_file_that_is_no_card_says_so(folder: Path, content: str, problem: str) -> None:
    (folder / "x.json").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=problem) as caught:
        Calibration.load("x.json")
    assert caught.value.file == "x.json"
