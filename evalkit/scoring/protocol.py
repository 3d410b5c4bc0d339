"""The protocol of scorers: heuristic, model-based and classic ones are all of one kind."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, runtime_checkable

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.scoring.column import Rows, ScoreColumn
from evalkit.scoring.facts import MetricFacts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


Verdict = Score | float | bool | str | Mapping[str, Any] | list[Any] | None
"""What a scorer may say of one case; ``None`` means that it does not apply."""

Columns = ScoreColumn | Mapping[str, ScoreColumn]
"""What a vectorised scorer returns: one column, or one for each key of several metrics."""


OF_CLASSES: Final = ("probabilities", "class_scores", "class_label")
"""What scorers may require of classes, the most first; outputs hold all of it."""


@runtime_checkable
class Scorer(Protocol):
    """Anything with a name and facts, and either `score` or `score_batch` (sync or async).

    First-party scorers are frozen, keyword-only dataclasses: their fields are their parameters,
    and with them their signature.  These attributes are read if present:

    - ``metric_facts``: mapping of key to `MetricFacts`, of a scorer with several metrics;
    - ``requires``: what a case must have: ``outputs``, ``expectations``, ``retrieved_context``,
      ``tool_calls``, ``probabilities`` (of the classes), ``class_scores`` (decision values do too),
      ``class_label`` (of the highest score, too), ``latency_seconds``, ``trace``, ``session``;
    - ``reads_session``: whether a case is to come with the ``conversation`` of its session;
    - ``version``: a string that changes when values change;
    - ``signed_as``: of a class that has moved: its first ``module:name``, kept in signatures;
    - ``lane``: ``process`` for pure-Python work heavy enough for a process pool;
    - ``paths``: pairs of field and key, such as ``("inputs", "question")``, of which
      some case must have each;
    - ``means(statistics) -> Means | None``: of a corpus metric that is made of means over some of
      the cases, such as recall: the interval is then theirs;
    - ``identity``: mapping shown in the signature in place of the parameters, where these are long;
    - ``with_model(model)``: of a scorer that asks a language model and has ``model = None``: itself
      with the evaluation's ``judge_model``; and ``check()``, which is called before the run;
    - ``configured(**parameters) -> Scorer``: takes the parameters of ``get_scorer`` where they are
      not the scorer's fields, and raises `TypeError` or `ValueError` for those it refuses;
    - ``check_targets(targets) -> str | None``: what is wrong with the expected values of all cases
      for this scorer, such as a positive label that none has; asked before the run, may not read;
    - ``check_outputs(outputs, targets) -> str | None``: likewise of outputs that are stored;
    - ``parameters``, name to value, where they are not its fields, and ``described_by``, a function
      whose docstring says what they mean: for ``evalkit scorers show``.

    Case-wise:   ``score(case: Case) -> Verdict`` (or an awaitable of one)
    Vectorised:  ``score_batch(batch: CaseBatch) -> Columns`` (or an awaitable)
    """

    @property
    def name(self) -> str:
        """Registered name, such as ``text.token_f1``."""
        ...

    @property
    def facts(self) -> MetricFacts:
        """Direction, range and unit."""
        ...


class CaseScorer(Scorer, Protocol):
    """Scores one case at a time."""

    def score(self, case: Case, /) -> Verdict | Awaitable[Verdict]:
        """Return the verdict on *case*."""
        ...


class BatchScorer(Scorer, Protocol):
    """Scores whole batches; ``columns[i]`` belongs to ``batch[i]``, one cell a case."""

    def score_batch(self, batch: CaseBatch, /) -> Columns | Awaitable[Columns]:
        """Return a column as long as *batch*."""
        ...


class AdditiveScorer(BatchScorer, Protocol):
    """A corpus metric computed from a sum of vectors (BLEU, chrF, MSE).

    `score_batch` returns a `ScoreColumn` with ``statistics=Additive(...)``; its values are the
    sentence-level scores where these exist, else NaN with status OK.
    """

    corpus: ClassVar[str] = "additive"

    def compute(self, totals: npt.NDArray[np.float64], /) -> npt.NDArray[np.float64]:
        """Return the metric of summed vectors: shape ``(..., k)`` in, ``(...)`` out.

        NaN where the metric is undefined.  Vectorised, since intervals call it on all draws.
        """
        ...


class RowsScorer(BatchScorer, Protocol):
    """A corpus metric computed from all cases at once (ROC AUC, median, ``sklearn.*``).

    May also have ``draws(rows, weights, resamples, seed, groups) -> array`` where bootstrap
    replicates can be had faster than by calling `compute` on each, and
    ``interval(rows, weights=, groups=, level=, seed=) -> Interval | None`` for a closed form;
    ``of_draws(rows, weights) -> array`` for many weightings at once, shape ``(d, n)`` in;
    ``difference(first, second, weights=, groups=, level=) -> (Interval, p) | None`` for that of two
    systems on the same cases; ``note(rows, weights) -> str | None`` for what a reader of the value
    must know, or why there is none; and ``artifacts(rows, weights) -> Mapping[str, JSON]`` for
    tables and curves behind it.

    Of cases with the columns ``target`` and ``output``, both of texts, two systems are compared by
    their joint table; a column ``target`` of texts is what tells the classes.
    """

    corpus: ClassVar[str] = "rows"

    def compute(self, rows: Rows, weights: npt.NDArray[np.float64] | None, /) -> float:
        """Return the metric of *rows*, weighted by *weights* of shape ``(n,)``.

        NaN where the metric is undefined, such as ROC AUC with one class.
        """
        ...


def facts_of(scorer: Scorer, key: str | None = None) -> MetricFacts:
    """Return the facts of *scorer*, or of one of its metrics."""
    if key is not None:
        facts: MetricFacts | None = getattr(scorer, "metric_facts", {}).get(key)
        if facts is not None:
            return facts
    return scorer.facts


def requirements_of(scorer: Scorer) -> frozenset[str]:
    """Return what a case must have for *scorer* to apply."""
    return frozenset(getattr(scorer, "requires", ()))
