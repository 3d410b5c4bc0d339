"""The card of a judge: how well it agrees with people, and on what that rests."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self, cast

from evalkit.entities.calibration import (
    FIGURES,
    CalibrationPart,
    Kind,
    PopulationMean,
    Replaceability,
)
from evalkit.entities.estimate import Estimate
from evalkit.errors import DataError, UsageError, near_miss
from evalkit.judging.bias import BiasEffect

SCHEMA: Final = "evalkit.calibration/1"
"""Name of the file's form; the number changes when a member changes its meaning."""

_SLACK: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A judge against people on labelled cases: the figures, and everything they rest on.

    The figures are those of the held-out cases.  Whatever had to be fitted was fitted on the
    development cases, whose figures stand beside them.

    Examples:
        >>> part = CalibrationPart(n_labelled=2, n_judged=2, figures={
        ...     "kappa": Estimate(key="kappa", value=1.0, n_total=2, n_scored=2)})
        >>> card = Calibration(judge="polite", signature="polite|digest:0", dataset={"n": 2},
        ...                    kind="binary", held_out=part)
        >>> card["kappa"].value, Calibration.from_json(card.to_json()) == card
        (1.0, True)
    """

    judge: str
    """Metric that the judge gives, such as ``grounded``."""

    signature: str
    """What made the verdicts; a card speaks for judges of the same signature alone."""

    dataset: Mapping[str, Any]
    """Name, digest and number of cases of the data."""

    kind: Kind
    """What the labels are."""

    held_out: CalibrationPart
    """The figures that count."""

    development: CalibrationPart | None = None
    """On the cases that a prompt may be tuned on; ``None`` where all cases were held out."""

    positive: str | None = None
    """Label that sensitivity is about; ``None`` where no label is."""

    threshold: float | None = None
    """Value of the judge from which on a case counts as positive, where values were cut."""

    threshold_fitted: bool = False
    """Whether the threshold was fitted, on the development cases."""

    human_threshold: float | None = None
    """The same for human labels that are numbers."""

    replaceable: Replaceability | None = None
    """Whether the judge may replace a human; ``None`` where that was not asked."""

    population: tuple[PopulationMean, ...] = ()
    """Mean of all judged cases, uncorrected and corrected, where some have no label."""

    biases: tuple[BiasEffect, ...] = ()
    """What must not matter, and how far it does."""

    remarks: tuple[str, ...] = ()
    """What a reader of the figures must know."""

    level: float = 0.95
    seed: int = 0
    share: float = 0.5
    """Share of cases that are for development."""

    created: int = 0
    """Milliseconds since the Unix epoch."""

    def __getitem__(self, figure: str) -> Estimate:
        """Return a figure of the held-out cases.

        Raises:
            UsageError: If there is no such figure, or it does not apply to such labels.
        """
        if figure not in FIGURES:
            names = ", ".join(FIGURES)
            raise UsageError(f"No figure is called {figure!r}.{near_miss(figure, FIGURES)} {names}")
        estimate = self.held_out.figures.get(self.named(figure))
        if estimate is None:
            have = ", ".join(self.held_out.figures) or "none"
            raise UsageError(f"{self.judge} has no {figure}: its labels are {self.kind} ({have}).")
        return estimate

    def named(self, figure: str) -> str:
        """Return the figure that a name stands for: ``correlation`` depends on the labels."""
        if figure != "correlation":
            return figure
        return "pearson" if self.kind == "numeric" else "spearman"

    @property
    def digest(self) -> str:
        """Digest at the end of the signature."""
        return digest_of(self.signature)

    def error_counts(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Return found of positives, and cleared of negatives, among the held-out cases.

        ``None`` where labels are not yes and no, or one of the two did not occur.
        """
        table = self.held_out.confusion
        if self.kind != "binary" or len(table) != 2:  # noqa: PLR2004
            return None
        (cleared, false_alarms), (missed, hits) = table
        if not hits + missed or not cleared + false_alarms:
            return None
        return (hits, hits + missed), (cleared, cleared + false_alarms)

    def __str__(self) -> str:
        from evalkit.hooks.catalog import catalog  # start-up: it loads every plug-in

        entry = catalog().reports.get("calibration")
        text: str = repr(self) if entry is None else entry.item.show(self, "text")
        return text

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values; no text of any case is among them."""
        card = {"schema": SCHEMA, **dataclasses.asdict(self)}
        plain: dict[str, Any] = json.loads(json.dumps(card, allow_nan=False))
        return plain

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """Return the card that `to_json` wrote.

        Raises:
            DataError: If it is no card, one of a newer form, or a member cannot be; names it.
        """
        card = cast("Mapping[str, Any]", written) if isinstance(written, Mapping) else {}
        if card.get("schema") != SCHEMA:
            schema = card.get("schema")
            raise DataError(f"is no card of a judge: its schema is {schema!r}, not {SCHEMA!r}")
        return cast("Self", _read(card))

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the card as a small file to commit, and return its path.

        Raises:
            UsageError: If it cannot be written.
        """
        file = Path(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.to_json(), indent=1, ensure_ascii=False, sort_keys=False)
            file.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"Cannot write {file}: {error.strerror or error}.") from error
        return file

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the card in a file.

        Raises:
            DataError: If it cannot be read, or is no card.
        """
        file = Path(path)
        try:
            written = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(error.strerror or str(error), file=str(file)) from error
        except ValueError as error:
            raise DataError(f"is no JSON: {error}", file=str(file)) from error
        except RecursionError as error:
            raise DataError("is no card: it is nested too deep", file=str(file)) from error
        try:
            return cls.from_json(written)
        except DataError as error:
            raise DataError(error.problem, file=str(file)) from error


class Calibrated:
    """Gives a judge its method `calibrate`."""

    __slots__ = ()

    def calibrate(self, cases: Any, **options: Any) -> Calibration:
        """Judge labelled cases, compare the verdicts with the labels, and keep the card.

        Args:
            cases: Data with human labels, as `evaluate` takes it.
            **options: ``columns`` (such as ``{"labels.grounded": "human"}``), ``judge_model``,
                ``runtime``, ``development``, ``threshold`` and whatever else
                `evalkit.evaluation.calibrate.calibrate` takes.

        Raises:
            UsageError: If there are no labels, too few, or one means nothing to the judge.
        """
        from evalkit.hooks.catalog import catalog  # start-up: it loads every plug-in

        entry = catalog().calibrators.get("calibrate")
        if entry is None:
            raise UsageError("Nothing here calibrates judges: the plug-in evalkit-reports is off.")
        card: Calibration = entry.item(self, cases, **options)
        return card


def digest_of(signature: str) -> str:
    """Return the digest at the end of a signature.

    Examples:
        >>> digest_of("polite|model:m|digest:0a1b")
        '0a1b'
    """
    return signature.rpartition("|digest:")[2]


def differing(a: str, b: str) -> str:
    """Return what differs between two signatures, in words.

    Examples:
        >>> differing("j|model:a|prompt:1|digest:0", "j|model:b|prompt:1|digest:1")
        'model: a there, b here'
    """
    there, here = (
        {name: value for name, _, value in (part.partition(":") for part in s.split("|")[1:])}
        for s in (a, b)
    )
    names = [name for name in {**there, **here} if name != "digest"]
    differences = [
        f"{name}: {there.get(name, 'nothing')} there, {here.get(name, 'nothing')} here"
        for name in names
        if there.get(name) != here.get(name)
    ]
    return "; ".join(differences) or f"digest: {digest_of(a)} there, {digest_of(b)} here"


@functools.cache
def _form() -> Any:
    """Return what reads a card, made once."""
    from pydantic import BaseModel, ConfigDict  # start-up: few runs read cards

    class Written(BaseModel):
        model_config = ConfigDict(strict=True, allow_inf_nan=False)
        card: Calibration

    return Written


def _read(card: Any) -> Calibration:
    """Return the card that *card*, JSON values by member, says; unknown members are left out."""
    from pydantic import ValidationError  # start-up: few runs read cards

    try:
        read: Calibration = _form().model_validate_json(json.dumps({"card": card})).card
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        at = ".".join(str(step) for step in problem["loc"][1:])
        if problem["type"] == "missing":
            raise DataError(f"is no card of a judge: {at} is missing") from None
        raise _wrong(at, problem["msg"].removeprefix("Input "), problem["input"]) from None
    _check_level(read.level, "level")
    for place, mean in enumerate(read.population):
        _check_ends(mean, f"population[{place}]")
    for name, part in (("held_out", read.held_out), ("development", read.development)):
        if part is not None:
            _check_part(part, name)
    return read


def _check_part(part: CalibrationPart, at: str) -> None:
    rows, labels = part.confusion, part.labels
    if rows and ({len(rows), *map(len, rows)} != {len(labels)} or min(map(min, rows)) < 0):
        raise _wrong(f"{at}.confusion", "should be counts, a row and column for each label", rows)
    if not 0 <= part.n_judged <= part.n_labelled:
        raise _wrong(f"{at}.n_judged", "should be from 0 to n_labelled", part.n_judged)
    for name, estimate in part.figures.items():
        if estimate.value is not None and estimate.n_scored < 1:
            why = "should be at least 1 where there is a value"
            raise _wrong(f"{at}.figures.{name}.n_scored", why, estimate.n_scored)
        _check_level(estimate.level, f"{at}.figures.{name}.level")
        _check_ends(estimate, f"{at}.figures.{name}")


def _check_ends(estimate: Estimate | PopulationMean, at: str) -> None:
    value, low, high = estimate.value, estimate.low, estimate.high
    if low is None and high is None:
        return
    if value is None or low is None or high is None:
        why = "should be with value, low and high, or without an interval"
        raise _wrong(at, why, [low, value, high])
    if not low - _SLACK <= value <= high + _SLACK:
        raise _wrong(at, "should be with low <= value <= high", [low, value, high])


def _check_level(level: float, at: str) -> None:
    if not 0.0 < level < 1.0:
        raise _wrong(at, "should be between 0 and 1", level)


def _wrong(at: str, why: str, value: Any) -> DataError:
    text = repr(value)
    text = text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004
    return DataError(f"is no card of a judge: {at}: {why}, not {text}")
