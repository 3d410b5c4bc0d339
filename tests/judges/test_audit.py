"""Every judge of the library can be audited without data: its cases fit it."""

from typing import Any

import pytest

import evalkit
from evalkit.evaluation.audit import plan_audit
from evalkit.hooks.catalog import get_scorer
from evalkit.judging.auditing.trials import Subject
from evalkit.judging.judge import Judge
from evalkit.testing import ScriptedEndpoint
from evalkit_judges.degradations import DEGRADED_BY
from evalkit_judges.families import FAMILIES

NAMES = [name for family in FAMILIES.values() for name in family]
NO_DIRECTION = {"refusal"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_brings_cases_that_its_probes_apply_to(name: str) -> None:
    plan = plan_audit(f"judge.{name}", judge_model="openai/x")
    asked = {trial.probe.partition(".")[0] for trial in plan.trials.listed}
    worse = {
        trial.probe.partition(".")[2]
        for trial in plan.trials.listed
        if trial.probe.startswith("degradation.")
    }

    assert plan.n_cases >= 3
    assert "invariance" in asked
    if name not in NO_DIRECTION:
        assert "injection" in asked
        assert worse == set(DEGRADED_BY[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_good_case_is_put_to_the_model_and_not_caught_or_skipped(name: str) -> None:
    judge: Any = get_scorer(f"judge.{name}")
    assert isinstance(judge, Judge)

    for case in judge.good_cases:  # type: ignore[attr-defined]
        assert not Subject(judge).answers_unasked(case)
        assert judge.messages(case)


def test_a_renamed_judge_that_reads_from_elsewhere_is_audited_where_it_reads() -> None:
    rows = [
        {"question": f"{n}?", "output": {"text": f"It is {n}.", "n": n}, "expected": f"It is {n}."}
        for n in range(20, 26)
    ]
    with ScriptedEndpoint('{"rationale": "r", "verdict": "yes"}') as endpoint:
        judge = get_scorer(
            "judge.equivalence",
            name="same",
            reads={"outputs": "outputs.text"},
            model="openai/x",
            base_url=endpoint.base_url,
        )
        found = evalkit.audit(
            judge, rows, probes=["negate", "padding"], runtime=evalkit.Runtime(store=False)
        )

    assert found.judge == "same"
    assert found.batteries["degradation"].total.n == 6
    assert found.batteries["bias"].total.n == 12
