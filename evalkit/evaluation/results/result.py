"""What an evaluation measured: data that is read back as it was written."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from evalkit.entities.estimate import Estimate
from evalkit.evaluation.results.facts import Facts, Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.gates.verdict import GateVerdict, together

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.data.snapshot import Spool
    from evalkit.evaluation.results.estimates import Estimates
    from evalkit.scoring.column import Metric


class Result:
    """Cells, estimates and verdict of one evaluation, and everything that made them.

    Nothing here opens a store, a baseline or git, or runs anything: the verbs that do are those of
    `EvaluationResult`, which is this and what may be asked of it.
    """

    def __init__(
        self,
        *,
        facts: Facts,
        spool: Spool | Callable[[], Spool],
        metrics: Sequence[Metric] | Callable[[], Sequence[Metric]],
        folder: Folder,
        verdict: GateVerdict | None = None,
        known: Mapping[str, Estimate] | None = None,
        keep: object = None,
    ) -> None:
        """Hold an evaluation; without a *verdict*, nothing was asked.

        *spool* and *metrics* may be what opens them once they are asked for.  Estimates that are
        *known*, of every metric, are not computed again; what is to *keep*, such as a temporary
        folder, lives as long as the result.
        """
        self.facts = facts
        self._spool = spool
        self._metrics = metrics
        self._known = known
        self.folder = folder
        self.verdict = together([]) if verdict is None else verdict
        """What the gates said when the evaluation ended, with the numbers that decided each."""
        self._keep = keep

    @cached_property
    def spool(self) -> Spool:
        """The cases."""
        return self._spool() if callable(self._spool) else self._spool

    @cached_property
    def metrics(self) -> list[Metric]:
        """Scores of each metric."""
        return list(self._metrics() if callable(self._metrics) else self._metrics)

    @cached_property
    def by_key(self) -> Estimates:
        """What computes estimates, slices and parts for any left side of a gate."""
        # start-up: numpy, for what was not written
        from evalkit.evaluation.results.design import design_of
        from evalkit.evaluation.results.estimates import Estimates
        from evalkit.scoring.reduce import parse_reducer

        plan = self.facts.plan
        design = design_of(
            self.spool,
            repeats=plan.repeats,
            failed_cells=self.facts.own_failures,
            level=plan.level,
            seed=plan.seed,
        )
        reducers = [parse_reducer(text, plan.repeats) for text in plan.reducers]
        return Estimates(self.metrics, design, reducers, self.spool, self._known)

    def replaced(self, *, facts: Facts | None = None, verdict: GateVerdict | None = None) -> Self:
        """Return this result with other facts or another verdict, and the same estimates."""
        other = copy.copy(self)
        other.facts = facts or self.facts
        other.verdict = verdict or self.verdict
        return other

    def with_name(self, name: str) -> Self:
        """Return this result under another name."""
        return self.replaced(facts=dataclasses.replace(self.facts, name=name))

    # Numbers

    def __getitem__(self, key: str) -> Estimate:
        """Return an estimate; any left side of a gate is a key.

        Raises:
            UnknownMetricError: If there is no such metric; lists near misses.
        """
        known = (self._known or {}).get(key)
        return self.by_key[key] if known is None else known

    def __contains__(self, key: object) -> bool:
        return key in (self.by_key.plain_keys() if self._known is None else self._known)

    def estimate(self, key: str, *, level: float) -> Estimate:
        """Return an estimate with its interval at another confidence level."""
        return self[key] if level == self.facts.plan.level else self.by_key.at(key, level)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Estimates of every metric, in the order of the scorers."""
        return self.by_key.plain() if self._known is None else dict(self._known)

    def by(self, *tags: str) -> pd.DataFrame:
        """Return the estimates of each value of one tag, or each combination of several or a list.

        Returns:
            A row for each metric and combination: the tags, ``metric, value, low, high, n_scored,
            n_total, n_failed``.

        Raises:
            UsageError: If no case has a tag.
        """
        import pandas as pd

        if len(tags) == 1 and not isinstance(tags[0], str):  # pyright: ignore[reportUnnecessaryIsInstance]
            tags = tuple(tags[0])
        numbers = ("value", "low", "high", "n_scored", "n_total", "n_failed")
        rows: list[dict[str, Any]] = []
        for values, cases in self.by_key.slices(tags).items():
            for key in self.by_key.plain_keys():
                estimate = self.by_key.of_rows(key, cases)
                row = {**dict(zip(tags, values, strict=True)), "metric": key}
                rows.append(row | {name: getattr(estimate, name) for name in numbers})
        return pd.DataFrame(rows)

    @cached_property
    def case_ids(self) -> npt.NDArray[np.object_]:
        """Id of each case, shape ``(n,)``."""
        return self.spool.strings("id")

    def tag_values(self, name: str) -> list[str | None]:
        """Return the value of tag *name* for each case as text, ``None`` where it has none.

        Raises:
            UsageError: If no case has the tag.
        """
        return self.by_key.tag_values(name)

    @property
    def coverage(self) -> float | None:
        """Smallest coverage of any metric; ``None`` where nothing applied."""
        shares = [e.coverage for e in self.estimates.values() if e.coverage is not None]
        return min(shares, default=None)

    @property
    def scored_anything(self) -> bool:
        """Whether any metric has a value of any case; nothing passes where none has."""
        return any(estimate.n_scored for estimate in self.estimates.values())

    # What made it

    @property
    def run_id(self) -> str | None:
        """Id of the run, or ``None`` without a store."""
        return self.facts.run_id

    @property
    def model_id(self) -> str:
        """Identity of what was evaluated: a digest over the target, or over stored outputs."""
        return self.facts.plan.model_id

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.facts.name

    @property
    def dataset(self) -> Mapping[str, Any]:
        """Name, digest and number of cases of the data."""
        return dataclasses.asdict(self.facts.plan.dataset)

    @property
    def signatures(self) -> dict[str, str]:
        """Signature behind each metric."""
        return {metric.key: metric.signature for metric in self.metrics}

    @property
    def environment(self) -> Mapping[str, Any]:
        """Packages, git commit and dirtiness, machine, seed, settings."""
        return {**self.facts.environment, "settings": self.facts.plan.runtime}

    @property
    def usage(self) -> Mapping[str, Usage]:
        """Calls, tokens and price by role."""
        return self.facts.usage

    @property
    def cost(self) -> float | None:
        """Price of it all in US dollars; ``None`` where any of it is unknown."""
        costs = [usage.cost for usage in self.facts.usage.values() if usage.calls]
        return None if any(c is None for c in costs) else float(sum(c for c in costs if c))

    @property
    def repeats(self) -> int:
        """Times that each case was run."""
        return self.facts.plan.repeats

    def __len__(self) -> int:
        return self.spool.n
