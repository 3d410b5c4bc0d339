"""Versions of registered models as baselines: which evaluation stands for one."""

import logging
import random
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import models, tracking
from evalkit.errors import (
    DataError,
    EvalkitError,
    ModelUriError,
    ModelVersionNotFoundError,
    RegisteredModelNotFoundError,
)
from evalkit.evaluation.baselines.opening import open_result
from evalkit.evaluation.result import EvaluationResult
from evalkit.store import open_store
from evalkit.targets.open import open_target
from evalkit.tracking import current_store

ROWS = [{"question": f"q{i}", "expected": f"answer {i}"} for i in range(120)]
OTHER_ROWS = ROWS[:100]
CHAMPION = "models:/bot@champion"
NO_WORSE = "no_regression(text.exact_match, margin=0.02)"


def baseline_of(result: EvaluationResult) -> EvaluationResult:
    """What the gates of *result* compare with, opened again."""
    baseline = result.open_baseline()
    assert isinstance(baseline, EvaluationResult)
    return baseline


def bot(share: float) -> Any:
    def answer(question: str) -> str:
        draw = random.Random(question).random()  # noqa: S311  no secret
        return f"answer {question[1:]}" if draw < share else "no answer"

    return answer


def run(share: float, rows: Any = ROWS, *, version: str | None = None, **options: Any) -> Any:
    target = open_target(bot(share), version=version)
    return evalkit.evaluate(target, rows, "text.exact_match", **options)


@pytest.fixture
def champion() -> EvaluationResult:
    result: EvaluationResult = run(0.5, name="old", version="1")
    models.register("bot", result, alias="champion")
    return result


def test_a_gate_compares_with_the_version_that_the_alias_points_to(
    champion: EvaluationResult,
) -> None:
    new = run(0.8, version="2", baseline=CHAMPION, gates=NO_WORSE)

    assert new.verdict.status == "PASS"
    assert "against bot 1 (champion)" in new.verdict.conditions[0].why
    assert baseline_of(new).run_id == champion.run_id


@pytest.mark.usefixtures("champion")
def test_a_verdict_does_not_change_when_the_alias_moves() -> None:
    new = run(0.8, name="new", version="2", baseline=CHAMPION, gates=NO_WORSE)
    models.register("bot", new, alias="champion")

    again = EvaluationResult.load("new")
    assert baseline_of(again).name == "bot 1 (champion)"
    assert str(again.verdict) == str(new.verdict)
    assert again.check("improves(text.exact_match)", baseline=CHAMPION).status != "PASS"
    assert again.check("improves(text.exact_match)", baseline="models:/bot/1").status == "PASS"


def test_every_door_for_a_baseline_takes_the_uri(champion: EvaluationResult, folder: Path) -> None:
    new = run(0.8, name="new", version="2")

    assert new.check(NO_WORSE, baseline=CHAMPION).status == "PASS"
    for compared in (evalkit.compare(CHAMPION, new), new.compare(CHAMPION)):
        assert "bot 1 (champion)" in compared.results
    assert evalkit.compare("new", "models:/bot/latest").table()["difference"][0] < 0
    assert new.plan(detect=0.1, baseline=CHAMPION).baseline == "bot 1 (champion)"
    assert open_result(CHAMPION, kind=EvaluationResult).run_id == champion.run_id
    assert (folder / "evalkit.db").exists()


def test_a_model_evaluated_again_on_the_new_cases_is_compared_on_these(
    champion: EvaluationResult,
) -> None:
    again = run(0.5, OTHER_ROWS, version="1")
    run(0.5, OTHER_ROWS, version="3")
    new = run(0.8, OTHER_ROWS, version="2", baseline=CHAMPION, gates=NO_WORSE)

    assert again.model_id == champion.model_id
    assert baseline_of(new).run_id == again.run_id
    assert new.verdict.status == "PASS"


def test_the_newest_evaluation_of_a_model_counts_but_not_the_run_itself(
    champion: EvaluationResult,
) -> None:
    again = run(0.5, version="1")

    assert (
        open_result(CHAMPION, dataset=champion.dataset["digest"], kind=EvaluationResult).run_id
        == again.run_id
    )
    assert open_result(CHAMPION, like=again, kind=EvaluationResult).run_id == champion.run_id


@pytest.mark.usefixtures("champion")
def test_other_cases_are_told_in_the_log_and_in_the_verdict(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "evalkit"):
        new = run(0.8, OTHER_ROWS, version="2", baseline=CHAMPION, gates=NO_WORSE)

    assert new.verdict.status == "PASS"
    assert "100 cases in common (20 in bot 1 (champion) alone)" in new.verdict.conditions[0].why
    assert [r.message for r in caplog.records if "version 1" in r.message] == [
        (
            f"{CHAMPION} is version 1, which has no finished evaluation on these cases; the run "
            f"that registered it, {models.get(CHAMPION).run_id}, stands for it, on other cases "
            "(rows)."
        )
    ]


def test_a_function_without_a_version_is_known_by_its_registering_run_alone() -> None:
    old = run(0.8)
    models.register("bot", old, alias="champion")
    worse = run(0.3, baseline=CHAMPION, gates=NO_WORSE)
    worse_again = run(0.3, baseline=CHAMPION, gates=NO_WORSE)

    assert old.model_id == worse.model_id
    for result in (worse, worse_again):
        assert baseline_of(result).run_id == old.run_id
        assert result.verdict.status == "FAIL"


def test_stored_outputs_are_known_by_their_outputs() -> None:
    stored = [{**row, "output": row["expected"]} for row in ROWS]
    result = evalkit.evaluate(data=stored, scorers="text.exact_match", name="stored")
    models.register("bot", result, alias="champion")
    again = evalkit.evaluate(
        data=stored, scorers=["text.exact_match", "text.token_f1"], name="stored"
    )

    assert again.model_id == result.model_id
    new = run(0.8, version="2", baseline=CHAMPION)
    assert baseline_of(new).run_id == again.run_id


@pytest.mark.parametrize(
    ("uri", "kind", "told"),
    [
        pytest.param("models:/bto/1", RegisteredModelNotFoundError, "'bot'", id="model"),
        pytest.param("models:/bot@champoin", ModelVersionNotFoundError, "'champion'", id="alias"),
        pytest.param("models:/bot/2", ModelVersionNotFoundError, "It has: 1", id="version"),
        pytest.param("models:/bot", ModelUriError, "names no version", id="no-version"),
    ],
)
@pytest.mark.usefixtures("champion")
def test_a_version_that_is_not_there_is_an_error_before_the_first_call(
    uri: str, kind: type[EvalkitError], told: str
) -> None:
    called: list[str] = []

    def remember(question: str) -> str:
        called.append(question)
        return "x"

    with pytest.raises(kind, match=told):
        evalkit.evaluate(remember, ROWS, "text.exact_match", baseline=uri)
    assert not called


def test_a_version_whose_run_is_deleted_or_unknown_says_so(champion: EvaluationResult) -> None:
    store = current_store()
    store.versions.create("bot", aliases=["foreign"])
    assert champion.run_id is not None
    store.runs.delete(champion.run_id)

    with pytest.raises(DataError, match=r"models:/bot/1 comes from a run that cannot be read"):
        open_result(CHAMPION, kind=EvaluationResult)
    with pytest.raises(DataError, match="registered without a run"):
        open_result("models:/bot@foreign", kind=EvaluationResult)


def test_the_store_of_the_evaluation_is_the_one_that_is_asked(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/team.db"
    kept = evalkit.Runtime(store=uri)
    old = run(0.5, version="1", runtime=kept)
    with open_store(uri) as store:
        store.versions.create(
            "bot", run_id=old.run_id, model_id=old.model_id, aliases=["champion"], create_model=True
        )
    new = run(0.8, version="2", runtime=kept, baseline=CHAMPION, gates=NO_WORSE)

    assert new.verdict.status == "PASS"
    with pytest.raises(RegisteredModelNotFoundError):
        run(0.8, version="2", baseline=CHAMPION)


@pytest.mark.usefixtures("champion")
def test_stopping_when_decided_looks_at_the_champion() -> None:
    new = run(
        0.95, version="2", baseline=CHAMPION, gates="improves(text.exact_match)",
        stop="when decided",
    )  # fmt: skip

    assert new.verdict.status == "PASS"


@pytest.mark.usefixtures("champion")
def test_a_registered_version_is_no_target_yet_and_says_what_to_give() -> None:
    with pytest.raises(EvalkitError, match="give the model itself here, and the version as base"):
        evalkit.evaluate(CHAMPION, ROWS, "text.exact_match")


def test_a_run_that_went_on_with_another_model_still_stands_for_the_first() -> None:
    with tracking.start_run(run_name="both"):
        first = run(0.5, version="1")
        second = run(0.9, version="2")
    models.register("bot", first, alias="champion")
    models.register("bot", second, alias="challenger")

    assert first.run_id == second.run_id
    for alias, result in (("champion", first), ("challenger", second)):
        found = open_result(f"models:/bot@{alias}", kind=EvaluationResult)
        assert found.model_id == result.model_id
        assert found["text.exact_match"].value == result["text.exact_match"].value


def test_scorers_that_are_added_to_a_champion_are_compared_by(champion: EvaluationResult) -> None:
    champion.score("text.token_f1")
    new = evalkit.evaluate(
        open_target(bot(0.8), version="2"),
        ROWS,
        ["text.exact_match", "text.token_f1"],
        baseline=CHAMPION,
        gates="improves(text.token_f1)",
    )

    assert new.verdict.status == "PASS"


def test_parts_are_merged_against_the_models_evaluation_on_the_same_cases(
    champion: EvaluationResult,
) -> None:
    on_these = run(0.5, OTHER_ROWS, name="old again", version="1")
    parts = [run(0.6, OTHER_ROWS, name="new", shard=f"{part}/2") for part in (1, 2)]

    merged = evalkit.merge(
        parts, gates=NO_WORSE, baseline=CHAMPION, runtime=evalkit.Runtime(store=None)
    )

    assert baseline_of(merged).run_id == on_these.run_id != champion.run_id
