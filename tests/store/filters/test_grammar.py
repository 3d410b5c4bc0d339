"""What a filter may say, and where an error points."""

import pytest

from evalkit.errors import FilterSyntaxError
from evalkit.store.filters import RUNS, And, Comparison, Not, Or, Order, parse_filter, parse_order

F1 = Comparison("metric", "f1", ">", 0.8)
DEV = Comparison("tag", "stage", "=", "dev")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("metrics.f1 > 0.8", F1),
        ("metric.f1>.8", F1),
        ("`metrics`.f1 > 0.8", None),
        ("tags.stage == 'dev'", DEV),
        ('tag.`stage` = "dev"', DEV),
        ("tags.\"stage\" = 'dev'", DEV),
        ("(tags.stage = 'dev')", DEV),
        ("metrics.f1 > 0.8 and tags.stage = 'dev'", And((F1, DEV))),
        ("metrics.f1 > 0.8 OR metrics.f1 > .8 AND tags.stage = 'dev'", Or((F1, And((F1, DEV))))),
        ("NOT metrics.f1 > 0.8 or tags.stage = 'dev'", Or((Not(F1), DEV))),
        ("not (metrics.f1 > 0.8 or tags.stage = 'dev')", Not(Or((F1, DEV)))),
        ("params.a.b-c/d = 'it''s'", Comparison("param", "a.b-c/d", "=", "it's")),
        ("params.`a b` IS NOT NULL", Comparison("param", "a b", "IS NOT NULL")),
        ("tags.and IS NULL", Comparison("tag", "and", "IS NULL")),
        ('metrics."p95(latency)" <= -1e-3', Comparison("metric", "p95(latency)", "<=", -0.001)),
        ("metrics.f1@2 > 1", None),
        (
            "attributes.status IN ('failed','KILLED')",
            Comparison("attribute", "status", "IN", ("FAILED", "KILLED")),
        ),
        ("status = 'finished'", Comparison("attribute", "status", "=", "FINISHED")),
        ("run.name NOT IN ('x')", Comparison("attribute", "run_name", "NOT IN", ("x",))),
        ("created > '1970-01-01'", Comparison("attribute", "start_time", ">", 0.0)),
        ("start_time <> 5", Comparison("attribute", "start_time", "!=", 5.0)),
        ("end_time < '1970-01-01T01:00:00+01:00'", Comparison("attribute", "end_time", "<", 0.0)),
        ("", None),
        ("  ", None),
    ],
)
def test_a_filter_says_what_it_reads_like(text: str, tree: object) -> None:
    if tree is None and text.strip():
        with pytest.raises(FilterSyntaxError):
            parse_filter(text, RUNS)
    else:
        assert parse_filter(text, RUNS) == tree


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("metrics.f1 >", 12, "a number"),
        ("metrics.f1 > 'x'", 13, "a number"),
        ("tags.a = x", 9, "a text in quotes"),
        ("tags.a > 'x'", 7, "since 'a' is a text"),
        ("metrics.f1 LIKE 'x'", 11, "since 'f1' is a number"),
        ("metrcs.f1 > 1", 0, "did you mean metrics.f1"),
        ("statsu = 'x'", 0, "did you mean status"),
        ("tags.a = 'x' tags.b = 'y'", 13, "AND, OR or the end"),
        ("tags.a = 'x' AND", 16, "a field"),
        ("(tags.a = 'x'", 13, "')'"),
        ("tags.a IN 'x'", 10, "'('"),
        ("tags.a IN ()", 11, "a text"),
        ("tags.a LIKE 'x\\\\y\\'", 12, "stands before"),
        ("start_time > 'soon'", 13, "2026-11-30"),
        ("status = 'finishd'", 9, "one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED"),
        ("1 = 1", 0, "a field"),
        ("tags.a = 'x", 9, "a field, a value or an operator"),
        ("tags.a = 'x'; DROP TABLE runs", 12, "a field, a value or an operator"),
        ("tags.a NOT = 'x'", 11, "LIKE"),
        ("tags.a IS 'x'", 10, "NULL"),
        ("(" * 40 + "tags.a = 'x'" + ")" * 40, 32, "inside each other"),
        ("NOT " * 5000 + "tags.a = 'x'", 4096, "4,096 characters"),
        (" AND ".join(["tags.a='x'"] * 65), 64 * 15, "64 comparisons"),
    ],
)
def test_an_error_points_at_the_character(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse_filter(text, RUNS)
    assert (caught.value.position, says in str(caught.value)) == (position, True), caught.value


def test_an_order_is_a_field_and_a_direction() -> None:
    assert parse_order(["metrics.f1 DESC", "run_name asc", "tags.`a b`"], RUNS) == (
        Order("metric", "f1", descending=True),
        Order("attribute", "run_name"),
        Order("tag", "a b"),
    )
    assert parse_order((), RUNS) == ()
    for wrong in ("metrics.f1 DOWN", "f1 DESC", ""):
        with pytest.raises(FilterSyntaxError):
            parse_order(wrong, RUNS)
