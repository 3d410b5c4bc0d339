"""The contract suite of scorers: one call checks every law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit._internal.optional import require
from evalkit.entities.case import Case
from evalkit.scoring.protocol import Scorer
from evalkit.testing import scorer_laws as laws
from evalkit.testing.examples import awkward_batches, batches, identical_batches
from evalkit.testing.scorer_laws import merges_its_statistics
from evalkit.testing.trial import Trial


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
    laws.declares_itself(scorer)
    twins = laws.copies(scorer)
    for batch in awkward_batches():
        trial = Trial.of(scorer, batch)
        laws.fills_its_columns(trial)
        laws.stays_in_its_bounds(trial)
        laws.says_the_same_as(trial, Trial.of(scorer, batch).columns, "is deterministic")
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
        laws.fills_its_columns(trial)
        laws.stays_in_its_bounds(trial)
        again = Trial.of(scorer, batch)
        laws.says_the_same_as(trial, again.columns, "is deterministic")
        laws.scores_one_by_one_as_in_a_batch(trial)
        order = data.draw(st.permutations(range(len(batch))), label="order")
        laws.keeps_to_cases_in_any_order(trial, order)
        merges_its_statistics(trial, data.draw(st.integers(0, len(batch)), label="cut"))
        for twin, law in zip(twins, ("is picklable", "is rebuildable"), strict=True):
            laws.says_the_same_as(trial, Trial.of(twin, batch).columns, law)

    _settings(max_examples)(hypothesis.given(batch=strategy, data=st.data())(holds))()


def _check_identity(scorer: Scorer, max_examples: int) -> None:
    every = [scorer.facts, *getattr(scorer, "metric_facts", {}).values()]
    if not any(facts.best_for_identity for facts in every):
        return
    hypothesis = require("hypothesis", extra="testing")

    def holds(batch: list[Case]) -> None:
        laws.is_best_for_identity(Trial.of(scorer, batch))

    _settings(max_examples)(hypothesis.given(batch=identical_batches())(holds))()
