"""Assessments in the store: once each, in few commits, page by page."""

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from evalkit.entities.assessment import Assessment, AssessmentSource
from evalkit.errors import UsageError
from evalkit.store.sql import tables
from evalkit.store.sql.store import SqlStore

Watch = Callable[[SqlStore], contextlib.AbstractContextManager[Any]]
CODE = AssessmentSource("CODE", "text.rouge")


def many(n: int) -> list[Assessment]:
    return [
        Assessment(name="m", value=i / n, source=CODE, trace_id=f"t{i}", assessment_id=f"a-{i}")
        for i in range(n)
    ]


def test_a_batch_is_one_commit_whatever_its_size(store: SqlStore, watch: Watch) -> None:
    with watch(store) as traffic:
        store.assessments.log(many(2000))

    assert traffic.commits == 1
    assert len(traffic.statements) < 20


def test_nothing_to_log_costs_nothing(store: SqlStore, watch: Watch) -> None:
    with watch(store) as traffic:
        store.assessments.log([])

    assert traffic.commits == 0


def test_what_is_sent_twice_is_there_once_and_the_later_word_holds(store: SqlStore) -> None:
    said = many(3)
    store.assessments.log(said)
    store.assessments.log([*said[:2], dataclasses.replace(said[2], value=7)])

    found = {one.assessment_id: one.value for one in store.assessments.search(name="m")}
    assert found == {"a-0": 0.0, "a-1": 1 / 3, "a-2": 7}


def test_pages_hold_everything_once(store: SqlStore) -> None:
    store.assessments.log(many(25))
    seen: list[str | None] = []
    page = store.assessments.search(limit=10)
    while page:
        seen += [one.assessment_id for one in page]
        page = store.assessments.search(limit=10, after=seen[-1])

    assert seen == [f"a-{i}" for i in reversed(range(25))]


def test_one_without_an_id_cannot_be_kept(store: SqlStore) -> None:
    with pytest.raises(UsageError, match="needs an assessment_id"):
        store.assessments.log([Assessment(name="m", value=1, source=CODE)])


def test_a_search_by_trace_uses_an_index(store: SqlStore) -> None:
    with store.engine.connect() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM assessments WHERE trace_id = 't'"
        ).fetchall()

    assert "USING INDEX" in str(plan)


def test_a_row_that_lost_its_value_hides_no_other(store: SqlStore) -> None:
    expected = Assessment(
        name="m", kind="expectation", value="x", source=CODE, trace_id="t9", assessment_id="a-9"
    )
    store.assessments.log([*many(3), expected])
    with store.engine.begin() as connection:
        lost = tables.assessments.c.assessment_id.in_(["a-1", "a-9"])
        # As earlier versions wrote an infinite value.
        connection.execute(update(tables.assessments).where(lost).values(value="null"))
    found = store.assessments.search(name="m", limit=9)

    assert [(one.assessment_id, one.value) for one in found] == [
        ("a-2", 2 / 3),
        ("a-1", None),
        ("a-0", 0.0),
    ]
    assert found[1].error is not None
    assert found[1].error.error_code == "not_finite"
