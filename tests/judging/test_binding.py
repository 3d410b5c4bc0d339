"""Judges as the catalog and an evaluation handle them."""

from collections.abc import Mapping
from typing import Any

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.evaluation.running.scorers import bind_judges
from evalkit.hooks.catalog import with_parameters
from evalkit.judging.judge import Judge, make_judge
from evalkit.judging.jury import Jury
from evalkit.judging.pairwise import PairwiseJudge
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.scoring.signature import signature

POLITE = make_judge("judge.polite", "Is {{ outputs }} polite?")
LOCAL = "hosted_vllm/judge"


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", "http://127.0.0.1:9/v1")
    monkeypatch.delenv("EVALKIT_JUDGE_MODEL", raising=False)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"model": LOCAL}, {"model": LOCAL}),
        ({"choices": {"a": 1, "b": 0}}, {"choices": (("a", 1), ("b", 0))}),
        ({"scale": {"1": "poor", "5": "good"}}, {"scale": ((1, "poor"), (5, "good"))}),
        ({"value_type": bool}, {"value_type": "bool"}),
    ],
)
def test_a_registered_judge_takes_its_settings_as_parameters(
    parameters: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    found = with_parameters(POLITE, parameters)

    assert {name: getattr(found, name) for name in expected} == expected


def test_a_setting_that_no_judge_has_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'model'"):
        with_parameters(POLITE, {"modle": LOCAL})


def test_the_evaluations_model_reaches_judges_wherever_they_are() -> None:
    renamed = ConfiguredScorer(inner=POLITE, name="manners", reads={"outputs": "outputs.text"})
    jury = Jury(judges=(POLITE, POLITE.with_model("hosted_vllm/own")))

    bound = bind_judges([POLITE, renamed, PairwiseJudge(), jury], LOCAL)

    assert [one.name for one in bound] == ["judge.polite", "manners", "pairwise", "jury"]
    assert all(LOCAL in signature(one) for one in bound)


def test_a_judge_keeps_the_model_that_it_names() -> None:
    (bound,) = bind_judges([POLITE.with_model("hosted_vllm/own")], LOCAL)

    assert isinstance(bound, Judge)
    assert bound.model == "hosted_vllm/own"


def test_the_environment_names_the_model_where_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVALKIT_JUDGE_MODEL", LOCAL)

    (bound,) = bind_judges([POLITE], None)

    assert isinstance(bound, Judge)
    assert bound.model == LOCAL


def test_without_any_model_the_error_says_where_to_name_one() -> None:
    with pytest.raises(UsageError, match="judge_model="):
        bind_judges([POLITE], None)


def test_a_missing_key_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        bind_judges([POLITE], "openai/gpt-5-mini")


@pytest.mark.parametrize(
    ("instructions", "told"),
    [
        ("{{ outputs }} for {{ inputs.qestion }}?", "Did you mean 'question'"),
        ("{{ outputs }} as {{ expectations['tone'] }}?", "expectations.tone, which no case has"),
    ],
)
def test_a_path_that_no_case_has_is_an_error_before_the_run(instructions: str, told: str) -> None:
    data = [{"inputs": {"question": "?"}, "outputs": "a", "expectations": {"facts": "b"}}]
    judge = make_judge("j", instructions, model=LOCAL)

    with pytest.raises(UsageError, match=told):
        evalkit.evaluate(data=data, scorers=[judge], runtime=evalkit.Runtime(store=False))
