"""From what a user writes as ``scorers=`` to scorers that fit the data."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from evalkit._internal.surrogates import without_surrogates
from evalkit.data.snapshot import Spool
from evalkit.entities.batch import CaseBatch
from evalkit.errors import EvalkitError, UnknownMetricError, UsageError, near_miss
from evalkit.evaluation.results.cells import COLUMNS
from evalkit.evaluation.results.columns import PARTS
from evalkit.evaluation.results.recorded import RECORDED
from evalkit.evaluation.running.request import ScorerLike
from evalkit.gates.comparing import margin_of
from evalkit.gates.condition import PAIRED, Condition
from evalkit.gates.grammar import check_single, parse_gates
from evalkit.gates.key import Key
from evalkit.hooks.catalog import get_scorer
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.scoring.decorator import FunctionScorer
from evalkit.scoring.decorator import scorer as decorate
from evalkit.scoring.protocol import OF_CLASSES, Scorer, facts_of, requirements_of
from evalkit.scoring.reading import field_and_rest, follow, targets
from evalkit.scoring.reduce import parse_reducer
from evalkit.settings import settings

TAKEN: Final = frozenset({*COLUMNS, "coverage", "skipped", "must_pass", "calibrated", *PAIRED})
"""Names that mean something else: columns of every table, and words of gates."""


def resolve_scorers(scorers: ScorerLike | Iterable[ScorerLike]) -> list[Scorer]:
    """Return *scorers* as scorers, with distinct names.

    Raises:
        UnknownScorerError: If a name is not registered.
        UsageError: If two have one name, or something is no scorer.
    """
    single = isinstance(scorers, (str, Mapping)) or not isinstance(scorers, Iterable)
    listed = cast("Sequence[ScorerLike]", [scorers] if single else list(cast("Any", scorers)))
    resolved = [one for item in listed for one in _resolve(item)]
    check_names(resolved)
    return resolved


def check_names(scorers: Collection[Scorer]) -> None:
    """Refuse scorers whose metrics could not be told apart, in a table or in a gate.

    Raises:
        UsageError: Naming the scorer, and how to give it another name.
    """
    seen: set[str] = set()
    for one in scorers:
        how = f"evalkit.get_scorer({one.name!r}, name='…')"
        if isinstance(one, FunctionScorer):
            how = "evalkit.scorer(name='…')(function)"
        if one.name in TAKEN:
            raise UsageError(
                f"No scorer can be called {one.name!r}: a column of every table, or a word of "
                f"gates, has this name; give it another: {how}."
            )
        if one.name != without_surrogates(one.name):
            raise UsageError(
                f"No scorer can be called {without_surrogates(one.name)!r}: half of a character "
                f"stands in it, which no file can hold; give another name: {how}."
            )
        keys = [one.name, *(f"{one.name}.{key}" for key in getattr(one, "metric_facts", {}))]
        clash = next((key for key in keys if key in seen), None)
        if clash is not None:
            raise UsageError(f"Two scorers are called {clash!r}; give one another name: {how}.")
        seen.update(keys)
    _check_columns(scorers)


def _check_columns(scorers: Collection[Scorer]) -> None:
    """Refuse a scorer that is called as a column with the status, say, of another one's metric."""
    names = {one.name for one in scorers}
    for name in names:
        other, _, part = name.rpartition(".")
        if part not in PARTS:
            other = name.partition("#")[0]  # under which the statistics of a corpus metric lie
        if other != name and other in names:
            raise UsageError(
                f"No scorer can be called {name!r} beside {other!r}, whose table has a column of "
                "this name; give one another name=."
            )


def _resolve(item: ScorerLike) -> list[Scorer]:
    if isinstance(item, str):
        return [get_scorer(item)]
    if isinstance(item, Mapping):
        return [get_scorer(name, **(parameters or {})) for name, parameters in item.items()]
    if isinstance(item, type):
        raise UsageError(f"{item.__name__} is a class; give an instance: {item.__name__}().")
    if hasattr(item, "score") or hasattr(item, "score_batch"):
        lacking = [name for name in ("name", "facts") if not hasattr(item, name)]
        if lacking:
            raise UsageError(
                f"{type(item).__name__} is no scorer yet: it lacks {' and '.join(lacking)}; "
                "facts is an evalkit.plugin.MetricFacts()."
            )
        return [cast("Scorer", item)]
    if callable(item):
        return [decorate(item)]
    raise UsageError(f"{item!r} is no scorer; give a name, a function or a scorer object.")


def bind_judges(
    scorers: Sequence[Scorer],
    judge_model: str | None,
    base_url: str | None = None,
    *,
    instead_of: str | None = None,
) -> list[Scorer]:
    """Return *scorers*, with *judge_model* or the setting's, at *base_url*, where one needs it.

    That is a judge without a model, or with the one that it is asked *instead_of*.

    Raises:
        UsageError: If one has no model, or its model cannot be asked.
    """
    model = judge_model or settings().judge_model
    return [_bound(one, model, base_url, instead_of) for one in scorers]


def _bound(
    scorer: Scorer, judge_model: str | None, base_url: str | None, instead_of: str | None
) -> Scorer:
    if isinstance(scorer, ConfiguredScorer):
        inner = _bound(scorer.inner, judge_model, base_url, instead_of)
        return scorer if inner is scorer.inner else dataclasses.replace(scorer, inner=inner)
    judge: Any = scorer
    if not hasattr(judge, "with_model"):
        return scorer
    if judge.model == instead_of:
        if judge_model is None:
            raise UsageError(
                f"Judge {judge.name!r} has no model; give judge_model='openai/gpt-5-mini', say, or "
                "set EVALKIT_JUDGE_MODEL."
            )
        judge = judge.with_model(judge_model, base_url=base_url)
    judge.check()
    return cast("Scorer", judge)


_FILLED_BY: Final = {**dict.fromkeys(OF_CLASSES, "outputs"), "conversation": "session"}
"""What scorers need that is made from a field of the data."""


def check_requirements(
    scorers: Sequence[Scorer], spool: Spool, *, live: bool, from_output: Mapping[str, str]
) -> None:
    """Refuse scorers whose input no case can have.

    Raises:
        UsageError: Naming the scorer, the field, and how to give it; or if there is no scorer.
    """
    # Also of the parts that are run elsewhere.
    fields = frozenset(spool.facts.get("shard", {}).get("fields", ())) | spool.fields
    if not scorers:
        raise UsageError("No scorers: give scorers=['text.exact_match'], say.")
    made = (
        {"outputs", "latency_seconds", "cost", "usage", "metadata", *from_output} if live else set()
    )
    if live:  # a target may return these with each answer, so their absence shows only later
        made |= {"retrieved_context", "tool_calls", "trace", "time_to_first_token"}
    for one in scorers:
        for field in sorted(requirements_of(one)):
            needed = _FILLED_BY.get(field, field)
            if needed not in fields and needed not in made:
                have = ", ".join(sorted(fields - {"id"})) or "nothing"
                raise UsageError(
                    f"Scorer {one.name!r} needs {needed}, which no case has (they have {have}). "
                    f"Map a column: columns={{{needed!r}: 'your_column'}}"
                    + (", or give a model." if needed == "outputs" else ".")
                )
        if "shard" not in spool.facts:  # other parts may have what this one lacks
            _check_reads(one, spool, made)
            _check_paths(one, spool, made)
            _check_values(one, spool, live=live)


def _check_values(scorer: Scorer, spool: Spool, *, live: bool) -> None:
    """Let a scorer refuse what all cases have, such as labels of which none is its positive one.

    Raises:
        UsageError: With what the scorer says.
    """
    changed: set[str] = set()  # what the scorer sees otherwise than it is kept
    if isinstance(scorer, ConfiguredScorer):
        cut = scorer.extract if isinstance(scorer.extract, Mapping) else {"outputs": scorer.extract}
        changed = {*scorer.reads, *(field for field, how in cut.items() if how is not None)}
    check = getattr(scorer, "check_targets", None)
    problem = None
    if check is not None and "expectations" not in changed:
        problem = check(_expected(spool))
    check = getattr(scorer, "check_outputs", None)
    if check is not None and not (problem or live or changed & {"expectations", "outputs"}):
        problem = check(spool.values("outputs"), _expected(spool))
    if problem is not None:
        raise UsageError(f"Scorer {scorer.name!r}: {problem}.")


def _expected(spool: Spool) -> Iterator[Any]:
    """Yield the expected value of each case; read when the first is asked for."""
    batch = CaseBatch({"expectations": spool.values("expectations")}, length=spool.n)
    yield from targets(batch)


def _check_reads(scorer: Scorer, spool: Spool, made: Collection[str]) -> None:
    """Refuse a path of ``reads=`` at which no case has anything; answers to come are not looked at.

    Raises:
        UsageError: Naming the path, and what stands beside it.
    """
    for role, path in getattr(scorer, "reads", {}).items():
        field, rest = field_and_rest(role, path)
        if field in made:
            continue
        values = spool.values(field)
        if any((follow(value, rest) if rest else value) is not None for value in values):
            continue
        have = sorted(_keys(values)) or ["nothing by name"]
        raise UsageError(
            f"Scorer {scorer.name!r} reads {role} from {path!r}, which no case has (its {field} "
            f"have {', '.join(have)}).{_elsewhere(path, spool)}"
        )


def _elsewhere(path: str, spool: Spool) -> str:
    """Return a hint at the field that has what *path* names, or something like it."""
    steps = path.split(".")
    keys = [
        (field, key)
        for field in ("inputs", "outputs", "expectations", "tags")
        for key in sorted(_keys(spool.values(field)))
    ]
    for field, key in keys:
        if key in steps:
            return f" Did you mean {'.'.join([field, *steps[steps.index(key) :]])!r}?"
    return near_miss(path, [f"{field}.{key}" for field, key in keys])


def _keys(values: Iterable[Any]) -> set[str]:
    return {str(key) for value in values if isinstance(value, Mapping) for key in value}


def _check_paths(scorer: Scorer, spool: Spool, made: Collection[str]) -> None:
    paths: Iterable[tuple[str, str]] = getattr(scorer, "paths", ())
    for field, key in sorted(paths):
        if field in made or field in getattr(scorer, "reads", {}):
            continue
        labels: set[str] = set()
        for value in spool.values(field):
            if key in value:
                break
            labels.update(value)
        else:
            have = ", ".join(sorted(labels)) or "nothing"
            raise UsageError(
                f"Scorer {scorer.name!r} reads {field}.{key}, which no case has (its {field} have "
                f"{have}).{near_miss(key, labels)}"
            )


def check_gates(
    gates: Iterable[str], scorers: Sequence[Scorer], spool: Spool, reducer: str = "mean"
) -> None:
    """Refuse gates on metrics and tags that the evaluation cannot have, before anything is run.

    Raises:
        UnknownMetricError: If no scorer gives such a metric.
        UsageError: If no case has such a tag, or no value or every one meets a threshold.
    """
    names = [one.name for one in scorers]
    tags: set[str] | None = None
    for condition in parse_gates(gates):
        key = condition.key
        if condition.judge is not None:
            _check_judge(condition.judge, names)
        if key is None:
            continue
        if not any(
            key.metric == name or key.metric.startswith((f"{name}.", f"{name}=")) for name in names
        ):
            raise UnknownMetricError(key.metric, names)
        _check_reducer(key.metric, scorers)
        if not parse_reducer(reducer, sys.maxsize).yields_share:
            _check_numbers(condition, key, scorers)
        wanted = [name for name, _ in key.tags] + ([key.worst_by] if key.worst_by else [])
        if "shard" in spool.facts:  # other parts may have tags that this one lacks
            continue
        if wanted and tags is None:
            tags = {name for case in spool.values("tags") for name in case}
            tags |= spool.fields & {"session", "group", "split"}
        for name in wanted:
            if name not in (tags or ()):
                hint = near_miss(name, tags or ())
                raise UsageError(f"No case has a tag {name!r}, which a gate names.{hint}")


def check_musts(musts: Iterable[str], scorers: Sequence[Scorer], spool: Spool) -> None:
    """Refuse conditions on single cases as `check_gates` does; the error names the condition.

    Raises:
        UsageError: If one is not about a single case, or decides nothing.
    """
    for must in dict.fromkeys(musts):
        try:
            for condition in parse_gates(must):
                check_single(condition)
            check_gates(must, scorers, spool)
        except EvalkitError as error:
            raise UsageError(f"must {must!r}: {error}") from error


def _check_numbers(condition: Condition, key: Key, scorers: Iterable[Scorer]) -> None:
    """Refuse a threshold or margin beyond the range, as far as that is known before the run."""
    if condition.kind != "metric" and not condition.compares:
        return
    fitting = [one for one in scorers if key.metric.startswith(one.name)]
    one = max(fitting, key=lambda scorer: len(scorer.name))
    member, label, _ = key.metric.removeprefix(one.name).partition("=")
    facts = facts_of(one, member.removeprefix(".") or None)
    if "(" in member:  # the key of another reducer
        return
    rate = bool(label) or key.function == "rate" or facts.binary
    low, high = (0.0, 1.0) if rate else (facts.low, facts.high)
    if condition.compares:
        try:
            margin_of(condition, None if low is None or high is None else (low, high))
        except UsageError as error:
            raise UsageError(f"{condition.text!r}: {error}.") from None
        return
    why = condition.vacuous_in(low, high)
    if why is not None:
        raise UsageError(f"{condition.text!r} decides nothing: {why}.")


def _check_judge(judge: str, names: Sequence[str]) -> None:
    own = any(judge == name or judge.startswith(f"{name}.") for name in names)
    if not own and RECORDED not in names:
        raise UnknownMetricError(judge, names)


def _check_reducer(metric: str, scorers: Iterable[Scorer]) -> None:
    for one in scorers:
        if getattr(one, "corpus", None) is None or not metric.startswith(f"{one.name}."):
            continue
        try:
            reducer = parse_reducer(metric.removeprefix(f"{one.name}."), sys.maxsize)
        except UsageError:
            continue
        why = f"{one.name} is computed of all cells at once; {reducer} reduces nothing."
        raise UnknownMetricError(metric, [one.name], why)


def of_classes(scorers: Iterable[Scorer]) -> str | None:
    """Return the most that *scorers* read of classes, one of `OF_CLASSES`; ``None`` if nothing."""
    needs = frozenset[str]().union(*(requirements_of(one) for one in scorers))
    return next((name for name in OF_CLASSES if name in needs), None)
