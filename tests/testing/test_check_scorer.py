"""The contract suite of scorers finds each broken law, and says so."""

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from evalkit.plugin import (
    UNIT,
    Additive,
    Case,
    CaseBatch,
    MetricFacts,
    Rows,
    Score,
    ScoreColumn,
    Status,
    as_text,
    output_texts,
)
from evalkit.scoring.decorator import scorer
from evalkit.testing import check_scorer

FACTS = MetricFacts(low=0.0, high=1.0)
calls = itertools.count()


def share_of_vowels(value: Any) -> float | None:
    text = as_text(value)
    return sum(text.count(vowel) for vowel in "aeiou") / len(text) if text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vowels:
    """Keeps every law; the others break one each."""

    name: str = "test.vowels"
    scale: float = 1.0
    facts = FACTS

    def score(self, case: Case, /) -> float | None:
        return share_of_vowels(case.outputs)


class Random(Vowels):
    def score(self, case: Case, /) -> float | None:
        value = share_of_vowels(case.outputs)
        return None if value is None else (next(calls) % 7) / 7


class OutOfBounds(Vowels):
    def score(self, case: Case, /) -> float | None:
        value = share_of_vowels(case.outputs)
        return None if value is None else value * 1.5 + 0.5


class Raising(Vowels):
    def score(self, case: Case, /) -> float | None:
        return float(case.outputs.count("a") > 0)


class Infinite(Vowels):
    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([share_of_vowels(output) for output in batch.outputs])
        column.status[:] = Status.OK
        return column


class Ranking(Vowels):
    """Compares a case with its neighbours."""

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        lengths = [len(text or "") for text in output_texts(batch)]
        return ScoreColumn.from_values([float(n == max(lengths)) for n in lengths])


class Placed(Vowels):
    """Knows the first case of a batch, but not a batch of one."""

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([share_of_vowels(output) for output in batch.outputs])
        if len(batch) > 1:
            column.status[0] = Status.SKIPPED
            column.values[0] = np.nan
        return column


class Short(Vowels):
    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        return ScoreColumn.from_values([share_of_vowels(o) for o in batch.outputs[:2]])


class Meddling(Vowels):
    def score(self, case: Case, /) -> float | None:
        if isinstance(case.outputs, list):
            case.outputs.append("seen")
        return share_of_vowels(case.outputs)


class Unpicklable(Vowels):
    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle a socket")


class Reasonless(Vowels):
    def score(self, case: Case, /) -> Any:
        return Score(status=Status.FAILED) if case.outputs == "" else share_of_vowels(case.outputs)


class Dissimilar(Vowels):
    facts = UNIT


class Upside(Vowels):
    facts = MetricFacts(direction="up")  # type: ignore[arg-type]


class Empty(Vowels):
    facts = MetricFacts(low=1.0, high=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Additively(Vowels):
    corpus: ClassVar[str] = "additive"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([share_of_vowels(output) for output in batch.outputs])
        values = np.nan_to_num(column.values)
        column.statistics = Additive(np.stack([values, np.ones(len(values))], axis=1))
        return column

    def compute(self, totals: Any, /) -> Any:
        return totals[..., 0] / np.maximum(totals[..., 1], 1)


class NotVectorised(Additively):
    def compute(self, totals: Any, /) -> Any:
        return np.asarray(totals).ravel()[0] / max(np.asarray(totals).ravel()[1], 1)


class BatchNormalised(Additively):
    """Leaves something of the batch in its statistics."""

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([0.5 if o else None for o in output_texts(batch)])
        column.statistics = Additive(np.full((len(batch), 2), 1.0 / max(len(batch), 1)))
        return column


class Forgetful(Additively):
    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        return ScoreColumn.from_values([share_of_vowels(output) for output in batch.outputs])


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRows(Vowels):
    corpus: ClassVar[str] = "rows"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([share_of_vowels(output) for output in batch.outputs])
        column.statistics = Rows({"value": column.values.copy()})
        return column

    def compute(self, rows: Rows, weights: Any, /) -> float:
        return float(np.average(rows.columns["value"], weights=weights))


class Weightless(ByRows):
    def compute(self, rows: Rows, weights: Any, /) -> float:
        del weights
        return float(np.mean(rows.columns["value"]))


class Unseeded(ByRows):
    def draws(self, rows: Rows, *settings: Any) -> Any:
        del rows, settings
        return np.full(5, float(next(calls)))


@scorer
def says_please(outputs: str) -> bool:
    return "please" in str(outputs)


@scorer(low=0.0)
async def length(outputs: str, expectations: dict[str, Any]) -> dict[str, int]:
    return {"output": len(str(outputs)), "expected": len(str(expectations))}


class Local:
    """Makes a scorer that no other process can import."""

    @staticmethod
    def scorer() -> Any:
        class Hidden(Vowels):
            pass

        return Hidden()


@pytest.mark.parametrize(
    "kept", [Vowels(), Additively(), ByRows(), says_please, length], ids=lambda s: s.name
)
def test_a_scorer_that_keeps_the_laws_passes(kept: Any) -> None:
    check_scorer(kept)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        pytest.param(Random(), "is deterministic", id="random"),
        pytest.param(OutOfBounds(), "stays in its bounds", id="out-of-bounds"),
        pytest.param(Raising(), "survives every input", id="raising"),
        pytest.param(Infinite(), "fills its columns", id="ok-without-a-value"),
        pytest.param(Reasonless(), "fills its columns", id="failed-without-a-reason"),
        pytest.param(Short(), "fills its columns", id="too-short"),
        pytest.param(Ranking(), "scores one by one as in a batch", id="relative"),
        pytest.param(Placed(), "scores one by one as in a batch", id="by-place"),
        pytest.param(Meddling(), "leaves cases as they are", id="meddling"),
        pytest.param(Unpicklable(), "is picklable", id="unpicklable"),
        pytest.param(Local.scorer(), "is picklable", id="local"),
        pytest.param(Dissimilar(), "is best for identity", id="identity"),
        pytest.param(Upside(), "declares what it is", id="direction"),
        pytest.param(Empty(), "declares what it is", id="bounds"),
        pytest.param(Vowels(name=""), "declares what it is", id="name"),
        pytest.param(NotVectorised(), "computes many totals at once", id="not-vectorised"),
        pytest.param(BatchNormalised(), "scores one by one as in a batch", id="normalised"),
        pytest.param(Forgetful(), "merges its statistics", id="no-statistics"),
        pytest.param(Weightless(), "counts a weight of 2 as two cases", id="weightless"),
        pytest.param(Unseeded(), "draws by seed", id="unseeded"),
    ],
)
def test_a_broken_law_is_named(broken: Any, law: str) -> None:
    with pytest.raises(AssertionError) as raised:
        check_scorer(broken)

    assert f"breaks the law {law!r}" in str(raised.value)
    assert str(raised.value).startswith(f"Scorer {broken.name!r}")


def test_the_smallest_cases_are_shown() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Threshold:
        name: str = "test.threshold"
        facts = MetricFacts(high=100.0)

    Threshold.__qualname__ = "Threshold"
    globals()["Threshold"] = Threshold
    Threshold.score = lambda _, case: (  # type: ignore[attr-defined]
        float(case.outputs) if isinstance(case.outputs, int) else None
    )
    special = [Case(id=str(number), outputs=number) for number in range(200)]

    with pytest.raises(AssertionError) as raised:
        check_scorer(Threshold(), cases=special, max_examples=200)

    lines = str(raised.value).partition("Cases:\n")[2].splitlines()
    assert lines == ["  Case(id='101', outputs=101)"]


def test_own_cases_reach_what_made_up_ones_do_not() -> None:
    special = [Case(outputs="aaa", tags={"kind": "special"})]

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Special:
        name: str = "test.special"
        facts = FACTS

        def score(self, case: Case, /) -> float | None:
            return 2.0 if case.tags.get("kind") == "special" else None

    Special.__qualname__ = "Special"
    globals()["Special"] = Special

    check_scorer(Special())
    with pytest.raises(AssertionError, match="stays in its bounds"):
        check_scorer(Special(), cases=special)
