"""How often audits are wrong, by simulation: verdicts of one case go together."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.judging.auditing.audit import Bars, Battery
from evalkit.judging.auditing.measure import batteries_of
from evalkit.judging.auditing.trials import Subject, Trial, Trials, trials_of
from evalkit.judging.judge import make_judge

ROUNDS = 200
JUDGE = make_judge(
    "same",
    'Same?\n\n{{ outputs }}\n\n{{ expectations.expected_response }}\n\n- "yes": it is.\n'
    '- "no": it is not.',
    model="openai/x",
)
Draw = Callable[[np.random.Generator, dict[str, float], Trial], bool]
"""Whether a trial's verdict is good, from luck and a number in [0, 1] that its case draws."""


def trials(n_cases: int, probe: str) -> Trials:
    told = [f"In {n} there are bridges. They are old." for n in range(n_cases)]
    cases = [
        Case(id=one, inputs={"q": one}, outputs=one, expectations={"expected_response": one})
        for one in told
    ]
    return trials_of(Subject(JUDGE), cases, [probe])


def simulated(made: Trials, name: str, draw: Draw) -> list[Battery]:
    def battery(seed: int) -> Battery:
        luck = np.random.default_rng(seed)
        drawn = {one: float(luck.random()) for one in {t.origin: None for t in made.listed}}
        verdicts = [draw(luck, drawn, trial) for trial in made.listed]
        readings = [Score(float(good), label="yes" if good else "no") for good in verdicts]
        return batteries_of(made, readings, Bars())[name]

    return [battery(seed) for seed in range(ROUNDS)]


def most(rate: float) -> float:
    """Return the share of rounds that *rate* exceeds with a chance below 0.5 %."""
    return rate + 2.6 * math.sqrt(rate * (1 - rate) / ROUNDS)


def weak_on(share: float) -> Draw:
    """Return a judge that anything convinces on a share of cases, and nothing on the others."""

    def draw(_: np.random.Generator, drawn: dict[str, float], trial: Trial) -> bool:
        return trial.probe != "base" and drawn[trial.origin] < share

    return draw


@pytest.mark.parametrize("battery", ["garbage", "injection"])
@pytest.mark.parametrize(
    ("n_cases", "share"),
    [pytest.param(4, 0.3, id="few-cases"), pytest.param(60, 0.05, id="at-the-bar")],
)
def test_attacks_pass_by_chance_no_more_often_than_told(
    n_cases: int, share: float, battery: str
) -> None:
    found = simulated(trials(n_cases, battery), battery, weak_on(share))
    covered = [one.total.low is not None and 1 - one.total.low >= share for one in found]

    assert sum(one.outcome == "pass" for one in found) / ROUNDS <= most(0.05)
    assert sum(covered) / ROUNDS >= 1 - most(0.05)


def test_worse_answers_pass_by_chance_no_more_often_than_told() -> None:
    def draw(_: np.random.Generator, drawn: dict[str, float], trial: Trial) -> bool:
        weak = drawn[trial.origin] < 0.05
        return weak if trial.probe != "base" else not weak

    found = simulated(trials(76, "degradation"), "degradation", draw)

    assert sum(one.outcome == "pass" for one in found) / ROUNDS <= most(0.05)


@pytest.mark.parametrize("n_cases", [6, 12, 20])
def test_biases_are_found_by_chance_no_more_often_than_told(n_cases: int) -> None:
    """On half of the cases every edit is rewarded, on the others punished."""

    def draw(luck: np.random.Generator, drawn: dict[str, float], trial: Trial) -> bool:
        rewarded, moved = drawn[trial.origin] < 0.5, luck.random() < 0.9
        return rewarded == trial.probe.startswith("bias") if moved else rewarded

    found = simulated(trials(n_cases, "verbosity"), "bias", draw)

    assert sum(one.outcome == "fail" for one in found) / ROUNDS <= most(0.05)


def test_no_p_value_is_smaller_than_its_cases_allow() -> None:
    def draw(*given: object) -> bool:
        trial = given[-1]
        return isinstance(trial, Trial) and trial.probe.startswith("bias")

    (one, *_) = simulated(trials(6, "verbosity"), "bias", draw)
    effects = [row.effect for row in one.rows if row.effect is not None]

    assert {(effect.n, effect.p_value) for effect in effects} == {(6, 2 * 2 / 64)}  # Holm's for two
    assert one.outcome == "inconclusive"
