"""Judges as the command line finds them, and what is told of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.entities.case import Case
from evalkit.errors import UnknownScorerError, UsageError, near_miss
from evalkit.evaluation.agreement.cards import cards_of
from evalkit.evaluation.running.scorers import resolve_scorers
from evalkit.evaluation.specification.words import read_scorer
from evalkit.hooks.catalog import catalog
from evalkit.judging.make import load_judge
from evalkit.report.calibration_words import compact
from evalkit.scoring.protocol import requirements_of
from evalkit.scoring.signature import signature

_FILES: Final = frozenset({".yaml", ".yml", ".md"})


def judge_of(text: str, judge_model: str | None) -> Any:
    """Return the judge that a registered name, ``module:object`` or a file means.

    Raises:
        EvalkitError: If there is none, or it is no judge.
    """
    from evalkit.cli.locating import find_own_modules

    find_own_modules()
    if Path(text).suffix.lower() in _FILES:
        found: Any = load_judge(text)
    else:
        try:
            (found,) = resolve_scorers(read_scorer(text))
        except UnknownScorerError as error:
            hint = near_miss(text, error.known)
            told = f"No judge is called {text!r}.{hint} See 'evalkit judges list'."
            raise UsageError(told) from error
    if not hasattr(_inner(found), "with_model"):
        raise UsageError(f"{text!r} is a scorer that asks no model; 'evalkit scorers show' has it.")
    named = getattr(found, "model", None)
    return found if judge_model is None or named is not None else found.with_model(judge_model)


def _inner(scorer: Any) -> Any:
    return getattr(scorer, "inner", scorer)


def listed() -> Iterator[dict[str, Any]]:
    """Yield the facts of each registered judge, by name."""
    for name, entry in sorted(catalog().scorers.items()):
        if hasattr(_inner(entry.item), "with_model"):
            facts = _facts(entry.item)
            yield {"name": name, **facts, "distribution": entry.provenance.distribution}


def described(judge: Any) -> dict[str, Any]:
    """Return everything that is told of one judge."""
    made = signature(judge)
    cards = cards_of(judge.name)
    card = next((one for one in cards if one.signature == made), None)
    return {
        "name": judge.name,
        **_facts(judge),
        "model": getattr(_inner(judge), "model", None),
        "signature": made,
        "instructions": getattr(_asked(judge), "instructions", None),
        "card": None if card is None else card.to_json(),
        "cards_of_other_signatures": sum(one.signature != made for one in cards),
    }


def card_line(facts: Mapping[str, Any]) -> str:
    """Return on one line what the newest card of the judge says."""
    from evalkit.judging.calibration import Calibration

    if facts["card"] is not None:
        return compact(Calibration.from_json(facts["card"]))
    others = facts["cards_of_other_signatures"]
    more = f"; {others} cards are of other signatures" if others else ""
    return f"no{more}: evalkit judges calibrate JUDGE --data labelled.csv"


def _facts(judge: Any) -> dict[str, Any]:
    form = getattr(getattr(_asked(judge), "prepared", None), "form", None)
    pairs = () if form is None else zip(form.labels, form.values, strict=False)
    return {
        "choices": dict(pairs),
        "needs": sorted(requirements_of(judge)),
        "direction": judge.facts.direction,
        "low": judge.facts.low,
        "high": judge.facts.high,
    }


def _asked(judge: Any) -> Any:
    """Return the judge that is asked: that inside a pairwise one, or the first of a jury."""
    inner = _inner(judge)
    inner = getattr(inner, "judge", inner)
    return next(iter(getattr(inner, "judges", ())), inner)


def messages_of(judge: Any, case: Case) -> list[dict[str, Any]]:
    """Return the messages that *judge* sends for *case*.

    Raises:
        UsageError: If the judge is made of several.
    """
    inner = _inner(judge)
    if not hasattr(inner, "messages"):
        raise UsageError(f"{judge.name!r} is made of other judges; explain one of them.")
    found: list[dict[str, Any]] = inner.messages(case)
    return found


def case_of(data: str, columns: Mapping[str, Any], case_id: str | None) -> Case:
    """Return one case of the data.

    Raises:
        UsageError: If no case has the id.
    """
    import tempfile

    from evalkit.data.spool import spool

    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        cases = spool(data, Path(folder) / "cases", columns=dict(columns) or None)
        try:
            ids = [str(name) for name in cases.strings("id")]
            if case_id is not None and case_id not in ids:
                some = ", ".join(ids[:5])
                raise UsageError(f"No case has the id {case_id!r}; there are {some} …")
            row = 0 if case_id is None else ids.index(case_id)
            return next(iter(cases.batch(row, row + 1)))
        finally:
            cases.close()
