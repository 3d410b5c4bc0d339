"""Where the cards of judges are kept, and which one speaks for a metric of a result."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import parse_json
from evalkit.errors import DataError, EvalkitError, UnknownMetricError
from evalkit.evaluation.results.places import is_there, using_store
from evalkit.evaluation.results.recorded import RECORDED, verdicts_digest
from evalkit.evaluation.results.result import Result
from evalkit.judging.calibration import Calibration, differing
from evalkit.scoring.column import Metric
from evalkit.settings import project_cards
from evalkit.store.interface import Store

COLUMN: Final = "scores."
"""Begins the name of a judge whose answers are a column of the data."""

_MARK: Final = b"evalkit.calibration/"


@dataclass(frozen=True, slots=True)
class CardOrReason:
    """The card of a metric, or why the newest of its name does not speak for it."""

    card: Calibration | None = None
    why: str | None = None
    """What keeps the newest card of that name from counting; ``None`` where there is none."""


def keep_card(card: Calibration, store: str | bool | None) -> None:
    """Keep *card* in the store that ``Runtime(store=)`` means; nowhere if that is ``False``."""
    if store is False:
        return
    with using_store(store) as kept:
        kept.cards.add(
            judge=card.judge,
            signature=card.signature,
            created=card.created,
            card=json.dumps(card.to_json(), ensure_ascii=False),
        )


def judged_metric(result: Result, name: str) -> Metric:
    """Return the metric that *name* means: its key, or the name of its scorer or its column.

    Raises:
        UnknownMetricError: If there is none.
    """
    metrics = {metric.key: metric for metric in result.metrics}
    for key in (name, f"{name}.preference", f"{RECORDED}.{name.removeprefix(COLUMN)}"):
        if key in metrics:
            return metrics[key]
    raise UnknownMetricError(name, list(metrics))


def find_card(result: Result, metric: Metric, *, cards: str | None = None) -> CardOrReason:
    """Return the newest card that speaks for *metric*, from the store or *cards*.

    *cards* is a folder or a file; by default that of ``Runtime(cards=)``, else ``cards`` of
    ``[tool.evalkit]``.

    Raises:
        DataError: If a file that is named as a card cannot be read.
    """
    return choose_card(result, cards_near(result, cards=cards), metric)


def choose_card(result: Result, cards: Sequence[Calibration], metric: Metric) -> CardOrReason:
    """Return the newest of *cards* that speaks for *metric*, or why the newest does not."""
    why: str | None = None
    for card in sorted(cards, key=lambda card: card.created, reverse=True):
        if card.judge == metric.key:
            misfit = _misfit(result, metric, card)
            if misfit is None:
                return CardOrReason(card=card)
            why = why or misfit
    return CardOrReason(why=why)


def card_data(result: Result, metric: Metric) -> dict[str, Any]:
    """Return what a card of *metric* says of its data; of recorded verdicts, which they are."""
    facts = dict(result.dataset)
    if metric.scorer == RECORDED:
        facts["outputs"] = result.facts.plan.outputs_digest
        facts["verdicts"] = verdicts_digest(result, metric)
    return facts


def _misfit(result: Result, metric: Metric, card: Calibration) -> str | None:
    """Return why *card* does not speak for *metric*; ``None`` if it does.

    Recorded verdicts name no model and no prompt: whether the same judge gave other verdicts is
    not known, so their card speaks for the very data that it was made on.
    """
    if card.signature != metric.signature:
        return f"is of another signature ({differing(card.signature, metric.signature)})"
    if metric.scorer != RECORDED:
        return None
    there, here = card.dataset, card_data(result, metric)
    if there.get("digest") != here["digest"]:
        what = (
            f"data: {there.get('digest')} there, {here['digest']} here; unmapped columns are tags"
        )
    elif here["verdicts"] is None or there.get("verdicts") != here["verdicts"]:
        what = f"verdicts: {there.get('verdicts')} there, {here['verdicts']} here"
    elif None not in {there.get("outputs"), here["outputs"]} and (
        there.get("outputs") != here["outputs"]
    ):
        what = f"answers: {there.get('outputs')} there, {here['outputs']} here"
    else:
        return None
    return f"is of other recorded verdicts, which name no judge ({what})"


def cards_near(result: Result, *, cards: str | None = None) -> list[Calibration]:
    """Return all cards that may speak for a metric of *result*."""
    path = cards or result.facts.plan.runtime.get("cards")
    folder = project_cards(Path.cwd()) if path is None else Path(path)
    return [*(() if folder is None else _in_folder(folder)), *_in_store(result)]


def cards_of(judge: str) -> list[Calibration]:
    """Return the cards of a judge's name in the project's folder and the current store."""
    # start-up: a store is opened for cards alone
    from evalkit.tracking.place import current_store, get_tracking_uri

    folder = project_cards(Path.cwd())
    cards = [] if folder is None else [c for c in _in_folder(folder) if c.judge == judge]
    if is_there(get_tracking_uri()):
        cards += _read(current_store(), [judge])
    return sorted(cards, key=lambda card: card.created, reverse=True)


def _in_folder(folder: Path) -> Iterator[Calibration]:
    if folder.is_file():
        yield Calibration.load(folder)
        return
    if not folder.is_dir():
        raise DataError("there is no such folder of cards", file=str(folder))
    for file in sorted(folder.glob("**/*.json")):
        if _is_card(file):
            yield Calibration.load(file)


def _is_card(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return _MARK in opened.read(200)
    except OSError:
        return False


def _in_store(result: Result) -> list[Calibration]:
    from evalkit.store import open_store  # start-up: few results have judges

    uri = result.facts.plan.store
    judges = sorted({metric.key for metric in result.metrics if may_have_card(result, metric)})
    if uri is None or not judges or not is_there(uri):
        return []
    try:
        with open_store(uri) as store:
            return _read(store, judges)
    except EvalkitError:  # a store that is gone has no cards
        return []


def _read(store: Store, judges: Iterable[str]) -> list[Calibration]:
    cards: list[Calibration] = []
    for text in itertools.chain.from_iterable(map(store.cards.newest, judges)):
        # Some are of a newer form, or damaged.
        with contextlib.suppress(EvalkitError, ValueError, RecursionError):
            cards.append(Calibration.from_json(parse_json(text)))
    return cards


def may_have_card(result: Result, metric: Metric) -> bool:
    """Say whether *metric* could be a judge's: one that asks a model, or recorded scores."""
    return metric.scorer == RECORDED or is_judge(result, metric)


def is_judge(result: Result, metric: Metric) -> bool:
    """Say whether *metric* is a judge's own verdict, as the plan has its scorer."""
    identity = result.facts.plan.scorer(metric.scorer).get("identity") or {}
    beside = ("position_bias", "consistent")
    return not {"prompt", "jurors"}.isdisjoint(identity) and not metric.key.endswith(beside)
