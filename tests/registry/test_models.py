"""`evalkit.models`: what a user registers, and finds again."""

from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit import models, tracking
from evalkit.errors import ModelVersionNotFoundError, RunNotFoundError, UsageError
from evalkit.evaluation.result import EvaluationResult

ROWS = [{"question": f"q{i}", "expected": "a", "output": "a" if i % 2 else "b"} for i in range(6)]


@pytest.fixture
def result() -> EvaluationResult:
    return evalkit.evaluate(data=ROWS, scorers="text.exact_match", name="first")


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(lambda r: r, id="result"),
        pytest.param(lambda r: r.run_id, id="run-id"),
        pytest.param(lambda r: r.run_id[:8], id="beginning"),
        pytest.param(lambda _: "first", id="name"),
        pytest.param(lambda _: "latest", id="latest"),
        pytest.param(lambda r: tracking.get_run(r.run_id), id="run"),
        pytest.param(lambda r: r.model_id, id="model-id"),
        pytest.param(lambda r: EvaluationResult.load(r.run_id), id="loaded"),
    ],
)
def test_whatever_means_an_evaluation_is_registered(
    result: EvaluationResult, reference: Callable[[EvaluationResult], object]
) -> None:
    made = models.register(
        "bot", reference(result), alias="champion", tags={"a": "b"}, description="first"
    )

    assert (made.run_id, made.model_id) == (result.run_id, result.model_id)
    assert made.source == f"runs:/{result.run_id}"
    assert (made.tags, made.description) == ({"a": "b"}, "first")
    for uri in ("models:/bot/1", "models:/bot@champion", "models:/bot/latest"):
        assert models.get(uri) == made


def test_registering_again_makes_the_next_version_and_moves_the_alias(
    result: EvaluationResult,
) -> None:
    models.register("bot", result, alias="champion")
    second = models.register("bot", result, alias="champion")

    assert second.uri == "models:/bot/2"
    assert [v.aliases for v in models.versions("bot")] == [("champion",), ()]
    models.set_alias("bot", "champion", 1)
    assert models.get("models:/bot@champion").version == 1
    models.delete_alias("bot", "champion")
    with pytest.raises(ModelVersionNotFoundError):
        models.get("models:/bot@champion")
    models.set_tags("models:/bot/2", {"stage": "eu"})
    assert [v.version for v in models.versions("bot", tags={"stage": "eu"})] == [2]
    assert [m.name for m in models.search("BO")] == ["bot"]


@pytest.mark.parametrize(
    ("source", "kind", "told"),
    [
        pytest.param("frist", RunNotFoundError, "Did you mean 'first'", id="near-miss"),
        pytest.param(3, UsageError, "int cannot be registered", id="another-type"),
    ],
)
@pytest.mark.usefixtures("result")
def test_what_is_no_evaluation_is_refused_and_makes_no_model(
    source: Any, kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        models.register("bot", source)
    assert models.search() == []


def test_a_run_without_an_evaluation_is_refused() -> None:
    with tracking.start_run(run_name="plain"):
        tracking.log_metric("accuracy", 1.0)

    with pytest.raises(UsageError, match="holds no evaluation that has ended"):
        models.register("bot", "plain")


def test_a_result_that_no_store_keeps_is_refused() -> None:
    result = evalkit.evaluate(
        data=ROWS, scorers="text.exact_match", runtime=evalkit.Runtime(store=False)
    )

    with pytest.raises(UsageError, match="in no store"):
        models.register("bot", result)


@pytest.mark.usefixtures("result")
def test_an_alias_that_is_refused_leaves_no_empty_model_behind() -> None:
    with pytest.raises(UsageError, match="reads as a version"):
        models.register("bot", "latest", alias="latest")
    assert models.search() == []
