"""A scorer under another name, reading other fields, or only a part of the answer."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.patterns import PatternTimeoutError
from evalkit.scoring.protocol import Scorer, requirements_of
from evalkit.scoring.reading import extractor, output_texts, rerouted

Extract = str | Callable[[str], str | None]
"""Regular expression, or function from a text to the part that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredScorer:
    """Delegates to another scorer, on a batch whose fields are read as the user asked.

    It offers what the inner scorer offers, so the engine treats it alike.
    """

    inner: Scorer
    name: str
    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field to dotted path, such as ``{"outputs": "answer.text"}``."""

    extract: Extract | Mapping[str, Extract] | None = None
    """Regular expression or function that cuts the answer out of the output; or a mapping of
    ``outputs`` and ``expectations`` to one each."""

    def __post_init__(self) -> None:
        cuts = self.extract.values() if isinstance(self.extract, Mapping) else [self.extract]
        for cut in cuts:
            if cut is not None:
                extractor(cut)  # a pattern that does not compile is said at once

    @property
    def facts(self) -> MetricFacts:
        """Facts of the inner scorer."""
        return self.inner.facts

    @property
    def requires(self) -> frozenset[str]:
        """Requirements of the inner scorer, less the fields that are read from elsewhere."""
        return requirements_of(self.inner) - set(self.reads)

    def prepare(self, batch: CaseBatch) -> CaseBatch:
        """Return *batch* as the inner scorer is to see it.

        Raises:
            PatternTimeoutError: If a pattern takes too long on a text.
        """
        seen, late = self._prepared(batch)
        for why in late.values():
            raise PatternTimeoutError(why)
        return seen

    def _prepared(self, batch: CaseBatch) -> tuple[CaseBatch, dict[int, str]]:
        """Return the batch as it is seen, and the rows on which a pattern took too long."""
        seen = rerouted(batch, self.reads) if self.reads else batch
        late: dict[int, str] = {}
        if self.extract is None:
            return seen, late
        given = self.extract if isinstance(self.extract, Mapping) else {"outputs": self.extract}
        columns: dict[str, list[Any]] = {}
        if "outputs" in given:
            cut = extractor(given["outputs"])
            columns["outputs"] = [
                _in_time(_cut, text, cut, late, row) for row, text in enumerate(output_texts(seen))
            ]
        if "expectations" in given:
            cut = extractor(given["expectations"])
            columns["expectations"] = [
                {
                    name: _in_time(_cut_each, value, cut, late, row)
                    for name, value in expectations.items()
                }
                for row, expectations in enumerate(seen.column("expectations"))
            ]
        return seen.replacing(**columns), late

    def score_batch(self, batch: CaseBatch, /) -> Any | Awaitable[Any]:
        """Score the prepared batch; only there where the inner scorer is vectorised."""
        seen, late = self._prepared(batch)
        columns = self.inner.score_batch(seen)  # type: ignore[attr-defined]
        if not late:
            return columns
        return _later(columns, late) if inspect.isawaitable(columns) else _late(columns, late)

    def score(self, case: Case, /) -> Any | Awaitable[Any]:
        """Score the prepared case; only there where the inner scorer is case-wise."""
        return self.inner.score(self.prepare(CaseBatch.of([case])).case(0))  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the inner scorer (`compute`, `corpus`, `metric_facts`)."""
        if name.startswith("__") or name in {"inner", "name", "reads", "extract"}:
            raise AttributeError(name)
        return getattr(self.inner, name)


def _in_time(
    cut_out: Callable[[Any, Any], Any], value: Any, cut: Any, late: dict[int, str], row: int
) -> Any:
    try:
        return cut_out(value, cut)
    except PatternTimeoutError as error:
        late[row] = str(error)
        return None


async def _later(columns: Awaitable[Any], late: Mapping[int, str]) -> Any:
    return _late(await columns, late)


def _late(columns: Any, late: Mapping[int, str]) -> Any:
    """Fail the cells of cases whose part could not be cut out in time."""
    for column in columns.values() if isinstance(columns, Mapping) else [columns]:
        for row, why in late.items():
            column.fail(row, "timeout", why)
    return columns


def _cut(text: str | None, cut: Callable[[str], str | None]) -> str | None:
    """Return the part of a text, an empty one where there is none; nothing stays nothing."""
    return None if text is None else cut(text) or ""


def _cut_each(value: Any, cut: Callable[[str], str | None]) -> Any:
    if isinstance(value, list):
        return [_cut_each(item, cut) for item in value]
    return _cut(value, cut) if isinstance(value, str) else value


def unwrapped(scorer: Scorer) -> Scorer:
    """Return the scorer inside any configuration."""
    return scorer.inner if isinstance(scorer, ConfiguredScorer) else scorer
