"""A comparison of several results on the same cases: always paired, never only two averages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic

from typing_extensions import TypeVar

from evalkit.errors import NotFoundError, UnknownMetricError, UnpairedError, UsageError
from evalkit.evaluation.comparing.difference import difference_of, paired_values
from evalkit.evaluation.comparing.pairs import join, what_differs
from evalkit.evaluation.comparing.row import Row, adjusted
from evalkit.evaluation.comparing.tables import (
    changed_cases,
    differences_by,
    rank_table,
    unmatched_cases,
)
from evalkit.evaluation.results.cells import cell_table, contexts_of
from evalkit.evaluation.results.exporting import export, exporter
from evalkit.evaluation.results.result import Result

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R", bound=Result, default=Any)
COLUMNS: Final = (
    "a",
    "b",
    "metric",
    "value_a",
    "value_b",
    "difference",
    "low",
    "high",
    "p_value",
    "p_adjusted",
    "method",
    "n_pairs",
    "n_unmatched",
    "smallest_detectable",
)


class UnknownSystemError(NotFoundError):
    """A comparison has no such system."""

    kind = "system of this comparison"


class Comparison(Generic[R]):
    """Several results on the same cases; each is set against the baseline.

    Examples:
        >>> import evalkit
        >>> rows = [{"question": f"q{i}", "expected": "y"} for i in range(20)]
        >>> keep_nothing = evalkit.Runtime(store=False)
        >>> old, new = (evalkit.evaluate(bot, rows, "text.exact_match", runtime=keep_nothing)
        ...             for bot in (lambda question: "n", lambda question: "y"))
        >>> comparison = evalkit.compare(old, new, names=["old", "new"])
        >>> comparison.table().difference.tolist(), len(comparison.fixed("text.exact_match"))
        ([1.0], 20)
    """

    def __init__(
        self,
        results: Mapping[str, R],
        *,
        baseline: str,
        metrics: Iterable[str] | None = None,
        anyway: bool = False,
        common: bool = False,
        notes: Iterable[str] = (),
    ) -> None:
        """Compare *results* by name with *baseline* on *metrics*; `compare` makes one.

        Where the data differ, *common* compares on the cases that ask and expect the same.

        Raises:
            UsageError: If dataset, signature or reducer differ, naming what (unless *anyway*), or
                the results share no metric.
            UnpairedError: If no case has a value of any, or of one of *metrics*, in both.
        """
        self.results = dict(results)
        self.baseline = baseline
        self.notes = list(notes)
        self.anyway, self._common = anyway, common
        self._tables: dict[str, pd.DataFrame] = {}
        self._contexts: dict[str, dict[str, Any]] = {}
        first, *others = [{m.key: None for m in result.metrics} for result in results.values()]
        shared = [key for key in first if all(key in other for other in others)]
        self.metrics = shared if metrics is None else list(metrics)
        if not self.metrics:
            raise UsageError("The results share no metric; score them with the same scorers.")
        rows: dict[str, list[Row]] = {}
        for key in self.metrics:
            try:
                rows[key] = [self._row(name, key) for name in self.others]
            except UnpairedError as error:
                if metrics is not None or (key == self.metrics[-1] and not rows):
                    raise
                self.notes.append(str(error))
        self.metrics = list(rows)
        self.rows = [of_key[i] for i in range(len(self.others)) for of_key in rows.values()]
        self.notes += [
            f"{name!r} was stopped early, when its gates were decided; intervals and p-values "
            "here do not allow for it."
            for name, result in self.results.items()
            if result.facts.status == "decided"
        ]
        self.notes += dict.fromkeys(row.pairs.in_common for row in self.rows if row.pairs.in_common)
        if anyway:
            self.notes += [note for name in self.others for note in self._what_differs(name)]

    @property
    def others(self) -> list[str]:
        """Names of the systems that are set against the baseline, in order."""
        return [name for name in self.results if name != self.baseline]

    def __getitem__(self, name: str) -> R:
        if name not in self.results:
            raise UnknownSystemError(name, self.results)
        return self.results[name]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def _row(self, name: str, key: str) -> Row:
        first, second = self[name], self[self.baseline]
        pairs = join(first, second, key, anyway=self.anyway, common=self._common)
        whole = first[key].value, second[key].value
        value_b, value_a = paired_values(first, second, pairs) or whole
        return Row(
            a=self.baseline,
            b=name,
            metric=key,
            value_a=value_a,
            value_b=value_b,
            difference=difference_of(first, second, pairs),
            pairs=pairs,
        )

    def _what_differs(self, name: str) -> dict[str, None]:
        """Return a note on everything that would have been refused, each once."""
        first, second = self[name], self[self.baseline]
        return {
            f"{name!r} and {self.baseline!r} are compared although {differing}": None
            for key in self.metrics
            for differing in what_differs(
                first, second, first.by_key.part(key), second.by_key.part(key)
            )
        }

    def table(self, *, adjust: str = "benjamini-hochberg") -> pd.DataFrame:
        """Return a row for each system and metric; differences are ``b - a``, ``a`` the baseline.

        Args:
            adjust: How p-values are adjusted for the number of rows: ``benjamini-hochberg`` (the
                share of false finds, for exploration) or ``holm`` (any false find, for decisions).

        Raises:
            UsageError: If *adjust* is neither.
        """
        import pandas as pd

        p_values = adjusted([row.difference.p_value for row in self.rows], adjust)
        cells = [row.facts(p) for row, p in zip(self.rows, p_values, strict=True)]
        return pd.DataFrame(cells, columns=list(COLUMNS))

    def by(self, tag: str) -> pd.DataFrame:
        """Return the differences for each value of *tag*, with Benjamini-Hochberg's p-values.

        Returns:
            The tag, then ``a, b, metric, difference, low, high, p_value, n_pairs, p_adjusted`` and
            the ``outcome``: better, worse, different or a blank.

        Raises:
            UsageError: If no case has the tag.
        """
        return differences_by(self.results, self.rows, tag)

    def ranks(self, metric: str) -> pd.DataFrame:
        """Return the systems by *metric*, with the ranks that their differences leave open.

        Returns:
            ``system, value, low, high, best_rank, worst_rank``, best value first.

        Raises:
            UsageError: If more or less of the metric is neither better.
        """
        return rank_table(self.results, metric, anyway=self.anyway)

    def fixed(
        self, metric: str, *, system: str | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return the cases that the baseline got worse than *system*, largest change first.

        With several systems, name one by *system*; otherwise the first is meant.

        Returns:
            ``id, inputs, expectations, output_a, output_b, value_a, value_b, change``, and what the
            scorer says of either answer, ``reason_a, reason_b``.
        """
        return self._changed(self.row(metric, system), limit, better=True)

    def broke(
        self, metric: str, *, system: str | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Return the cases that *system* got worse than the baseline, largest change first."""
        return self._changed(self.row(metric, system), limit, better=False)

    def _changed(self, row: Row, limit: int | None, *, better: bool) -> pd.DataFrame:
        return changed_cases(row, self.cases(row.a), self.cases(row.b), limit, better=better)

    def unmatched(self, system: str | None = None) -> pd.DataFrame:
        """Return the cases that only one of *system* and the baseline has; no pair has them.

        There are none unless ``anyway=True`` let data be compared that differ.

        Returns:
            ``id, inputs, only_in``, those of the baseline first.
        """
        names = self.baseline, system or self.others[0]
        ids = {name: self[name].case_ids for name in names}
        return unmatched_cases(ids, {name: self.cases(name) for name in names})

    def row(self, metric: str, system: str | None = None) -> Row:
        """Return the comparison of one system (the first other one by default) by *metric*.

        Raises:
            UnknownMetricError: If *metric* is not compared.
            UnknownSystemError: If there is no such system.
        """
        if metric not in self.metrics:
            raise UnknownMetricError(metric, self.metrics)
        wanted = system or self.others[0]
        for row in self.rows:
            if row.metric == metric and row.b == wanted:
                return row
        raise UnknownSystemError(wanted, self.others)

    def cases(self, name: str) -> pd.DataFrame:
        """Return ``inputs, expectations, outputs`` of each case of a system, in its first repeat.

        Raises:
            UnknownSystemError: If there is no such system.
        """
        if name not in self._tables:
            table = cell_table(self[name])[["repeat", "inputs", "expectations", "outputs"]]
            first = table[table["repeat"] == 0]
            self._tables[name] = first.drop(columns="repeat").reset_index(drop=True)
        return self._tables[name]

    def contexts(self, name: str) -> dict[str, Any]:
        """Return the passages that a system answered from, by case id; of those that have some.

        Raises:
            UnknownSystemError: If there is no such system.
        """
        if name not in self._contexts:
            result = self[name]
            passages = zip(result.case_ids.tolist(), contexts_of(result), strict=True)
            self._contexts[name] = {case_id: found for case_id, found in passages if found}
        return self._contexts[name]

    def report(self, path: str | Path) -> Path:
        """Write the comparison, in the format of the file's extension, and return its path.

        Raises:
            UsageError: If no exporter writes such comparisons, or the file cannot be written.
        """
        return export(self, Path(path), verb="write_comparison")

    def __str__(self) -> str:
        shown: str = exporter("table").show_comparison(self)
        return shown
