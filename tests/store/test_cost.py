import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from evalkit.entities.estimate import Estimate, EvaluationSummary
from evalkit.entities.run import Metric, RunStatus
from evalkit.store.sql.store import SqlStore

Watch = Callable[[SqlStore], contextlib.AbstractContextManager[Any]]


def _evaluate(store: SqlStore, size: int) -> str:
    """Do what an evaluation with *size* metrics asks of a store."""
    run_id = store.runs.create(tags={f"t{i}": "x" for i in range(size)}).run_id
    store.runs.log(
        run_id,
        metrics=[Metric(f"m{i}", 0.5, 1) for i in range(size)],
        params={f"p{i}": "x" for i in range(size)},
        tags={f"u{i}": "x" for i in range(size)},
    )
    store.summaries.write(
        run_id, [EvaluationSummary(Estimate(key=f"m{i}", value=0.5)) for i in range(size)]
    )
    store.runs.update(run_id, status=RunStatus.FINISHED)
    return run_id


@pytest.mark.parametrize("size", [1, 20, 200])
def test_an_evaluation_costs_four_commits_whatever_its_size(
    store: SqlStore, watch: Watch, size: int
) -> None:
    with watch(store) as traffic:
        _evaluate(store, size)

    assert traffic.commits == 4
    assert len(traffic.statements) <= 40


def test_reading_commits_nothing(store: SqlStore, watch: Watch) -> None:
    run_id = _evaluate(store, 3)
    with watch(store) as traffic:
        store.runs.get(run_id)
        store.runs.search(tags={"t1": "x"})
        store.runs.resolve("latest")
        store.summaries.read(run_id)
        store.experiments.get_or_create("Default")

    assert traffic.commits == 0


def test_a_page_of_runs_costs_as_many_statements_as_one_run(store: SqlStore, watch: Watch) -> None:
    for _ in range(30):
        _evaluate(store, 2)
    with watch(store) as one:
        assert len(store.runs.search(limit=1)) == 1
    with watch(store) as many:
        assert len(store.runs.search(limit=30)) == 30

    assert len(many.statements) == len(one.statements)


def test_the_newest_runs_come_from_an_index(store: SqlStore, watch: Watch) -> None:
    from sqlalchemy import text

    with watch(store) as traffic:
        store.runs.search(["0"], limit=5)
        store.runs.search(limit=5)
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
