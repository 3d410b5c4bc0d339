"""Published figures, reached from the published files by `evalkit.evaluate` alone."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import kendalltau, spearmanr

import evalkit

pytestmark = pytest.mark.conformance

NOTHING_KEPT = evalkit.Runtime(store=False)
Published = list[dict[str, Any]]


def expected(published: Published, dataset: str, what: str) -> dict[str, Any]:
    found = [r for r in published if r["dataset"] == dataset and r["what"].startswith(what)]
    assert found, f"{dataset}: nothing is published about {what}"
    return found[0]


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def final_answer(solution: str) -> str | None:
    found = re.findall(r"(?m)^A: (.*)$", solution)
    return found[0].strip().replace(",", "") if found else None


# gsm8k: four models' solutions of 1,319 problems, beside each other in one file.


@evalkit.scorer
def right_number(outputs: str, expectations: dict[str, Any]) -> bool:
    return final_answer(outputs) == final_answer(expectations["target"])


@pytest.fixture(scope="module")
def gsm8k(shared_data: Path) -> dict[str, evalkit.EvaluationResult]:
    return {
        model: evalkit.evaluate(
            data=shared_data / "gsm8k" / "example_model_solutions.jsonl",
            scorers=[right_number],
            columns={
                "inputs": "question",
                "outputs": f"{model}.solution",
                "expectations": "ground_truth",
                "tags": None,
            },
            name=model,
            runtime=NOTHING_KEPT,
        )
        for model in ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    }


@pytest.mark.parametrize(
    ("model", "accuracy", "right"),
    [
        pytest.param("6b_finetuning", 0.2168, 286, id="6B-finetuning"),
        pytest.param("6b_verification", 0.3904, 515, id="6B-verification"),
        pytest.param("175b_finetuning", 0.3472, 458, id="175B-finetuning"),
        pytest.param("175b_verification", 0.5625, 742, id="175B-verification"),
    ],
)
def test_gsm8k_accuracies_are_those_published(
    gsm8k: dict[str, evalkit.EvaluationResult], model: str, accuracy: float, right: int
) -> None:
    estimate = gsm8k[model]["right_number"]

    assert estimate.value == right / 1319
    assert estimate.value == pytest.approx(accuracy, abs=5e-5)
    assert (estimate.n_total, estimate.n_scored, estimate.n_failed) == (1319, 1319, 0)


def test_gsm8k_verdicts_are_those_of_the_authors_case_by_case(
    gsm8k: dict[str, evalkit.EvaluationResult], shared_data: Path
) -> None:
    rows = json_lines(shared_data / "gsm8k" / "example_model_solutions.jsonl")

    for model, result in gsm8k.items():
        judged = [row[model]["is_correct"] for row in rows]
        assert result.table()["right_number"].astype(bool).tolist() == judged


def test_gsm8k_standard_error_and_interval_follow_the_textbook(
    gsm8k: dict[str, evalkit.EvaluationResult],
) -> None:
    from scipy.stats import binomtest

    estimate = gsm8k["175b_verification"]["right_number"]
    wilson = binomtest(742, 1319).proportion_ci(method="wilson")

    assert estimate.method == "wilson"
    assert estimate.low == pytest.approx(wilson.low, abs=1e-12)
    assert estimate.high == pytest.approx(wilson.high, abs=1e-12)
    assert estimate.standard_error is not None
    assert round(estimate.standard_error, 6) in {0.013659, 0.013664}  # over n, over n - 1


def test_gsm8k_models_differ_by_the_paired_figures(
    gsm8k: dict[str, evalkit.EvaluationResult],
) -> None:
    found = gsm8k["6b_verification"].difference(gsm8k["175b_finetuning"], "right_number")

    assert found.n == 1319
    assert found.difference == pytest.approx(57 / 1319, abs=1e-12)
    assert found.correlation == pytest.approx(0.4151, abs=5e-5)
    assert found.standard_error == pytest.approx(0.014361, abs=5e-7)
    assert found.method == "tango"
    assert (found.low, found.high) == pytest.approx((0.01505, 0.07146), abs=5e-6)
    assert found.test == "mcnemar-mid-p"
    assert found.p_value == pytest.approx(0.0026874, abs=5e-8)


# tau-bench: 50 airline tasks, each tried four times.


@evalkit.scorer(low=0.0, high=1.0)
def reward(outputs: float) -> bool:
    return outputs == 1.0


REDUCERS = ["mean", *(f"{name}({k})" for k in range(1, 5) for name in ("pass_hat_k", "pass_at_k"))]


@pytest.fixture(scope="module")
def tau_bench(shared_data: Path) -> evalkit.EvaluationResult:
    return evalkit.evaluate(
        data=shared_data / "tau_bench" / "rewards.csv",
        scorers=[reward],
        columns={"id": "task_id", "repeat": "trial", "inputs": "task_id", "outputs": "reward"},
        reducer=REDUCERS,
        runtime=NOTHING_KEPT,
    )


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_tau_bench_pass_hat_k_is_as_published(
    tau_bench: evalkit.EvaluationResult, published: Published, k: int
) -> None:
    rows = [row for row in published if row["statistic"] == f"pass^{k}"]
    estimate = tau_bench[f"reward.pass_hat_k({k})"]

    assert estimate.value == pytest.approx(rows[0]["reproduced"], abs=5e-7)
    assert estimate.value == pytest.approx(rows[0]["published"], abs=rows[0]["tolerance"])
    assert (estimate.n_total, estimate.n_repeats) == (50, 4)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("reward.pass_at_k(1)", 0.420, id="pass-at-1"),
        pytest.param("reward.pass_at_k(2)", 0.567, id="pass-at-2"),
        pytest.param("reward.pass_at_k(3)", 0.660, id="pass-at-3"),
        pytest.param("reward.pass_at_k(4)", 0.720, id="pass-at-4"),
    ],
)
def test_tau_bench_pass_at_k_counts_tasks_solved_by_any_of_k_trials(
    tau_bench: evalkit.EvaluationResult, key: str, value: float
) -> None:
    assert tau_bench[key].value == pytest.approx(value, abs=5e-4)


def test_tau_bench_standard_errors_are_over_tasks_not_trials(
    tau_bench: evalkit.EvaluationResult,
) -> None:
    found = [
        tau_bench[key].standard_error
        for key in ("reward", "reward.pass_hat_k(2)", "reward.pass_hat_k(4)")
    ]

    assert found == pytest.approx([0.052216, 0.0555, 0.0571], abs=5e-5)


def test_a_target_that_replays_tau_bench_gives_the_same_estimates(
    tau_bench: evalkit.EvaluationResult, shared_data: Path
) -> None:
    lines = (shared_data / "tau_bench" / "rewards.csv").read_text(encoding="utf-8").splitlines()
    rewards = {tuple(map(int, line.split(",")[:2])): line.split(",")[2] for line in lines[1:]}

    def agent(task_id: int, repeat: int) -> float:
        return float(rewards[task_id, repeat])

    tasks = [{"inputs": {"task_id": task}} for task in range(50)]
    result = evalkit.evaluate(
        agent, tasks, reward, repeats=4, reducer=REDUCERS, runtime=NOTHING_KEPT
    )

    for key, estimate in result.estimates.items():
        assert estimate.value == pytest.approx(tau_bench[key].value, abs=1e-12)
        assert estimate.standard_error == pytest.approx(tau_bench[key].standard_error, abs=1e-12)


# PandaLM: which of two answers is better, by three people and by GPT-3.5.


def test_gpt_35_on_pandalm_scores_as_published(shared_data: Path, published: Published) -> None:
    people, judge = (
        json.loads((shared_data / "pandalm" / name).read_text(encoding="utf-8"))
        for name in ("testset-v1.json", "gpt-3.5-turbo-testset-v1.json")
    )
    majority = [
        Counter(row[f"annotator{n}"] for n in (1, 2, 3)).most_common(1)[0][0] for row in people
    ]
    rows = [
        {
            "id": str(row["idx"]),
            "outputs": int(row["gpt_result"]) if row["gpt_result"] in {"1", "2"} else 0,
            "expectations": {"target": label},
        }
        for row, label in zip(judge, majority, strict=True)
    ]
    result = evalkit.evaluate(
        data=rows,
        scorers=[
            "classification.accuracy",
            {f"classification.{name}": {"average": "macro"} for name in _MACRO},
        ],
        runtime=NOTHING_KEPT,
    )

    counts = expected(published, "pandalm", "majority label counts")["reproduced"]
    assert [majority.count(label) for label in (0, 1, 2)] == counts
    wanted = expected(published, "pandalm", "gpt-3.5-turbo vs majority")
    keys = ("classification.accuracy", *(f"classification.{name}" for name in _MACRO))
    found = [result[key].value for key in keys]
    assert found == pytest.approx(wanted["reproduced"], abs=wanted["tolerance"])
    assert found == pytest.approx(wanted["published"], abs=wanted["tolerance"])


_MACRO = ("precision", "recall", "f1")


# SummEval: how ROUGE ranks 16 systems' summaries of each of 100 documents, beside people.


@pytest.mark.parametrize("variant", ["rouge1", "rouge2", "rougeLsum"])
def test_rouge_agrees_with_people_on_summeval_as_published(
    shared_data: Path, published: Published, variant: str
) -> None:
    wanted = expected(published, "summeval", variant)
    table = _summaries(shared_data / "summeval", lines=variant == "rougeLsum")
    scorer = evalkit.get_scorer("text.rouge", variants=[variant], stemmer=True, references="mean")
    result = evalkit.evaluate(data=table, scorers=[scorer], runtime=NOTHING_KEPT)

    cells = result.table()
    cells["document"] = [tags["document"] for tags in cells["tags"]]
    found: list[float] = []
    for dimension in ("coherence", "consistency", "fluency", "relevance"):
        cells["people"] = [tags[dimension] for tags in cells["tags"]]
        spearman, kendall = [], []
        for _, rows in cells.groupby("document"):
            if rows["people"].nunique() > 1:
                spearman.append(spearmanr(rows[f"text.rouge.{variant}"], rows["people"])[0])
                kendall.append(kendalltau(rows[f"text.rouge.{variant}"], rows["people"])[0])
        found += [sum(spearman) / len(spearman), sum(kendall) / len(kendall)]
    assert [round(value, 3) for value in found] == wanted["reproduced"]
    assert found == pytest.approx(wanted["published"], abs=wanted["tolerance"] + 5e-4)


def _summaries(folder: Path, *, lines: bool) -> list[dict[str, Any]]:
    def broken(text: str) -> str:
        return text.replace(" . ", " .\n") if lines else text

    references = {
        row["doc_id"]: [broken(text) for text in row["references"]]
        for row in json_lines(folder / "references.jsonl")
    }
    dimensions = ("coherence", "consistency", "fluency", "relevance")
    return [
        {
            "id": f"{row['doc_id']}/{row['system']}",
            "outputs": broken(row["summary"]),
            "expectations": {"expected_response": references[row["doc_id"]]},
            "tags": {"document": row["doc_id"], **{name: row[name] for name in dimensions}},
        }
        for row in json_lines(folder / "summaries_scores.jsonl")
    ]
