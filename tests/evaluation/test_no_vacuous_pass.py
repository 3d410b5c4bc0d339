"""Whatever comes of the cases, a gate passes only on what was measured of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.evaluation.result import EvaluationResult


class Drawn(NamedTuple):
    """What one case comes to."""

    fate: str
    lang: str | None
    must: bool


LEAST: Final = 0.4
GATES: Final = {
    "mean": f"fine >= {LEAST}",
    "point": f"fine >= {LEAST} @ point",
    "worst": f"worst(fine, by=lang) >= {LEAST} @ point",
    "slice": f"fine[lang=de] >= {LEAST} @ point",
    "lowest": f"min(fine) >= {LEAST} @ point",
    "rate": f"rate(fine) >= {LEAST} @ point",
    "coverage": "coverage >= 0.6",
    "skipped": "skipped <= 0.5",
    "count": "n(fine) >= 1",
    "cost": "cost <= 100",
    "must": "must_pass",
    "must-slice": "must_pass[lang=de]",
    "paired": "no_regression(fine, margin=0.6)",
    "paired-worst": "no_regression(worst(fine, by=lang), margin=0.6) @ point",
}


@evalkit.scorer(low=0, high=1)
def fine(outputs: str) -> float | None:
    return {"right": 1.0, "wrong": 0.0}.get(outputs)


def run(cases: Sequence[Drawn], budget: float | None = None) -> EvaluationResult:
    """Evaluate a system that does with each case what was drawn, and costs a dollar an answer."""
    rows = [
        {"id": f"c{n}", "question": str(n), "expected": "y"}
        | ({"lang": case.lang} if case.lang else {})
        | ({"must": "fine >= 1"} if case.must else {})
        for n, case in enumerate(cases)
    ]
    rows[0]["lang"] = "de"  # the gates name a value that there is

    def bot(question: str) -> evalkit.Output:
        if cases[int(question)].fate == "error":
            raise ValueError(question)
        return evalkit.Output(cases[int(question)].fate, cost=1.0)

    runtime = evalkit.Runtime(store=False, progress=False, concurrency=1, budget=budget)
    return evalkit.evaluate(bot, rows, [fine], columns={"tags": ["lang"]}, runtime=runtime)


FATES = st.sampled_from(["right", "right", "right", "wrong", "skipped", "error"])
CASES = st.lists(
    st.builds(Drawn, fate=FATES, lang=st.sampled_from(["de", "en", None]), must=st.booleans()),
    min_size=1,
    max_size=30,
)
UNIFORM = st.builds(
    lambda case, n: [case] * n, st.builds(Drawn, FATES, st.just("de"), st.booleans()), st.just(24)
)


def passed(result: EvaluationResult, **options: Any) -> set[str]:
    """Return the names of the gates that pass, each judged by itself."""
    return {name for name, gate in GATES.items() if result.check(gate, **options).status == "PASS"}


class Seen:
    """What the cases came to, counted without evalkit."""

    def __init__(self, cases: Sequence[Drawn]) -> None:
        self.cases = [cases[0]._replace(lang="de"), *cases[1:]]
        self.scored = [c for c in self.cases if c.fate in {"right", "wrong"}]
        self.n_failed = sum(case.fate == "error" for case in cases)

    @property
    def coverage(self) -> float:
        return len(self.scored) / max(len(self.scored) + self.n_failed, 1)

    def mean(self, *langs: str | None) -> float:
        """Return the share of right answers in some languages; -1 where nothing has a value."""
        some = [case.fate == "right" for case in self.scored if not langs or case.lang in langs]
        return sum(some) / len(some) if some else -1.0

    @property
    def worst(self) -> float:
        return min(self.mean(lang) for lang in {case.lang for case in self.cases})

    def musts_hold(self, *langs: str) -> bool:
        asked = [c for c in self.cases if c.must and (not langs or c.lang in langs)]
        return bool(asked) and all(case.fate == "right" for case in asked)


CLAIMS: Final[dict[str, Callable[[Seen], bool]]] = {
    "mean": lambda seen: seen.mean() >= LEAST and seen.coverage >= 0.98,
    "point": lambda seen: seen.mean() >= LEAST and seen.coverage >= 0.98,
    "rate": lambda seen: seen.mean() >= LEAST and seen.coverage >= 0.98,
    "lowest": lambda seen: seen.mean() == 1.0 and seen.coverage >= 0.98,
    "worst": lambda seen: seen.worst >= LEAST,
    "slice": lambda seen: seen.mean("de") >= LEAST,
    "coverage": lambda seen: seen.coverage >= 0.6,
    "skipped": lambda seen: len(seen.scored) + seen.n_failed >= 0.5 * len(seen.cases),
    "count": lambda seen: len(seen.scored) >= 1,
    "cost": lambda seen: len(seen.scored) >= 1,
    "must": lambda seen: seen.musts_hold(),
    "must-slice": lambda seen: seen.musts_hold("de"),
    "paired": lambda seen: len(seen.scored) >= 10 and seen.mean() > 0.4 and seen.coverage >= 0.98,
    "paired-worst": lambda seen: seen.worst > 0.4,
}


@settings(max_examples=60, deadline=None)
@given(CASES | UNIFORM)
def test_a_gate_that_passes_was_measured(cases: list[Drawn]) -> None:
    baseline = run([case._replace(fate="right") for case in cases])
    names = passed(run(cases), baseline=baseline)
    seen = Seen(cases)

    assert {name for name in names if not CLAIMS[name](seen)} == set()
    assert seen.scored or not names


@settings(max_examples=25, deadline=None)
@given(CASES.filter(lambda cases: len(cases) > 1), st.data())
def test_a_run_that_ended_early_passes_no_gate(cases: list[Drawn], data: st.DataObject) -> None:
    result = run(cases, data.draw(st.integers(1, len(cases) - 1)))
    assume(result.facts.status == "budget")  # errors cost nothing

    assert passed(result, baseline=run([c._replace(fate="right") for c in cases])) == set()
