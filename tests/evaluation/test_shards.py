"""Shards of an evaluation: merged, they are the evaluation that was not divided."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import evalkit
from evalkit import EvaluationResult, Runtime, Score
from evalkit.errors import EvalkitError, UsageError
from evalkit.plugin import Additive, CaseBatch, MetricFacts, ScoreColumn
from evalkit.scoring.column import Metric

KEEP_NOTHING = Runtime(store=False)
SCORERS = ["text.exact_match", "text.bleu", "text.rouge"]


def _row(i: int) -> dict[str, Any]:
    return {
        "question": f"q{i} of the case",
        "expected": f"the answer {i} of all",
        "region": "eu" if i % 3 else "us",
        "team": f"t{i % 7}",
        "weight": 1.0 + i % 4,
        "session": f"s{i % 11}" if i % 5 else None,
        "turn": i,
    }


def _answer(i: int) -> str:
    return f"the answer {i} of all" if i % 4 else f"an answer {i} of {i}"


ASKED = [_row(i) for i in range(60)]
STORED = [{**_row(i), "output": _answer(i)} for i in range(60)]
REPEATED = [
    {
        "id": f"c{i}",
        "inputs": {"q": i},
        "expectations": "y",
        "outputs": "yny"[(i + r) % 3],
        "repeat": r,
    }
    for r in range(3)
    for i in range(30)
]
UNEVEN = REPEATED[:40] + REPEATED[60:75]
MEASURED = [{"x": float(i % 9), "z": str(i), "label": i % 2} for i in range(60)]
COLUMNS = {"tags": ["region"], "group": "team"}


def bot(question: str, repeat: int) -> str:
    number = int(question.partition(" ")[0][1:])
    if number == 17:
        raise ValueError("seventeen")
    return _answer(number + repeat)


def remembers(question: str, history: Sequence[Any]) -> str:
    return f"{question} after {len(history)}"


def classifier() -> Any:
    frame = pd.DataFrame({"x": [float(i % 9) for i in range(60)]})
    return LogisticRegression().fit(frame, [int(x > 4) for x in frame["x"]])


@evalkit.scorer
def several(outputs: str) -> dict[str, float] | Score:
    if outputs.endswith("7"):
        return Score.skipped("sevens say nothing")
    return {"length": len(outputs)} if "an" in outputs else {"length": 1.0, "words": 5.0}


@evalkit.scorer
def weighted(outputs: str) -> Score:
    return Score(float("all" in outputs), weight=float(len(outputs)))


@dataclass(frozen=True)
class Hits:
    """A corpus scorer of a user's own."""

    name: str = "hits"
    corpus: ClassVar[str] = "additive"
    facts = MetricFacts()

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        hits = np.array([float(output.startswith("the")) for output in batch.outputs])
        column = ScoreColumn.from_values(hits.tolist())
        column.statistics = Additive(np.stack([hits, np.ones(len(hits))], axis=1))
        return column

    def compute(self, totals: Any, /) -> Any:
        return totals[..., 0] / np.maximum(totals[..., 1], 1)


def _arrays(metric: Metric) -> Iterator[tuple[str, bytes]]:
    column = metric.column
    for name in ("values", "status", "weights"):
        array = getattr(column, name)
        yield f"{metric.key}.{name}", b"" if array is None else np.asarray(array).tobytes()
    for name in ("labels", "reasons", "explanations", "metadata"):
        yield f"{metric.key}.{name}", repr(sorted(getattr(column, name).items())).encode()
    statistics = column.statistics
    if statistics is not None:
        held = getattr(statistics, "columns", None) or {
            "vectors": getattr(statistics, "vectors", 0)
        }
        for name, array in held.items():
            cells = np.asarray(array)
            yield f"{metric.key}#{name}", repr(cells.tolist()).encode()


def _same(merged: EvaluationResult, whole: EvaluationResult) -> None:
    assert merged.estimates == whole.estimates
    columns = [dict(itertools.chain(*map(_arrays, each.metrics))) for each in (merged, whole)]
    assert columns[0] == columns[1]
    assert [m.key for m in merged.metrics] == [m.key for m in whole.metrics]
    assert merged.case_ids.tolist() == whole.case_ids.tolist()
    assert merged.dataset == whole.dataset
    assert merged.facts.plan.outputs_digest == whole.facts.plan.outputs_digest
    assert merged.model_id == whole.model_id
    assert merged.signatures == whole.signatures
    assert merged.facts.failures == whole.facts.failures
    assert merged.verdict == whole.verdict
    assert merged.folder.scores.read_bytes() == whole.folder.scores.read_bytes()
    shown = [each.table().drop(columns=["latency_seconds", "cost"]) for each in (merged, whole)]
    assert shown[0].equals(shown[1])
    assert merged.spool.facts == whole.spool.facts


@pytest.mark.parametrize("of", [2, 3])
@pytest.mark.parametrize(
    ("model", "data", "scorers", "words"),
    [
        pytest.param(None, STORED, SCORERS, {}, id="stored"),
        pytest.param(None, STORED, [*SCORERS, several], {"columns": COLUMNS}, id="tags-and-groups"),
        pytest.param(bot, ASKED, [*SCORERS, several], {"columns": COLUMNS}, id="live"),
        pytest.param(
            bot, ASKED, SCORERS, {"repeats": 3, "reducer": ["mean", "pass_at_k(2)"]}, id="repeats"
        ),
        pytest.param(
            bot,
            ASKED,
            [*SCORERS, weighted, Hits()],
            {"columns": {"weight": "weight", **COLUMNS}, "repeats": 2},
            id="weights",
        ),
        pytest.param(remembers, ASKED, ["text.token_f1"], {}, id="sessions"),
        pytest.param(None, REPEATED, ["text.exact_match"], {"reducer": "majority"}, id="log"),
        pytest.param(None, UNEVEN, ["text.exact_match"], {}, id="uneven-log"),
        pytest.param(
            classifier(),
            MEASURED,
            ["classification.f1", "classification.roc_auc"],
            {"columns": {"expectations": "label", "tags": "z"}},
            id="estimator",
        ),
        pytest.param(None, STORED, SCORERS, {"sample": 30, "seed": 5, "limit": 50}, id="sample"),
        pytest.param(
            None,
            [{**row, "expected": i % 2, "output": (i % 3) / 3} for i, row in enumerate(STORED)],
            ["classification.roc_auc"],
            {"columns": {"expectations": "expected"}},
            id="rows-of-a-corpus",
        ),
    ],
)
def test_shards_merged_are_the_undivided_evaluation(
    model: Any, data: Any, scorers: Any, words: dict[str, Any], of: int
) -> None:
    name = str(data[0].get("id")) + "-run"
    words = {"name": name, "gates": ["coverage >= 0.9"], "runtime": KEEP_NOTHING, **words}
    whole = evalkit.evaluate(model, data, scorers, **words)
    parts = [
        evalkit.evaluate(model, data, scorers, shard=f"{part}/{of}", **words)
        for part in range(1, of + 1)
    ]

    assert sum(map(len, parts)) == len(whole)
    own = [scorer for scorer in scorers if isinstance(scorer, Hits)]
    _same(evalkit.merge(parts[::-1], scorers=own), whole)


def test_shards_read_back_from_their_folders_merge_the_same(tmp_path: Path) -> None:
    runtime = Runtime(store=f"sqlite:///{tmp_path}/runs.db")
    words: dict[str, Any] = {"name": "qa", "gates": "text.exact_match >= 0.9", "columns": COLUMNS}
    whole = evalkit.evaluate(bot, ASKED, SCORERS, runtime=KEEP_NOTHING, **words)
    shards = [
        evalkit.evaluate(bot, ASKED, SCORERS, shard=f"{part}/2", runtime=runtime, **words)
        for part in (1, 2)
    ]

    parts = [EvaluationResult.load(shard.folder.path) for shard in shards]
    merged = evalkit.merge(parts, runtime=runtime)

    _same(merged, whole)
    assert str(merged.verdict.status) == "FAIL"
    assert merged.run_id is not None
    loaded = EvaluationResult.load(merged.run_id, store=str(runtime.store))
    _same(loaded, whole)
    assert merged.usage["target"].calls == whole.usage["target"].calls


def test_a_shard_says_that_its_gates_are_judged_on_the_whole() -> None:
    shard = evalkit.evaluate(
        data=STORED,
        scorers="text.exact_match",
        gates="text.exact_match >= 1",
        shard="1/2",
        runtime=KEEP_NOTHING,
    )

    assert not shard.verdict.conditions
    assert "judged once, on the whole, by evalkit merge" in str(shard.verdict)
    assert any("Shard 1/2" in note for note in shard.facts.notes)
    again = EvaluationResult.load(shard.folder.path)
    assert again.verdict == shard.verdict


def test_a_shard_that_was_stopped_goes_on_and_what_failed_in_one_is_retried() -> None:
    down = False

    def patient(question: str) -> str:
        number = int(question.partition(" ")[0][1:])
        if down and number % 4 == 0:
            raise ConnectionError("down")
        return _answer(number)

    words: dict[str, Any] = {"name": "qa", "scorers": "text.exact_match"}
    whole = evalkit.evaluate(patient, ASKED, **words, runtime=KEEP_NOTHING)
    broke = Runtime(budget={"target": {"calls": 7}}, concurrency=1)
    stopped = evalkit.evaluate(patient, ASKED, **words, shard="1/2", runtime=broke)
    down = True
    failed = evalkit.evaluate(patient, ASKED, **words, shard="2/2")
    down = False

    assert stopped.facts.status == "budget"
    with pytest.raises(UsageError, match="is not complete; finish it first"):
        evalkit.merge([stopped, failed])
    first = evalkit.evaluate(
        patient, ASKED, "text.exact_match", runtime=Runtime(resume=stopped.run_id)
    )
    assert len(failed.failures()) > 0
    second = failed.retry(model=patient)
    assert (first.facts.plan.shard, second.facts.plan.shard) == ("1/2", "2/2")
    _same(evalkit.merge([first, second]), whole)


def test_a_shard_may_lack_what_other_shards_have() -> None:
    data = [
        {"question": f"q{i}", "expected": "a", "output": "a", **({"region": "eu"} if i > 7 else {})}
        for i in range(10)
    ]
    words: dict[str, Any] = {
        "name": "qa",
        "columns": {"tags": ["region"]},
        "gates": "text.exact_match[region=eu] >= 0.1 @ point",
        "runtime": KEEP_NOTHING,
    }
    parts = [
        evalkit.evaluate(data=data, scorers="text.exact_match", shard=shard, **words)
        for shard in ("1/2", "2/2")
    ]

    assert str(evalkit.merge(parts).verdict.status) == "PASS"


def _part(shard: str | None, data: Any = STORED, scorers: Any = "text.exact_match") -> Any:
    return evalkit.evaluate(
        data=data, scorers=scorers, shard=shard, name=f"part {shard}", runtime=KEEP_NOTHING
    )


@pytest.mark.parametrize(
    ("shards", "told"),
    [
        pytest.param([("1/3",), ("3/3",)], "Shard 2/3 is missing", id="missing"),
        pytest.param([("1/2",), ("1/2",), ("2/2",)], "Shard 1/2 is there more than once", id="two"),
        pytest.param([("1/2",), ("2/2", STORED[1:])], "their data, outputs differ", id="data"),
        pytest.param(
            [("1/2",), ("2/2", [{**row, "output": "no"} for row in STORED])],
            r"shard 1/2 \('part 1/2'\) and shard 2/2 .* their outputs differ",
            id="outputs",
        ),
        pytest.param([("1/2",), ("2/3",)], "their numbers of shards differ", id="number"),
        pytest.param([("1/2",), (None,)], "'part None' is no shard", id="no-shard"),
        pytest.param(
            [("1/2",), ("2/2", STORED, ["text.exact_match", "text.bleu"])],
            r"scorers \(text.bleu\) differ",
            id="scorers",
        ),
    ],
)
def test_what_is_missing_doubled_or_different_is_named(shards: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told) as raised:
        evalkit.merge([_part(*shard) for shard in shards])

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    with pytest.raises(UsageError, match="shard must be one such as '1/4'"):
        _part(shard)


def test_a_shard_does_not_stop_early() -> None:
    with pytest.raises(UsageError, match="leave out shard="):
        evalkit.evaluate(
            data=STORED,
            scorers="text.exact_match",
            gates="text.exact_match >= 0.1",
            stop="when decided",
            shard="1/2",
            runtime=KEEP_NOTHING,
        )


def test_a_merged_result_is_kept_in_a_folder_of_its_own(tmp_path: Path) -> None:
    parts = [_part("1/2"), _part("2/2")]

    merged = evalkit.merge(parts, folder=tmp_path / "whole")

    assert EvaluationResult.load(tmp_path / "whole").estimates == merged.estimates
    with pytest.raises(UsageError, match="exists already"):
        evalkit.merge(parts, folder=tmp_path / "whole")


def test_a_corpus_scorer_of_ones_own_is_given_since_files_run_nothing() -> None:
    words: dict[str, Any] = {"data": STORED, "scorers": Hits(), "runtime": KEEP_NOTHING}
    whole = evalkit.evaluate(**words)
    shards = [evalkit.evaluate(**words, shard=shard) for shard in ("1/2", "2/2")]
    parts = [EvaluationResult.load(shard.folder.path) for shard in shards]

    assert evalkit.merge(parts, scorers=Hits()).estimates == whole.estimates
    with pytest.raises(EvalkitError, match="No scorer is called 'hits'"):
        evalkit.merge(parts)
    with pytest.raises(UsageError, match=r"Scorer 'text\.bleu' is not that of"):
        evalkit.merge(parts, scorers="text.bleu")


def test_a_merged_result_is_judged_by_other_gates_and_another_baseline() -> None:
    parts = [_part("1/2"), _part("2/2")]
    before = _part(None)

    merged = evalkit.merge(
        parts, gates="no_regression(text.exact_match, margin=0.3)", baseline=before
    )

    assert [str(c.status) for c in merged.verdict.conditions] == ["PASS"]
