"""The contract suite of stores: one call checks every law."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from evalkit.entities.assessment import Assessment, AssessmentSource
from evalkit.entities.estimate import Estimate, EvaluationSummary
from evalkit.entities.run import LifecycleStage, Metric, RunStatus, ViewType
from evalkit.errors import (
    AlreadyExistsError,
    AmbiguousRunError,
    DeletedRunError,
    ExperimentNotFoundError,
    ModelVersionNotFoundError,
    ParamChangedError,
    RegisteredModelNotFoundError,
    RunNotFoundError,
    UsageError,
)
from evalkit.store import Store

Law = Callable[[Store], None]


def check_store(new_store: Callable[[], Store]) -> None:
    """Check that a kind of store keeps the contract of `evalkit.store.Store`.

    Args:
        new_store: Opens a new store, without runs; called once for each of `STORE_LAWS`.

    Raises:
        AssertionError: If a law is broken; names the law, what came and what was to come.

    Examples:
        >>> from evalkit.store import open_store
        >>> check_store(lambda: open_store("sqlite://"))
    """
    for law in STORE_LAWS:
        with new_store() as store:
            try:
                law(store)
            except AssertionError as error:
                name = law.__name__.removeprefix("_").replace("_", " ")
                raise AssertionError(f"{store.uri} breaks the law {name!r}: {error}") from error


def _same(came: object, expected: object) -> None:
    if came != expected:
        raise AssertionError(f"{came!r} came, not {expected!r}")


def _refused(kind: type[Exception], *acts: Callable[[], object]) -> None:
    for act in acts:
        try:
            came = act()
        except kind:
            continue
        raise AssertionError(f"{came!r} came, not {kind.__name__}")


def _experiments_are_named_once(store: Store) -> None:
    default = store.experiments.get("0")
    _same((default.name, store.experiments.search()), ("Default", [default]))
    qa = store.experiments.create("qa", tags={"a": "1", "b": "2"})
    store.experiments.set_tags(qa.experiment_id, {"a": "3"})
    found = store.experiments.get(qa.experiment_id)
    _same((found.name, found.tags), ("qa", {"a": "3", "b": "2"}))
    _same([store.experiments.find("qa"), store.experiments.find("QA ")], [found, None])
    _same(store.experiments.get_or_create("qa"), found)
    _same([e.name for e in store.experiments.search()], ["qa", "Default"])
    _refused(AlreadyExistsError, lambda: store.experiments.create("qa"))
    _refused(UsageError, *(partial(store.experiments.create, n) for n in ("", " ", "x" * 501)))
    _refused(ExperimentNotFoundError, lambda: store.experiments.get("77"))


def _deleted_experiments_keep_their_names(store: Store) -> None:
    number = store.experiments.create("qa").experiment_id
    store.experiments.delete(number)
    _same(store.experiments.get(number).lifecycle_stage, LifecycleStage.DELETED)
    shown = {v: [e.name for e in store.experiments.search(view=v)] for v in ViewType}
    names = {"ACTIVE_ONLY": ["Default"], "DELETED_ONLY": ["qa"], "ALL": ["qa", "Default"]}
    _same(shown, names)
    _refused(AlreadyExistsError, lambda: store.experiments.create("qa"))
    _refused(AlreadyExistsError, lambda: store.experiments.get_or_create("qa"))
    _refused(ExperimentNotFoundError, lambda: store.runs.create(number))
    store.experiments.restore(number)
    _same(store.runs.create(number).experiment_id, number)


def _runs_begin_running_and_end(store: Store) -> None:
    parent = store.runs.create(user="ada", tags={"stage": "dev"})
    _same((parent.status, parent.info.end_time), (RunStatus.RUNNING, None))
    _same(parent.data.tags, {"mlflow.runName": parent.run_name, "stage": "dev"})
    child = store.runs.create(run_id="A-1", name="bot", parent_run_id=parent.run_id, start_time=42)
    _same((child.run_id, child.run_name, child.info.start_time), ("A-1", "bot", 42))
    _same([store.runs.search(parent_run_id=parent.run_id), store.runs.get("A-1")], [[child], child])
    ended = store.runs.update("A-1", status=RunStatus.FAILED)
    _same((ended.status, (ended.info.end_time or 0) >= parent.info.start_time), ("FAILED", True))
    _same(store.runs.update("A-1", status=RunStatus.KILLED, end_time=7).info.end_time, 7)
    _same(store.runs.update("A-1", status=RunStatus.RUNNING).info.end_time, None)
    _same(store.runs.update("A-1", name="new").data.tags["mlflow.runName"], "new")
    _refused(AlreadyExistsError, lambda: store.runs.create(run_id="A-1"))
    _refused(UsageError, *(partial(store.runs.create, run_id=i) for i in ("", "a/b", "x" * 65)))
    _refused(RunNotFoundError, lambda: store.runs.create(parent_run_id="nobody"))


def _deleted_runs_are_hidden_and_cannot_be_written(store: Store) -> None:
    run = store.runs.create(name="bot").run_id
    store.runs.delete(run)
    _same(store.runs.get(run).info.lifecycle_stage, LifecycleStage.DELETED)
    _same([store.runs.search(), len(store.runs.search(view=ViewType.DELETED_ONLY))], [[], 1])
    _refused(RunNotFoundError, lambda: store.runs.resolve("bot"))
    _refused(
        DeletedRunError,
        lambda: store.runs.set_tags(run, {"a": "b"}),
        lambda: store.runs.update(run, status=RunStatus.FINISHED),
        lambda: store.summaries.write(run, []),
        lambda: store.finish_run(run, status=RunStatus.FINISHED),
    )
    store.runs.restore(run)
    _same(store.runs.resolve("bot").run_id, run)


def _runs_are_searched_newest_first_in_pages(store: Store) -> None:
    for number, start in enumerate((30, 10, 20, 20)):
        store.runs.create(run_id=f"r{number}", start_time=start, tags={"n": str(number % 2)})
    page = store.runs.search(limit=3)
    _same([run.run_id for run in page], ["r0", "r3", "r2"])
    page = store.runs.search(limit=3, after="r2")
    _same([run.run_id for run in page], ["r1"])
    _same([run.run_id for run in store.runs.search(tags={"n": "1"})], ["r3", "r1"])
    _same(store.runs.search([]), [])
    _refused(UsageError, lambda: store.runs.search(limit=0))


def _people_find_runs_by_what_they_call_them(store: Store) -> None:
    for start, (run_id, name) in enumerate(
        [("abcd1111", "bot"), ("abcd2222", "bot"), ("eeee3333", "abcd1111")]
    ):
        store.runs.create(run_id=run_id, name=name, start_time=start)
    found = {
        reference: store.runs.resolve(reference).run_id
        for reference in ("latest", "latest~2", "bot", "abcd1111", "abcd2")
    }
    _same(list(found.values()), ["eeee3333", "abcd1111", "abcd2222", "abcd1111", "abcd2222"])
    _refused(AmbiguousRunError, lambda: store.runs.resolve("abcd"))
    references = ("latest~9", "eee", "zzzz", "%%%%", "____", "")
    _refused(RunNotFoundError, *(partial(store.runs.resolve, r) for r in references))


def _batches_are_logged_whole_and_once(store: Store) -> None:
    run = store.runs.create(name="bot").run_id
    metrics = [Metric("f1", 0.5, 10), Metric("loss", 2.0, 10, 1), Metric("loss", 1.0, 11, 2)]
    for _ in range(2):
        store.runs.log(run, metrics=metrics, params={"k": "5"}, tags={"t": "naïve 🦦"})
    data = store.runs.get(run).data
    _same(data.latest_metrics, (metrics[0], metrics[2]))
    _same((data.params, data.tags["t"]), ({"k": "5"}, "naïve 🦦"))
    _same(store.metrics.history(run, "loss"), metrics[1:])
    before = store.runs.get(run)
    new: dict[str, Any] = {"metrics": [Metric("new", 1.0, 1)], "tags": {"new": "1"}}
    _refused(ParamChangedError, lambda: store.runs.log(run, params={"p": "1", "k": "6"}, **new))
    for refused in ({"k" * 251: "v"}, {"": "v"}, {"k2": "v" * 6001}):
        _refused(UsageError, partial(store.runs.log, run, params=refused, **new))
    _same(store.runs.get(run), before)
    store.runs.delete_tag(run, "t")
    store.runs.delete_tag(run, "t")
    _same("t" in store.runs.get(run).data.tags, False)


def _the_last_metric_is_the_greatest_by_step_time_and_value(store: Store) -> None:
    run = store.runs.create().run_id
    for step, timestamp, value in [(1, 5, 0.5), (0, 9, 9.0), (1, 5, math.nan), (1, 5, 0.7)]:
        store.runs.log(run, metrics=[Metric("m", value, timestamp, step)])
    _same(store.runs.get(run).data.metrics, {"m": 0.7})
    store.runs.log(run, metrics=[Metric("m", math.inf, 6, 1)])
    _same(store.runs.get(run).data.metrics, {"m": math.inf})
    _same(len(store.metrics.history(run, "m")), 5)


def _summaries_are_read_as_written(store: Store) -> None:
    run = store.runs.create().run_id
    keys = ("z", "Acc", "acc")
    written = [EvaluationSummary(Estimate(key=key, value=1e-17, note="é")) for key in keys]
    store.summaries.write(run, [EvaluationSummary(Estimate(key="old"))])
    store.summaries.write(run, written)
    for refused in ([*written, written[0]], [EvaluationSummary(Estimate(key="a", value=math.nan))]):
        _refused(UsageError, partial(store.summaries.write, run, refused))
    _same(store.summaries.read(run), written)


def _said(number: int, **fields: Any) -> Assessment:
    values: dict[str, Any] = {
        "value": number / 7,
        "trace_id": f"t{number}",
        "assessment_id": f"a-{number}",
    }
    return Assessment(name="m", source=AssessmentSource("CODE", "x"), **(values | fields))


def _assessments_are_kept_once_and_paged(store: Store) -> None:
    store.assessments.log([_said(number) for number in range(7)])
    store.assessments.log([_said(6, value="changed", rationale="é" * 70_000)])
    first = store.assessments.search(name="m", limit=4)
    rest = store.assessments.search(name="m", limit=4, after=first[-1].assessment_id)
    _same([a.assessment_id for a in [*first, *rest]], [f"a-{n}" for n in reversed(range(7))])
    _same((first[0].value, len(first[0].rationale or "")), ("changed", 70_000))
    _same(store.assessments.search(trace_id="t3"), [_said(3)])
    _refused(UsageError, lambda: store.assessments.log([_said(8), _said(9, assessment_id=None)]))
    _same(store.assessments.search(trace_id="t8"), [])


def _cards_are_read_newest_first(store: Store) -> None:
    for created, card in ((2, "second"), (1, "first"), (2, "x" * 70_000)):
        store.cards.add(judge="grounded", signature="s", created=created, card=card)
    _same(store.cards.newest("grounded"), ["x" * 70_000, "second", "first"])
    _same(store.cards.newest("other"), [])


def _models_are_found_by_name_and_tag(store: Store) -> None:
    for name in ("qa-bot", "QA_judge", "100%"):
        store.models.create(name, description=name, tags={"first": name[0]})
    _same([m.name for m in store.models.search(contains="qa")], ["QA_judge", "qa-bot"])
    _same([m.name for m in store.models.search(contains="%")], ["100%"])
    _same([m.name for m in store.models.search(limit=1, after="100%")], ["QA_judge"])
    _same([m.name for m in store.models.search(tags={"first": "q"})], ["qa-bot"])
    store.models.set_tags("100%", {"first": "2", "x": "y"})
    store.models.delete_tag("100%", "x")
    changed = store.models.update("100%", description="new")
    _same((changed.tags, changed.description), ({"first": "2"}, "new"))
    _refused(AlreadyExistsError, lambda: store.models.create("qa-bot"))
    _refused(RegisteredModelNotFoundError, lambda: store.models.get("bot"))
    _refused(UsageError, *(partial(store.models.create, n) for n in ("", "a/b", "a:b", " a")))


def _versions_are_numbered_and_aliases_move(store: Store) -> None:
    first = store.versions.create(
        "bot", run_id="r", model_id="f00d", tags={"a": "1"}, aliases=["blue"], create_model=True
    )
    second = store.versions.create("bot", aliases=["blue"], create_model=True)
    _same((first.version, second.version, store.versions.latest("bot")), (1, 2, second))
    _same(store.models.get("bot").aliases, {"blue": 2})
    store.models.set_alias("bot", "blue", 1)
    _same(store.versions.by_alias("bot", "blue"), first)
    _same([v.version for v in store.versions.search("bot")], [2, 1])
    _same(store.versions.search(model_id="f00d", run_id="r", tags={"a": "1"}), [first])
    store.versions.set_tags("bot", 1, {"a": "2"})
    store.versions.delete_tag("bot", 1, "b")
    _same(store.versions.update("bot", 1, description="d").tags, {"a": "2"})
    for alias in ("latest", "v3", "a b", ""):
        _refused(UsageError, partial(store.versions.create, "bot", aliases=[alias]))
    store.models.delete_alias("bot", "blue")
    _refused(
        ModelVersionNotFoundError,
        lambda: store.versions.by_alias("bot", "blue"),
        lambda: store.versions.get("bot", 3),
        lambda: store.models.set_alias("bot", "new", 3),
    )


def _a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    run = store.runs.create().run_id

    def fail() -> None:
        with store.transaction():
            store.runs.log(run, params={"outer": "1"})
            store.models.create("bot")
            _same(store.runs.get(run).data.params, {"outer": "1"})
            raise ZeroDivisionError

    _refused(ZeroDivisionError, fail)
    _same((store.runs.get(run).data.params, store.models.search()), ({}, []))
    with store.transaction():
        store.runs.log(run, params={"outer": "1"})
        with store.transaction():
            store.runs.log(run, params={"inner": "1"})
        _refused(ParamChangedError, lambda: store.runs.log(run, params={"x": "1", "inner": "2"}))
    _same(store.runs.get(run).data.params, {"inner": "1", "outer": "1"})


def _a_run_is_finished_whole_or_not_at_all(store: Store) -> None:
    run = store.runs.create().run_id
    summaries = [EvaluationSummary(Estimate(key="m", value=0.5))]
    before = store.runs.get(run)
    given: dict[str, Any] = {
        "status": RunStatus.FINISHED,
        "metrics": [Metric("m", 0.5, 1)],
        "params": {"p": "1"},
        "tags": {"t": "1"},
        "summaries": summaries,
        "assessments": [_said(1)],
    }
    for refused in (
        {"metrics": [Metric("k" * 251, 0.5, 1)]},
        {"summaries": summaries * 2},
        {"assessments": [_said(1, assessment_id=None)]},
    ):
        _refused(UsageError, partial(store.finish_run, run, **(given | refused)))
        _same((store.runs.get(run), store.summaries.read(run)), (before, []))
    store.finish_run(run, **given)
    after = store.runs.get(run)
    _same((after.status, after.info.end_time is None), (RunStatus.FINISHED, False))
    _same((after.data.metrics, after.data.params), ({"m": 0.5}, {"p": "1"}))
    _same((store.summaries.read(run), store.assessments.search()), (summaries, [_said(1)]))
    store.summaries.write(run, [])
    _same((store.runs.get(run).data.metrics, store.metrics.history(run, "m")), ({}, []))


def _threads_share_a_store(store: Store) -> None:
    run = store.runs.create().run_id

    def work(number: int) -> tuple[int, str]:
        store.runs.log(run, metrics=[Metric("m", float(number), number)])
        experiment = store.experiments.get_or_create("shared").experiment_id
        return store.versions.create("bot", create_model=True).version, experiment

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(work, range(24)))
    _same(sorted(version for version, _ in made), list(range(1, 25)))
    _same(len({experiment for _, experiment in made}), 1)
    _same(len(store.metrics.history(run, "m")), 24)
    _same(store.runs.get(run).data.metrics, {"m": 23.0})


STORE_LAWS: Final[tuple[Law, ...]] = (
    _experiments_are_named_once,
    _deleted_experiments_keep_their_names,
    _runs_begin_running_and_end,
    _deleted_runs_are_hidden_and_cannot_be_written,
    _runs_are_searched_newest_first_in_pages,
    _people_find_runs_by_what_they_call_them,
    _batches_are_logged_whole_and_once,
    _the_last_metric_is_the_greatest_by_step_time_and_value,
    _summaries_are_read_as_written,
    _assessments_are_kept_once_and_paged,
    _cards_are_read_newest_first,
    _models_are_found_by_name_and_tag,
    _versions_are_numbered_and_aliases_move,
    _a_transaction_is_kept_whole_or_not_at_all,
    _a_run_is_finished_whole_or_not_at_all,
    _threads_share_a_store,
)
"""What each store has to do, each checked on a new store."""
