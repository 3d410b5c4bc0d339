"""What a filter finds in SQL is what its predicate finds in Python, on each database."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.entities.run import Metric, Run, RunStatus
from evalkit.errors import FilterSyntaxError
from evalkit.store import Store, open_store
from evalkit.store.filters import RUNS, And, Comparison, Filter, Not, Or, matches, parse_filter

TEXTS = ["", "a", "A", "ab", "a ", "a%b", "a_b", "a/b", "a\\b", "[a]*?", "é", "🦦", "x\ny"]
NUMBERS = [0.0, -1.0, 0.5, 1.0, 1e300]
MEASURED = [*NUMBERS, math.nan, math.inf, -math.inf]
KEYS = ["k", "a b"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mysql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store of each kind, with runs of all values."""
    folder = tmp_path_factory.mktemp("filters")
    if request.param == "sqlite":
        yield _fill(open_store(f"sqlite:///{folder}/runs.db"))
        return
    with request.getfixturevalue(request.param).database() as uri:
        yield _fill(open_store(uri, artifact_root=folder))


def _fill(store: Store) -> Store:
    with store.transaction():
        for number in range(40):
            text, measured = TEXTS[number % len(TEXTS)], MEASURED[number % len(MEASURED)]
            run = store.runs.create(name=f"n{text}", start_time=number % 7, user=text).run_id
            if number % 3:
                metrics = [Metric(KEYS[number % 2], measured, 1)]
                store.runs.log(run, metrics=metrics, params={KEYS[number % 2]: text})
            if number % 4:
                store.runs.log(run, tags={KEYS[number % 2]: text})
                store.runs.update(run, status=RunStatus.FINISHED, end_time=number)
    return store


def _read(run: Run) -> Any:
    collections = {"tag": run.data.tags, "param": run.data.params, "metric": run.data.metrics}
    attributes = {
        "run_id": run.run_id,
        "run_name": run.run_name,
        "status": str(run.status),
        "user_id": run.info.user_id,
        "start_time": run.info.start_time,
        "end_time": run.info.end_time,
    }
    return lambda place, key: (attributes if place == "attribute" else collections[place]).get(key)


def _comparisons() -> st.SearchStrategy[Comparison]:
    ranked = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    listed = st.sampled_from(["IN", "NOT IN"])
    null = st.sampled_from(["IS NULL", "IS NOT NULL"])
    text_fields = st.sampled_from(
        [("attribute", "run_name"), ("attribute", "user_id")]
    ) | st.tuples(st.sampled_from(["tag", "param"]), st.sampled_from([*KEYS, "missing"]))
    number_fields = st.sampled_from(
        [("attribute", "start_time"), ("attribute", "end_time"), ("metric", "k"), ("metric", "a b")]
    )
    texts, numbers = st.sampled_from(TEXTS), st.sampled_from([*NUMBERS, 3.0, 5.0])
    patterns = st.lists(
        st.sampled_from(["%", "_", "a", "A", "b", "/", "[", "*", "?", "\\\\", "\\%", "\\_", " "]),
        max_size=4,
    ).map("".join)

    def compare(
        fields: st.SearchStrategy[tuple[str, str]], operators: Any, values: Any
    ) -> st.SearchStrategy[Comparison]:
        return st.builds(lambda f, o, v: Comparison(f[0], f[1], o, v), fields, operators, values)

    return st.one_of(
        compare(text_fields, st.sampled_from(["=", "!="]), texts),
        compare(text_fields, st.sampled_from(["LIKE", "ILIKE"]), patterns),
        compare(text_fields, listed, st.lists(texts, min_size=1, max_size=3).map(tuple)),
        compare(number_fields, ranked, numbers),
        compare(number_fields, listed, st.lists(numbers, min_size=1, max_size=3).map(tuple)),
        compare(text_fields | number_fields, null, st.none()),
    )


TREES: st.SearchStrategy[Filter] = st.recursive(
    _comparisons(),
    lambda tree: st.one_of(
        st.lists(tree, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(tree, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        tree.map(Not),
    ),
    max_leaves=6,
)


def _written(tree: Filter) -> str:
    """Write a tree as a user would."""
    if isinstance(tree, Not):
        return f"NOT ({_written(tree.part)})"
    if isinstance(tree, And | Or):
        word = " AND " if isinstance(tree, And) else " OR "
        return "(" + word.join(_written(part) for part in tree.parts) + ")"
    places = {"attribute": "", "tag": "tags.", "param": "params.", "metric": "metrics."}
    field = f"{places[tree.place]}`{tree.key}`" if tree.place != "attribute" else tree.key
    if tree.value is None:
        return f"{field} {tree.operator}"
    if isinstance(tree.value, tuple):
        return f"{field} {tree.operator} ({', '.join(map(_literal, tree.value))})"
    return f"{field} {tree.operator} {_literal(tree.value)}"


def _literal(value: object) -> str:
    return repr(value) if isinstance(value, float) else "'" + str(value).replace("'", "''") + "'"


@settings(max_examples=60)
@given(tree=TREES)
def test_sql_finds_what_the_predicate_finds(filled: Store, tree: Filter) -> None:
    text = _written(tree)
    assert parse_filter(text, RUNS) == tree
    expected = [run.run_id for run in filled.runs.search() if matches(tree, _read(run))]
    assert [run.run_id for run in filled.runs.search(filter=text)] == expected


@pytest.mark.parametrize(
    "order",
    [
        ["metrics.k DESC"],
        ["metrics.`a b`", "tags.k DESC"],
        ["run_name", "end_time DESC"],
        ["end_time"],
        ["tags.k", "params.k", "user_id DESC"],
    ],
    ids=" ".join,
)
def test_pages_in_any_order_hold_each_run_once(filled: Store, order: list[str]) -> None:
    whole = [run.run_id for run in filled.runs.search(order_by=order)]
    pages: list[str] = []
    while True:
        after = pages[-1] if pages else None
        page = filled.runs.search(order_by=order, limit=7, after=after)
        if not page:
            break
        pages += [run.run_id for run in page]
    assert pages == whole
    assert len(set(pages)) == 40


def test_what_has_no_value_comes_last_in_both_directions(filled: Store) -> None:
    for direction, sign in (("ASC", 1), ("DESC", -1)):
        runs = filled.runs.search(order_by=f"metrics.k {direction}")
        values = [run.data.metrics.get("k", math.nan) for run in runs]
        numbers = [value for value in values if not math.isnan(value)]
        assert numbers == sorted(numbers, key=lambda value: sign * value)
        assert all(math.isnan(value) for value in values[len(numbers) :])


def test_a_filter_and_other_words_narrow_together(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        for name in ("a", "b"):
            store.runs.create(name=name, tags={"t": name})
        found = store.runs.search(name="a", filter="tags.t = 'b' OR tags.t = 'a'")
        assert [run.run_name for run in found] == ["a"]
        with pytest.raises(FilterSyntaxError):
            store.runs.search(filter="nothing = 1")


def test_experiments_and_models_know_the_same_grammar(filled: Store) -> None:
    for name, team in (("qa", "x"), ("nightly", "y"), ("nightly-2", "x")):
        filled.experiments.create(name, tags={"team": team})
        filled.models.create(name, tags={"team": team})
    for search in (filled.experiments.search, filled.models.search):
        found = search(filter="tags.team = 'x' OR name LIKE 'night%'", order_by="name DESC")
        assert [each.name for each in found] == ["qa", "nightly-2", "nightly"]
        assert [each.name for each in search(filter="NOT tags.team IS NULL", order_by="tags.team")][
            -1
        ] == "nightly"
        with pytest.raises(FilterSyntaxError, match="metrics"):
            search(filter="metrics.f1 > 1")
    first = filled.experiments.search(order_by="name", limit=2)
    rest = filled.experiments.search(order_by="name", after=first[-1].experiment_id)
    assert [e.name for e in (*first, *rest)] == ["Default", "nightly", "nightly-2", "qa"]
    assert [m.name for m in filled.models.search(order_by="name DESC", after="qa")] == [
        "nightly-2",
        "nightly",
    ]
