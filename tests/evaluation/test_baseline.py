"""Baselines: runs, results, files and commits that gates compare with."""

import dataclasses
import json
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import DataError, EvalkitError, UsageError
from evalkit.evaluation.baselines.file import read_baseline
from evalkit.evaluation.result import EvaluationResult

N = 120
ROWS = [
    {"question": f"q{i}", "expected": f"the answer {i}", "topic": "odd" if i % 2 else "even"}
    for i in range(N)
]
SCORERS = ["text.exact_match", "text.token_f1", "text.bleu", "text.edit_distance"]
TAGS = {"tags": ["topic"]}
NOTHING_KEPT = evalkit.Runtime(store=False)


def baseline_of(result: EvaluationResult) -> EvaluationResult:
    """What the gates of *result* compare with, opened again."""
    baseline = result.open_baseline()
    assert isinstance(baseline, EvaluationResult)
    return baseline


def bot(share: float) -> Any:
    """Return a bot that is right in about *share* of the cases, the same ones at any time."""

    def answer(question: str) -> str:
        draw = random.Random(question).random()  # noqa: S311  no secret
        return f"the answer {question[1:]}" if draw < share else "no answer at all"

    return answer


def run(share: float, name: str, **options: Any) -> EvaluationResult:
    return evalkit.evaluate(bot(share), ROWS, SCORERS, columns=TAGS, name=name, **options)


@pytest.fixture
def old() -> EvaluationResult:
    return run(0.5, "old")


GATES = {
    "no_regression(text.exact_match)": "PASS",
    "no_regression(text.exact_match, margin=2%)": "PASS",
    "improves(text.exact_match, by=0.1)": "PASS",
    "improves(text.bleu)": "PASS",
    "improves(text.exact_match[topic=odd])": "PASS",
    "improves(worst(text.exact_match, by=topic))": "PASS",
    "equivalent(text.token_f1)": "FAIL",
    "no_regression(text.edit_distance.distance, margin=0.1)": "PASS",
    "no_regression(text.edit_distance.distance)": "INCONCLUSIVE",
    "improves(rate(text.token_f1))": "PASS",
    "no_regression(median(text.token_f1), margin=0.5)": "PASS",
    "no_regression(min(text.token_f1))": "INCONCLUSIVE",
    "no_regression(text.exact_match) @ point": "PASS",
}


def test_gates_compare_with_the_baseline_given(old: EvaluationResult) -> None:
    new = run(0.8, "new", baseline=old, gates=list(GATES))

    found = {v.condition: str(v.status) for v in new.verdict.conditions}
    assert found == GATES
    assert new.verdict.status == "FAIL"
    paired = new.verdict.conditions[0].difference
    assert paired is not None
    assert paired.method == "tango"
    assert paired.level == pytest.approx(0.9)


@pytest.mark.usefixtures("old")
def test_latest_is_the_run_before_this_one_and_stays_so(folder: Path) -> None:
    new = run(0.5, "new", baseline="latest", gates="no_regression(text.exact_match, margin=0.1)")
    run(0.1, "later")

    assert baseline_of(new).name == "old"
    again = EvaluationResult.load("new")
    assert baseline_of(again).name == "old"
    assert str(again.verdict) == str(new.verdict)
    assert (folder / "evalkit.db").exists()


def test_without_a_baseline_a_gate_is_inconclusive_and_says_how_to_give_one() -> None:
    verdict = run(0.5, "alone", gates="no_regression(text.exact_match)").verdict

    assert verdict.status == "INCONCLUSIVE"
    assert "--baseline RUN" in verdict.conditions[0].why


def test_a_baseline_that_does_not_open_is_an_error_before_the_first_call() -> None:
    called: list[str] = []

    def remember(question: str) -> str:
        called.append(question)
        return "x"

    with pytest.raises(EvalkitError):
        evalkit.evaluate(remember, ROWS, SCORERS, baseline="no such run")
    with pytest.raises(EvalkitError, match="No registered model"):
        evalkit.evaluate(remember, ROWS, SCORERS, baseline="models:/bot@champion")
    with pytest.raises(UsageError, match="is no evaluation"):
        evalkit.evaluate(remember, ROWS, SCORERS, baseline=3)
    assert not called


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param([*ROWS, {"question": "q999", "expected": "y"}], "120 pairs", id="added"),
        pytest.param([*ROWS, {"question": "q999", "expected": "y"}], "(1 new)", id="added-said"),
        pytest.param(ROWS[:-1], "119 cases in common (1 in old.json alone)", id="removed"),
        pytest.param(ROWS[:60], "60 cases in common (60 in old.json alone)", id="sample"),
        pytest.param(
            [ROWS[0] | {"expected": "other"}, *ROWS[1:]],
            "119 cases in common (1 changed)",
            id="expects",
        ),
        pytest.param([ROWS[0] | {"topic": "new"}, *ROWS[1:]], "120 pairs", id="tag"),
        pytest.param(ROWS[::-1], "120 pairs", id="order"),
    ],
)
@pytest.mark.parametrize("stop", [None, "when decided"])
def test_a_baseline_on_other_data_compares_on_the_cases_in_common(
    data: list[dict[str, Any]], words: str, stop: str | None, folder: Path
) -> None:
    old, new = (
        evalkit.evaluate(bot(share), rows, SCORERS[0], columns=TAGS, runtime=NOTHING_KEPT)
        for share, rows in ((0.2, ROWS), (0.9, data))
    )
    path = old.write_baseline(folder / "old.json")
    gate = "improves(text.exact_match, by=0.1)"
    by_file, by_run = (new.check(gate, baseline=b) for b in (path, old.with_name("old.json")))

    assert str(by_file) == str(by_run)
    assert by_file.status == "PASS"
    assert words in by_file.conditions[0].why
    if stop:
        again = evalkit.evaluate(
            bot(0.9),
            data,
            SCORERS[0],
            columns=TAGS,
            runtime=NOTHING_KEPT,
            baseline=path,
            gates=gate,
            stop=stop,
        )
        assert again.verdict.status == "PASS"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param([ROWS[0] | {"expected": "x"}, *ROWS[1:]], "1 case changed", id="expects"),
        pytest.param([ROWS[0] | {"question": "x"}, *ROWS[1:]], "their ids differ", id="another"),
        pytest.param([ROWS[0] | {"topic": "x"}, *ROWS[1:]], "order or tags differ", id="tag"),
        pytest.param(ROWS[1:], "119 and 120 cases", id="fewer"),
    ],
)
def test_a_file_on_other_data_says_what_differs(
    data: list[dict[str, Any]], why: str, old: EvaluationResult, folder: Path
) -> None:
    path = old.write_baseline(folder / "old.json")
    new = evalkit.evaluate(bot(1.0), data, SCORERS, columns=TAGS, runtime=NOTHING_KEPT)

    with pytest.raises(UsageError, match=why):
        evalkit.compare(path, new)


def test_an_id_whose_question_changed_is_no_pair(folder: Path) -> None:
    """The new answers are right wherever the question is the old one, and wrong elsewhere."""
    asked = [{"id": f"c{i}", "question": f"q{i}", "expected": "y"} for i in range(40)]
    changed = [row | {"question": "?"} if n < 10 else row for n, row in enumerate(asked)]
    old, new = (
        evalkit.evaluate(
            lambda question: "n" if question == "?" else "y",
            rows,
            "text.exact_match",
            runtime=NOTHING_KEPT,
        )
        for rows in (asked, changed)
    )
    path = old.write_baseline(folder / "old.json")
    condition = new.check("no_regression(text.exact_match)", baseline=path).conditions[0]

    assert condition.difference is not None
    assert (condition.difference.n, condition.difference.difference) == (30, 0)
    assert "30 cases in common (10 changed)" in condition.why
    with pytest.raises(UsageError, match="their inputs differ"):
        old.compare(new)


@pytest.mark.parametrize(
    ("shared", "status"), [(60, "PASS"), (59, "INCONCLUSIVE"), (0, "INCONCLUSIVE")]
)
def test_a_baseline_of_less_than_half_of_the_cases_passes_nothing(
    shared: int, status: str, old: EvaluationResult, folder: Path
) -> None:
    others = [{"question": f"p{i}", "expected": "y", "topic": "odd"} for i in range(N - shared)]
    new = evalkit.evaluate(
        bot(1.0), [*ROWS[:shared], *others], SCORERS, columns=TAGS, runtime=NOTHING_KEPT
    )
    path = old.write_baseline(folder / "old.json")

    assert new.check("no_regression(text.exact_match)", baseline=path).status == status


def test_a_failed_case_that_the_baseline_lacks_does_not_count_as_its_own(folder: Path) -> None:
    """2 of the 100 cases in common have no value in the baseline, which every gate tolerates."""
    rows = [{"question": f"q{i}", "expected": "y"} for i in range(120)]

    def shaky(question: str) -> str:
        if question in {"q1", "q2"}:
            raise ValueError(question)
        return "y"

    old = evalkit.evaluate(shaky, rows[:100], "text.exact_match", runtime=NOTHING_KEPT)
    new = evalkit.evaluate(
        lambda question: "y" * bool(question), rows, "text.exact_match", runtime=NOTHING_KEPT
    )
    path = old.write_baseline(folder / "old.json")
    verdict = new.check("no_regression(text.exact_match, margin=0.1)", baseline=path)

    assert verdict.status == "PASS", str(verdict)
    assert "100 cases in common (20 new)" in verdict.conditions[0].why


def test_a_baseline_is_named_by_its_file_with_day_and_commit(
    old: EvaluationResult, folder: Path
) -> None:
    facts = dataclasses.replace(old.facts, environment={"git": {"commit": "0123456789abcdef"}})
    path = old.replaced(facts=facts).write_baseline(folder / "qa.baseline.json")
    why = old.check("no_regression(text.exact_match)", baseline=path).conditions[0].why

    assert re.search(r"against qa\.baseline\.json \(20\d\d-\d\d-\d\d, 01234567\)", why)


def _change_a_score(document: dict[str, Any]) -> None:
    document["cases"][3]["scores"]["text.exact_match"] = 0


def _change_an_estimate(document: dict[str, Any]) -> None:
    document["estimates"]["text.exact_match"]["value"] = 0.1


def _remove_a_case(document: dict[str, Any]) -> None:
    del document["cases"][0]


def _remove_the_digest(document: dict[str, Any]) -> None:
    del document["digest"]


@pytest.mark.parametrize(
    "change", [_change_a_score, _change_an_estimate, _remove_a_case, _remove_the_digest]
)
def test_a_file_that_was_changed_by_hand_is_refused(
    change: Callable[[dict[str, Any]], None], old: EvaluationResult, folder: Path
) -> None:
    path = old.write_baseline(folder / "b.json")
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(document))  # laid out otherwise, it is the same
    gate = "no_regression(text.exact_match, margin=0.1)"
    assert old.check(gate, baseline=path).status == "PASS"

    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="changed by hand"):
        old.check(gate, baseline=path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(
            {"scorers": [{"text.token_f1": {"normalize": False}}]}, "signature", id="signature"
        ),
        pytest.param({"repeats": 2, "reducer": "max"}, "reducer", id="reducer"),
        pytest.param({"scorers": "text.exact_match"}, "text.token_f1", id="no-such-metric"),
    ],
)
def test_a_baseline_that_does_not_compare_is_inconclusive_naming_what(
    change: dict[str, Any], what: str
) -> None:
    arguments: dict[str, Any] = {"data": ROWS, "scorers": "text.token_f1"}
    old = evalkit.evaluate(bot(0.5), columns=TAGS, name="old", **(arguments | change))
    new = evalkit.evaluate(bot(0.5), columns=TAGS, name="new", **arguments)
    verdict = new.check("no_regression(text.token_f1)", baseline=old)

    assert verdict.status == "INCONCLUSIVE"
    assert what in verdict.conditions[0].why


def test_cases_that_fail_cannot_hide_a_regression(old: EvaluationResult) -> None:
    answer = bot(0.9)

    def shaky(question: str) -> str:
        if int(question[1:]) % 10 == 0:
            raise ValueError(question)
        found: str = answer(question)
        return found

    new = evalkit.evaluate(shaky, ROWS, SCORERS, columns=TAGS, runtime=NOTHING_KEPT)
    verdict = new.check("improves(text.exact_match)", baseline=old)
    back = old.check("no_regression(text.exact_match, margin=0.9)", baseline=new)

    assert verdict.status == "FAIL"
    assert "coverage 90 %" in verdict.conditions[0].why
    assert back.status == "INCONCLUSIVE"
    assert "12 cases have no value in" in back.conditions[0].why


def test_a_regression_in_one_slice_is_seen_by_the_worst(old: EvaluationResult) -> None:
    answer = bot(0.5)

    def bad_at_odd(question: str) -> str:
        found: str = answer(question)
        return "wrong" if int(question[1:]) % 2 else found

    new = evalkit.evaluate(bad_at_odd, ROWS, SCORERS, columns=TAGS, runtime=NOTHING_KEPT)
    verdict = new.check("no_regression(worst(text.exact_match, by=topic))", baseline=old)

    assert verdict.status == "FAIL"
    assert "topic=odd" in verdict.conditions[0].why


def test_slices_of_the_worst_need_pairs_for_their_own_cases_alone() -> None:
    """The small slice gains least, and the large one, of many more cases, has the worst value."""
    rows = [row | {"topic": "rare" if i < 20 else "usual"} for i, row in enumerate(ROWS)]

    def right_in(numbers: Any) -> Any:
        def answer(question: str) -> str:
            right = int(question[1:]) in numbers
            return f"the answer {question[1:]}" if right else "no answer at all"

        return answer

    before, after = (
        evalkit.evaluate(bot, rows, "text.exact_match", columns=TAGS, runtime=NOTHING_KEPT)
        for bot in (right_in(range(8)), right_in(range(90)))
    )
    verdict = after.check("improves(worst(text.exact_match, by=topic))", baseline=before)

    assert verdict.status == "PASS", str(verdict)
    (condition,) = verdict.conditions
    assert condition.difference is not None
    assert condition.estimate is not None
    assert (condition.difference.n, condition.estimate.n_total) == (20, 20)
    assert "topic=rare" in condition.why


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        pytest.param("no_regression(worst(p95(seconds), by=region), margin=9)", "FAIL", id="p95"),
        pytest.param("no_regression(worst(p10(seconds), by=region), margin=9)", "PASS", id="p10"),
        pytest.param(
            "no_regression(worst(p95(seconds), by=region)[kind=new], margin=9)", "FAIL", id="outer"
        ),
        pytest.param(
            "no_regression(worst(p95(seconds[kind=old]), by=region), margin=9)", "PASS", id="inner"
        ),
        pytest.param(
            "no_regression(worst(max(seconds), by=region), margin=9)", "INCONCLUSIVE", id="extreme"
        ),
    ],
)
def test_the_worst_of_a_function_compares_that_function(gate: str, status: str) -> None:
    """The mean stays, and a fifth of the new cases of one region take fifty times as long."""

    @evalkit.scorer(direction="lower")
    def seconds(outputs: str) -> float:
        return float(outputs)

    def rows(*, slow: bool) -> list[dict[str, Any]]:
        made = []
        for i in range(400):
            kind, region = ("old", "new")[i // 200], ("eu", "us")[i // 100 % 2]
            tail = 50.0 if i % 5 == 0 else 1.0 - 49.0 / 4
            value = tail if slow and (kind, region) == ("new", "us") else 1.0
            value += (i * (37 if slow else 53) % 101) / 101  # no two systems are equal to the digit
            tags = {"kind": kind, "region": region}
            made.append({"id": str(i), "question": "q", "output": str(value), "tags": tags})
        return made

    before, after = (
        evalkit.evaluate(data=rows(slow=slow), scorers=[seconds], runtime=NOTHING_KEPT)
        for slow in (False, True)
    )

    assert before["seconds"].value == pytest.approx(after["seconds"].value, abs=0.01)
    verdict = after.check(gate, baseline=before)
    assert verdict.status == status, [one.why for one in verdict.conditions]


# Baseline files


def test_a_file_stands_for_the_run_it_was_written_from(old: EvaluationResult, folder: Path) -> None:
    path = old.write_baseline(folder / "qa.baseline.json")
    new = run(0.8, "new")

    by_run, by_file = (new.check(list(GATES), baseline=b) for b in (old, path))
    assert str(by_run).replace("against old", "against qa.baseline.json") == str(by_file)
    first, second = (evalkit.compare(b, new).table() for b in (old, path))
    columns = ["metric", "difference", "low", "high", "p_value", "n_pairs"]
    assert first[columns].sort_values("metric").to_dict("records") == second[columns].sort_values(
        "metric"
    ).to_dict("records")


def test_a_file_is_sorted_a_line_a_case_without_texts(old: EvaluationResult, folder: Path) -> None:
    path = old.write_baseline(folder / "new folder" / "qa.baseline.json")
    text = path.read_text(encoding="utf-8")
    content = json.loads(text)

    assert content["schema"] == "evalkit.baseline/2"
    assert [case["id"] for case in content["cases"]] == sorted(old.case_ids)
    assert sum(line.lstrip().startswith('{"digest":') for line in text.splitlines()) == N
    assert "the answer" not in text
    assert "q17" not in text
    again = run(0.5, "old").write_baseline(folder / "again.json").read_text(encoding="utf-8")
    assert again.splitlines()[-N:] == text.splitlines()[-N:]


def test_texts_come_along_when_asked_for(old: EvaluationResult, folder: Path) -> None:
    path = old.write_baseline(folder / "qa.baseline.json", texts=True)
    fixed = evalkit.compare(path, run(0.9, "new")).fixed("text.exact_match")

    assert set(fixed.output_a) == {"no answer at all"}
    assert fixed.output_b[0].startswith("the answer")


def test_a_file_keeps_groups_weights_repeats_and_failures(folder: Path) -> None:
    rows = [
        {"question": f"q{i}", "expected": "y", "patient": f"p{i // 4}", "w": 1 + i % 3}
        for i in range(60)
    ]

    def answer(question: str, repeat: int) -> str:
        if question == "q7":
            raise ValueError(question)
        return "y" if (int(question[1:]) + repeat) % 3 else "n"

    def other(question: str, repeat: int) -> str:
        return "y" if (int(question[1:]) + repeat) % 5 else "n"

    columns = {"group": "patient", "weight": "w"}
    old, new = (
        evalkit.evaluate(
            target, rows, "text.exact_match", columns=columns, repeats=3, runtime=NOTHING_KEPT
        )
        for target in (answer, other)
    )
    path = old.write_baseline(folder / "b.json")
    by_run, by_file = (new.compare(b).row("text.exact_match").difference for b in (old, path))

    assert dataclasses.asdict(by_file) == pytest.approx(dataclasses.asdict(by_run))
    assert by_file.n == 59
    assert by_file.method is not None
    assert by_file.method.startswith("cluster")


def test_statistics_of_labels_are_in_the_file_with_texts_or_without(folder: Path) -> None:
    rows = [{"inputs": {"x": i}, "expectations": "ab"[i % 2]} for i in range(60)]
    old, new = (
        evalkit.evaluate(
            lambda x, wrong=wrong: "ab"[(x + (x % wrong == 0)) % 2],
            rows,
            "classification.f1",
            runtime=NOTHING_KEPT,
        )
        for wrong in (3, 10)
    )
    gate = "no_regression(classification.f1)"
    bare = new.check(gate, baseline=old.write_baseline(folder / "bare.json"))
    whole = new.check(gate, baseline=old.write_baseline(folder / "whole.json", texts=True))

    wanted = new.check(gate, baseline=old).conditions[0].difference
    assert wanted is not None
    assert bare.conditions[0].difference == whole.conditions[0].difference == wanted


def test_texts_of_cases_stay_out_of_the_file_unless_asked_for(folder: Path) -> None:
    said = ["an answer of a customer, " * 5, "another answer of a customer, " * 5]
    rows = [{"inputs": {"x": i}, "expectations": said[i % 2]} for i in range(60)]
    old, new = (
        evalkit.evaluate(
            lambda x, wrong=wrong: said[(x + (x % wrong == 0)) % 2],
            rows,
            "classification.f1",
            runtime=NOTHING_KEPT,
        )
        for wrong in (3, 10)
    )
    bare = old.write_baseline(folder / "bare.json")
    verdict = new.check("no_regression(classification.f1)", baseline=bare)

    assert "customer" not in bare.read_text("utf-8")
    assert verdict.status == "INCONCLUSIVE"
    assert "write the baseline anew with its texts" in verdict.conditions[0].why


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('{"schema": "evalkit.result/1"}', "is a report", id="a-report"),
        pytest.param('{"schema": "evalkit.baseline/9"}', "evalkit.baseline/9", id="newer"),
        pytest.param('{"schema": "evalkit.', "no JSON", id="cut-off"),
    ],
)
def test_other_files_are_refused(
    content: str, message: str, folder: Path, old: EvaluationResult
) -> None:
    path = folder / "file.json"
    path.write_text(content)

    with pytest.raises(DataError, match=message):
        old.check("no_regression(text.exact_match)", baseline=path)


def test_a_baseline_is_read_from_a_commit(old: EvaluationResult, folder: Path) -> None:
    path = old.write_baseline(folder / "tests" / "qa.baseline.json")
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "tests"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "baseline"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)  # noqa: S607
    run(0.1, "worse").write_baseline(path)
    gate = "no_regression(text.exact_match, margin=0.1)"
    new = run(0.5, "new", baseline="git:main:tests/qa.baseline.json", gates=gate)

    assert new.verdict.status == "PASS"
    assert baseline_of(new)["text.exact_match"] == old["text.exact_match"]
    reference = new.facts.plan.baseline
    assert reference is not None
    assert ":main:" not in reference.reference
    assert EvaluationResult.load("new").verdict.status == "PASS"
    for wrong in ("git:main", "git:nowhere:tests/qa.baseline.json", "git:main:tests/x.json"):
        with pytest.raises(EvalkitError):
            new.check(gate, baseline=wrong)


def test_a_baseline_that_is_gone_or_renewed_changes_no_finished_verdict(folder: Path) -> None:
    gate = "no_regression(text.exact_match, margin=0.2)"
    path = run(0.5, "old", runtime=NOTHING_KEPT).write_baseline(folder / "b.json")
    new = run(0.5, "new", baseline=path, gates=gate)
    worse = run(0.1, "worse", baseline=path, gates=gate)

    path.unlink()
    for result in (new, worse):
        assert EvaluationResult.load(result.name).verdict == result.verdict
    run(1.0, "perfect", runtime=NOTHING_KEPT).write_baseline(path)
    again = EvaluationResult.load("new")
    assert again.verdict == new.verdict
    assert again.verdict.status == "PASS"
    assert again.verdict.conditions[0].difference == new.verdict.conditions[0].difference
    path.unlink()
    verdict = again.check(gate)
    assert verdict.status == "INCONCLUSIVE"
    assert "b.json" in verdict.conditions[0].why


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("status", ["PASS", "FAIL"])
def test_a_verdict_of_an_older_release_has_its_status_alone(status: str) -> None:
    new = run(0.5, "new", gates="text.exact_match >= 0.1")
    written = json.loads(new.folder.result.read_text())
    new.folder.result.write_text(json.dumps(written | {"verdict": status}))

    again = EvaluationResult.load("new").verdict
    assert again.status == status
    assert [condition.status for condition in again.conditions] == [status]


def failures_by_case(result: EvaluationResult) -> dict[tuple[str, int], tuple[str, str]]:
    """What the target failed on, by case and repeat: a file lists its cases by id."""
    return {
        (result.case_ids[cell // result.repeats], cell % result.repeats): why
        for cell, why in result.facts.failures.items()
    }


@pytest.mark.parametrize("reducer", ["pass_at_k(2)", "pass_hat_k(2)", "at_least(2)"])
def test_a_file_keeps_what_the_target_failed_on(folder: Path, reducer: str) -> None:
    def bot(question: str, repeat: int, *, bad: int) -> str:
        if (int(question) + repeat) % bad == 0:
            raise ValueError("down")
        return "a" if int(question) % 2 else "b"

    def system(bad: int) -> EvaluationResult:
        return evalkit.evaluate(
            lambda question, repeat: bot(question, repeat, bad=bad),
            [{"question": str(i), "expected": "a"} for i in range(60)],
            "text.exact_match",
            repeats=3,
            reducer=reducer,
            runtime=NOTHING_KEPT,
        )

    old, new = system(3), system(1000)
    again = read_baseline(old.write_baseline(folder / "b.json"), EvaluationResult)

    key = "text.exact_match"
    assert failures_by_case(again) == failures_by_case(old)
    assert again[key] == old[key]
    mine, its = (result.estimate(key, level=0.9) for result in (old, again))
    assert (its.value, its.n_scored, its.n_failed) == (mine.value, mine.n_scored, mine.n_failed)
    assert (its.low, its.high) == pytest.approx((mine.low, mine.high))  # cases are summed by id
    by_run, by_file = (new.difference(other, key) for other in (old, again))
    assert by_file.n == by_run.n
    assert by_file.difference == pytest.approx(by_run.difference)
