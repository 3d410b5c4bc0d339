"""The contract suite of scorers: one call checks every law, each a function that raises."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any, Final, get_args

import numpy as np

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.optional import require
from evalkit.engine.verdicts import PLAIN
from evalkit.entities.case import Case
from evalkit.entities.estimate import Direction
from evalkit.entities.score import Status
from evalkit.scoring.column import Additive, Rows, ScoreColumn
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.protocol import Scorer, facts_of, requirements_of
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.testing.trial import (
    NEAR,
    Columns,
    Trial,
    columns_for,
    corpus_value,
    difference,
    near,
    scored_statistics,
    word,
)

LONG_TEXT: Final = "It was the best of times, it was the worst of times. " * 200
"""A text far longer than usual ones: 10,600 characters."""

_WORDS: Final = ("the cat", "The Cat sat.", "sat", "", " ", "no", "yes", "42", "naïve 猫", "a\nb")


def check_scorer(scorer: Scorer, *, cases: Any = None, max_examples: int = 50) -> None:
    """Check that *scorer* keeps the laws of scorers, on cases that hypothesis makes up.

    It is deterministic; stays in its declared bounds; scores one by one as in a batch, and in any
    order; survives empty, unicode, very long and missing input; pickles, and is rebuilt from its
    specification; gives identical texts the best value where it declares so; and its statistics
    merge, so that shards give the value of the whole.

    Args:
        scorer: The scorer, configured.
        cases: Cases to try besides: a list of them, or a hypothesis strategy that makes one, for
            scorers that read more than outputs and one expectation.
        max_examples: Batches to try.

    Raises:
        AssertionError: If a law is broken; names scorer and law, and the smallest cases found.
        MissingExtraError: If hypothesis is not installed.

    Examples:
        >>> from evalkit.hooks.catalog import get_scorer
        >>> check_scorer(get_scorer("text.exact_match"), max_examples=10)
    """
    declares_itself(scorer)
    twins = copies(scorer)
    for batch in awkward_batches():
        trial = Trial.of(scorer, batch)
        fills_its_columns(trial)
        stays_in_its_bounds(trial)
        says_the_same_as(trial, Trial.of(scorer, batch).columns, "is deterministic")
    _check_examples(scorer, twins, _strategy(cases), max_examples)
    _check_identity(scorer, max_examples)


def _strategy(cases: Any) -> Any:
    st = require("hypothesis.strategies", extra="testing")
    if cases is None:
        return batches()
    one = st.sampled_from(list(cases)) if isinstance(cases, Sequence) else cases
    return batches() | st.lists(one, max_size=6)


def _settings(max_examples: int) -> Any:
    hypothesis = require("hypothesis", extra="testing")
    return hypothesis.settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        # Not "explain", which runs a broken scorer hundreds of times more.
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def _check_examples(
    scorer: Scorer, twins: tuple[Scorer, Scorer], strategy: Any, max_examples: int
) -> None:
    hypothesis = require("hypothesis", extra="testing")
    st = require("hypothesis.strategies", extra="testing")

    def holds(batch: list[Case], data: Any) -> None:
        trial = Trial.of(scorer, batch)
        fills_its_columns(trial)
        stays_in_its_bounds(trial)
        again = Trial.of(scorer, batch)
        says_the_same_as(trial, again.columns, "is deterministic")
        scores_one_by_one_as_in_a_batch(trial)
        order = data.draw(st.permutations(range(len(batch))), label="order")
        keeps_to_cases_in_any_order(trial, order)
        merges_its_statistics(trial, data.draw(st.integers(0, len(batch)), label="cut"))
        for twin, law in zip(twins, ("is picklable", "is rebuildable"), strict=True):
            says_the_same_as(trial, Trial.of(twin, batch).columns, law)

    _settings(max_examples)(hypothesis.given(batch=strategy, data=st.data())(holds))()


def _check_identity(scorer: Scorer, max_examples: int) -> None:
    every = [scorer.facts, *getattr(scorer, "metric_facts", {}).values()]
    if not any(facts.best_for_identity for facts in every):
        return
    hypothesis = require("hypothesis", extra="testing")

    def holds(batch: list[Case]) -> None:
        is_best_for_identity(Trial.of(scorer, batch))

    _settings(max_examples)(hypothesis.given(batch=identical_batches())(holds))()


def declares_itself(scorer: Scorer) -> None:
    """Check name, facts and requirements."""
    law = "declares what it is"
    nothing = Trial(scorer, (), {})
    if not isinstance(scorer.name, str) or not scorer.name:  # pyright: ignore[reportUnnecessaryIsInstance]
        nothing.broken(law, f"its name is {scorer.name!r}, not a text")
    every: dict[str | None, Any] = {None: scorer.facts, **getattr(scorer, "metric_facts", {})}
    for key, facts in every.items():
        if not isinstance(facts, MetricFacts):
            nothing.broken(law, f"its facts are of type {type(facts).__name__}, not MetricFacts")
        if facts.direction not in get_args(Direction):
            nothing.broken(law, f"direction of {key or scorer.name} is {facts.direction!r}")
        if facts.bounds is not None and not facts.bounds[0] < facts.bounds[1]:
            nothing.broken(law, f"bounds of {key or scorer.name} are {facts.bounds}")
    wanted = requirements_of(scorer)
    if not all(isinstance(name, str) for name in wanted):  # pyright: ignore[reportUnnecessaryIsInstance]
        nothing.broken(law, f"requires is {sorted(map(repr, wanted))}, not texts")


def copies(scorer: Scorer) -> tuple[Scorer, Scorer]:
    """Return the scorer as it comes back from pickle and from its specification."""
    nothing = Trial(scorer, (), {})
    try:
        pickled: Scorer = pickle.loads(pickle.dumps(scorer))  # noqa: S301  our own bytes
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything
        nothing.broken("is picklable", f"{type(error).__name__}: {error}")
    law = "is rebuildable from its specification"
    try:
        written = canonical_json(specification(scorer))
        rebuilt = rebuild(parse_json(written))
    except Exception as error:  # noqa: BLE001  a plug-in may raise anything
        nothing.broken(law, f"{type(error).__name__}: {error}")
    if signature(rebuilt) != signature(scorer):
        nothing.broken(law, f"{signature(scorer)} became {signature(rebuilt)}")
    return pickled, rebuilt


def fills_its_columns(trial: Trial) -> None:
    """Check that every cell has an outcome, and a value exactly where it may."""
    law = "fills its columns"
    for key, column in trial.columns.items():
        n = len(trial.cases)
        if column.values.shape != (n,) or column.status.shape != (n,):
            trial.broken(law, f"{key!r} has {len(column)} cells for {n} cases")
        if not np.isin(column.status, list(Status)).all():
            trial.broken(law, f"{key!r} has unknown outcomes {column.status.tolist()}")
        if column.statistics is not None and len(column.statistics) != n:
            trial.broken(law, f"{key!r} has {len(column.statistics)} statistics for {n} cases")
        for row in range(n):
            ok = column.status[row] == Status.OK
            explained = row in column.labels or column.statistics is not None
            if not ok and not np.isnan(column.values[row]):
                trial.broken(law, f"cell {row} has a value and is {word(column, row)}")
            if ok and not explained and not np.isfinite(column.values[row]):
                trial.broken(law, f"cell {row} is ok and its value is {column.values[row]}")
            if column.status[row] == Status.FAILED and not column.reasons.get(row):
                trial.broken(law, f"cell {row} failed without a reason")


def stays_in_its_bounds(trial: Trial) -> None:
    """Check every value, and the corpus value, against the declared range."""
    for key, column in trial.columns.items():
        facts = facts_of(trial.scorer, key or None)
        values = column.values[np.isfinite(column.values)].tolist()
        values.append(corpus_value(trial.scorer, scored_statistics(column)))
        for value in values:
            if facts.low is not None and value < facts.low - NEAR:
                trial.broken("stays in its bounds", f"{value} is below {facts.low}")
            if facts.high is not None and value > facts.high + NEAR:
                trial.broken("stays in its bounds", f"{value} is above {facts.high}")
        if facts.binary and any(value not in {0.0, 1.0} for value in values[:-1]):
            trial.broken("stays in its bounds", f"it declares yes or no, and says {values[:-1]}")


def says_the_same_as(trial: Trial, other: Columns, law: str) -> None:
    """Check that *other* columns hold the same cells, statistics and corpus value."""
    if other.keys() != trial.columns.keys():
        trial.broken(law, f"keys are {sorted(other)} instead of {sorted(trial.columns)}")
    for key, column in trial.columns.items():
        different = difference(column, other[key])
        if different:
            trial.broken(law, different)


def scores_one_by_one_as_in_a_batch(trial: Trial) -> None:
    """Check every cell against the scorer's verdict on its case alone."""
    law = "scores one by one as in a batch"
    for row, case in enumerate(trial.cases):
        alone = Trial.of(trial.scorer, [case]).columns
        for key, column in trial.columns.items():
            cell = column.take([row])
            if key in alone:
                different = difference(cell, alone[key])
            else:
                plain = alone.get(PLAIN)
                said = plain is not None and plain.status[0] == Status.OK
                different = "a key is missing" if said or cell.status[0] == Status.OK else ""
            if different:
                trial.broken(law, f"case {row} differs: {different}")


def keeps_to_cases_in_any_order(trial: Trial, order: Sequence[int]) -> None:
    """Check that cases in another order get the same cells in that order."""
    moved = columns_for(trial.scorer, [trial.cases[row] for row in order])
    expected = {key: column.take(order) for key, column in trial.columns.items()}
    if set(moved) != set(expected):
        trial.broken("is independent of order", f"keys are {sorted(moved)}")
    for key, column in expected.items():
        different = difference(column, moved[key])
        if different:
            trial.broken("is independent of order", f"in order {list(order)}: {different}")
        before, after = (
            corpus_value(trial.scorer, scored_statistics(one))
            for one in (trial.columns[key], column)
        )
        if not near(before, after):
            trial.broken("is independent of order", f"{before} became {after}")


def is_best_for_identity(trial: Trial) -> None:
    """Check that outputs equal to what is expected get the best value, where that is declared."""
    for key, column in trial.columns.items():
        facts = facts_of(trial.scorer, key or None)
        best = facts.low if facts.direction == "lower" else facts.high
        if not facts.best_for_identity or best is None:
            continue
        values = column.values[np.isfinite(column.values)].tolist()
        corpus = corpus_value(trial.scorer, scored_statistics(column))
        for value in [*values, *([] if np.isnan(corpus) else [corpus])]:
            if not near(value, best):
                trial.broken("is best for identity", f"{value} instead of {best}")


def merges_its_statistics(trial: Trial, cut: int) -> None:
    """Check that shards trial apart give the corpus value of the whole."""
    scorer: Any = trial.scorer
    law = "merges its statistics"
    shards = [trial.cases[:cut], trial.cases[cut:]]
    for key, column in trial.columns.items():
        if column.statistics is None:
            if getattr(scorer, "corpus", None) is not None:
                trial.broken(law, f"a corpus metric whose column {key!r} has no statistics")
            continue
        whole = scored_statistics(column)
        parts = [columns_for(scorer, shard)[key] for shard in shards if shard]
        if whole is None:
            continue
        merged = scored_statistics(ScoreColumn.concatenate(parts))
        value, again = corpus_value(scorer, whole), corpus_value(scorer, merged)
        if not near(value, again):
            trial.broken(law, f"cut at {cut}, {value} becomes {again}")
        if isinstance(whole, Additive):
            _computes_many_at_once(trial, whole, value)
        else:
            _counts_weights_as_cases(trial, whole, value)
            _draws_as_it_computes(trial, whole)


def _computes_many_at_once(trial: Trial, whole: Additive, value: float) -> None:
    scorer: Any = trial.scorer
    totals = whole.vectors.sum(axis=0)
    many = np.asarray(scorer.compute(np.stack([totals, totals * 3])))
    if many.shape != (2,) or not near(float(many[0]), value):
        trial.broken("computes many totals at once", f"{many!r} instead of twice {value}")


def _counts_weights_as_cases(trial: Trial, whole: Rows, value: float) -> None:
    law = "counts a weight of 2 as two cases"
    scorer: Any = trial.scorer
    n = len(whole)
    if not near(corpus_value(scorer, whole, np.ones(n)), value):
        trial.broken(law, "weights of 1 change the value")
    if n < 2:  # noqa: PLR2004  twice one case may be defined where one is not
        return
    times = np.arange(n) % 2 + 1
    weighed = corpus_value(scorer, whole, times.astype(np.float64))
    repeated = corpus_value(scorer, whole.take(np.repeat(np.arange(n), times)))
    if not near(weighed, repeated):
        trial.broken(law, f"weights {times.tolist()} give {weighed}, repeated cases {repeated}")


def _draws_as_it_computes(trial: Trial, whole: Rows) -> None:
    draw = getattr(trial.scorer, "draws", None)
    if draw is None:
        return
    groups = np.arange(len(whole)) // 2
    for settings in ((None, 5, 7), (np.ones(len(whole)), 5, 7), (None, 5, 7, groups)):
        first, again = draw(whole, *settings), draw(whole, *settings)
        if np.shape(first) != (5,) or not np.array_equal(first, again, equal_nan=True):
            trial.broken("draws by seed", f"5 draws are {first!r}, and {again!r} by the same seed")
        if np.isinf(first).any():
            trial.broken("draws by seed", f"draws are {first!r}; undefined ones have to be NaN")


def value_strategies() -> dict[str, Any]:
    """Return hypothesis strategies of answers by kind: what outputs and targets may be.

    Raises:
        MissingExtraError: If hypothesis is not installed.
    """
    st = require("hypothesis.strategies", extra="testing")
    labels = st.sampled_from(["yes", "no", "maybe", "猫"])
    share = st.integers(0, 16).map(lambda part: part / 16)
    return {
        "text": st.sampled_from(_WORDS) | st.text(max_size=20),
        "label": labels,
        "binary": st.sampled_from([0, 1, True, False]),
        "class": st.integers(0, 3),
        "number": st.floats(-1e6, 1e6, width=32) | st.integers(-5, 5),
        "probability": share,
        "probabilities": share.map(lambda part: {"no": 1 - part, "yes": part}),
        "mapping": st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        "list": st.lists(st.text(max_size=5), max_size=3),
    }


PAIRS: Final = (
    ("text", "text"),
    ("text", "list"),
    ("label", "label"),
    ("binary", "binary"),
    ("class", "class"),
    ("number", "number"),
    ("probability", "binary"),
    ("probabilities", "label"),
)
"""Kinds of output and target that belong together."""


def batches() -> Any:
    """Return a strategy of lists of cases: mostly of one kind, some missing, some out of place."""
    st = require("hypothesis.strategies", extra="testing")
    kinds = value_strategies()
    anything = st.one_of(st.none(), *kinds.values())

    def of_kind(pair: tuple[str, str]) -> Any:
        output, target = kinds[pair[0]], kinds[pair[1]]
        one = cases(outputs=output | output | output | anything, targets=target | target | anything)
        return st.lists(one, max_size=6)

    return st.sampled_from(PAIRS).flatmap(of_kind)


def identical_batches() -> Any:
    """Return a strategy of lists of cases whose outputs equal what is expected."""
    st = require("hypothesis.strategies", extra="testing")
    kinds = value_strategies()

    def of_kind(kind: str) -> Any:
        pair = kinds[kind].map(lambda value: Case(outputs=value, expectations={"target": value}))
        return st.lists(pair, min_size=1, max_size=4)

    return st.sampled_from(["text", "label", "binary", "class", "number"]).flatmap(of_kind)


def cases(*, outputs: Any, targets: Any) -> Any:
    """Return a strategy of cases with these outputs and targets, and with every other field."""
    st = require("hypothesis.strategies", extra="testing")
    texts = st.sampled_from(_WORDS)
    expectations = st.one_of(
        targets.map(lambda value: {"target": value}),
        targets.map(lambda value: {"expected_response": value}),
        st.just({}),
    )
    call = st.fixed_dictionaries({"name": texts, "arguments": st.just({})})
    seconds = st.none() | st.floats(0, 100, width=32)
    return st.builds(
        Case,
        id=st.text(max_size=3),
        inputs=texts.map(lambda text: {"question": text}),
        outputs=outputs,
        expectations=expectations,
        retrieved_context=st.none() | texts | st.lists(texts, max_size=2),
        tool_calls=st.none() | st.lists(call, max_size=2),
        session=st.none() | st.sampled_from(["s1", "s2"]),
        latency_seconds=seconds,
        time_to_first_token=seconds,
        cost=seconds,
    )


def awkward_batches() -> list[list[Case]]:
    """Return batches that every scorer has to survive: none, missing, empty, unicode, very long.

    Examples:
        >>> [len(batch) for batch in awkward_batches()]
        [0, 1, 1, 2, 2, 2]
    """
    texts = ["", "\x00\u202e👩‍👩‍👧 İstanbul ﷽ e\u0301"]
    return [
        [],
        [Case()],
        [Case(outputs=None, expectations={"target": None, "expected_response": None})],
        [Case(outputs=text, expectations={"target": text}) for text in texts],
        [Case(outputs=text, expectations={"expected_response": "word"}) for text in texts],
        [
            Case(outputs=LONG_TEXT, expectations={"target": LONG_TEXT}),
            Case(outputs=LONG_TEXT, expectations={"expected_response": "times"}),
        ],
    ]
