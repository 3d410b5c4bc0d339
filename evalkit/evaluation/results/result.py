"""What an evaluation measured: data that is read back as it was written."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from evalkit.entities.estimate import Estimate
from evalkit.evaluation.results.design import design_of
from evalkit.evaluation.results.estimates import Estimates
from evalkit.evaluation.results.facts import Facts, Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.gates.verdict import GateVerdict, together
from evalkit.scoring.column import Metric
from evalkit.scoring.reduce import parse_reducer

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from evalkit.data.snapshot import Spool


class Result:
    """Cells, estimates and verdict of one evaluation, and everything that made them.

    Nothing here opens a store, a baseline or git, or runs anything: the verbs that do are those of
    `EvaluationResult`, which is this and what may be asked of it.
    """

    def __init__(
        self,
        *,
        facts: Facts,
        spool: Spool,
        metrics: Sequence[Metric],
        folder: Folder,
        verdict: GateVerdict | None = None,
        known: Mapping[str, Estimate] | None = None,
        keep: object = None,
    ) -> None:
        """Hold an evaluation; without a *verdict*, nothing was asked.

        Estimates that are *known* are not computed again; what is to *keep*, such as a temporary
        folder, lives as long as the result.
        """
        self.facts = facts
        self.spool = spool
        self.metrics = list(metrics)
        self.folder = folder
        self.verdict = together([]) if verdict is None else verdict
        """What the gates said when the evaluation ended, with the numbers that decided each."""
        self._keep = keep
        plan = facts.plan
        self.by_key = Estimates(
            self.metrics,
            design_of(
                spool,
                repeats=plan.repeats,
                failed_cells=facts.failures,
                level=plan.level,
                seed=plan.seed,
            ),
            [parse_reducer(text, plan.repeats) for text in plan.reducers],
            spool,
            known,
        )
        """What computes estimates, slices and parts for any left side of a gate."""

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
        return self.by_key[key]

    def __contains__(self, key: object) -> bool:
        return key in self.by_key.plain_keys()

    def estimate(self, key: str, *, level: float) -> Estimate:
        """Return an estimate with its interval at another confidence level."""
        return self.by_key.at(key, level)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Estimates of every metric, in the order of the scorers."""
        return self.by_key.plain()

    def by(self, *tags: str) -> pd.DataFrame:
        """Return the estimates of each value of one tag, or each combination of several.

        Returns:
            A row for each metric and combination: the tags, ``metric, value, low, high, n_scored,
            n_total, n_failed``.

        Raises:
            UsageError: If no case has a tag.
        """
        import pandas as pd

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
