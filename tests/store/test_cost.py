import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from evalkit.entities.run import Metric, RunStatus
from evalkit.entities.summary import EvaluationSummary
from evalkit.store.sql.store import SqlTrackingStore

Watch = Callable[[SqlTrackingStore], contextlib.AbstractContextManager[Any]]


def _evaluate(store: SqlTrackingStore, size: int) -> str:
    """Do what an evaluation with *size* metrics asks of a store."""
    run_id = store.create_run(tags={f"t{i}": "x" for i in range(size)}).run_id
    store.log_batch(
        run_id,
        metrics=[Metric(f"m{i}", 0.5, 1) for i in range(size)],
        params={f"p{i}": "x" for i in range(size)},
        tags={f"u{i}": "x" for i in range(size)},
    )
    store.write_evaluation_summary(
        run_id, [EvaluationSummary(key=f"m{i}", value=0.5) for i in range(size)]
    )
    store.update_run(run_id, status=RunStatus.FINISHED)
    return run_id


@pytest.mark.parametrize("size", [1, 20, 200])
def test_an_evaluation_costs_four_commits_whatever_its_size(
    store: SqlTrackingStore, watch: Watch, size: int
) -> None:
    with watch(store) as traffic:
        _evaluate(store, size)

    assert traffic.commits == 4
    assert len(traffic.statements) <= 40


def test_reading_commits_nothing(store: SqlTrackingStore, watch: Watch) -> None:
    run_id = _evaluate(store, 3)
    with watch(store) as traffic:
        store.get_run(run_id)
        store.search_runs(tags={"t1": "x"})
        store.resolve_run("latest")
        store.evaluation_summaries(run_id)
        store.get_or_create_experiment("Default")

    assert traffic.commits == 0


def test_a_page_of_runs_costs_as_many_statements_as_one_run(
    store: SqlTrackingStore, watch: Watch
) -> None:
    for _ in range(30):
        _evaluate(store, 2)
    with watch(store) as one:
        assert len(store.search_runs(limit=1)) == 1
    with watch(store) as many:
        assert len(store.search_runs(limit=30)) == 30

    assert len(many.statements) == len(one.statements)


def test_the_newest_runs_come_from_an_index(store: SqlTrackingStore, watch: Watch) -> None:
    from sqlalchemy import text

    with watch(store) as traffic:
        store.search_runs(["0"], limit=5)
        store.search_runs(limit=5)
    queries = [s for s in traffic.statements if "FROM runs" in s and "ORDER BY" in s]
    with store.engine.connect() as connection:
        for query in queries:
            plan = connection.exec_driver_sql(
                "EXPLAIN QUERY PLAN " + query, (0,) * query.count("?")
            ).all()
            assert "USING INDEX ix_runs" in str(plan)
            assert "TEMP B-TREE" not in str(plan)
        assert connection.scalar(text("SELECT count(*) FROM runs")) == 0
    assert len(queries) == 2
