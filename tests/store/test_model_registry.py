"""Registered models in a store: names, numbers, aliases, tags, and many who register at once."""

import itertools
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.errors import (
    AlreadyExistsError,
    EvalkitError,
    ModelVersionNotFoundError,
    RegisteredModelNotFoundError,
    UsageError,
)
from evalkit.store import Store, open_store
from evalkit.store.sql.database import Database
from evalkit.store.sql.sqlite import SqliteDialect
from evalkit.store.sql.store import SqlStore


def test_a_model_is_made_empty_and_found_by_name(store: SqlStore) -> None:
    made = store.models.create("bot", description="answers", tags={"team": "blue"})

    assert (made.latest_version, made.aliases, made.tags) == (None, {}, {"team": "blue"})
    assert made.creation_time == made.last_update_time > 0
    assert store.models.get("bot") == made
    assert isinstance(store, Store)


def test_versions_are_numbered_from_one_and_read_back_as_made(store: SqlStore) -> None:
    store.models.create("bot")
    first = store.versions.create(
        "bot",
        source="runs:/abc",
        run_id="abc",
        model_id="f00d",
        user="ann",
        description="first",
        tags={"a": "1"},
        aliases=["champion", "blue"],
    )
    second = store.versions.create("bot")

    assert (first.version, second.version) == (1, 2)
    assert first.uri == "models:/bot/1"
    assert first.aliases == ("blue", "champion")
    assert store.versions.get("bot", 1) == first
    assert store.versions.by_alias("bot", "champion") == first
    assert store.versions.latest("bot") == second
    assert store.versions.search("bot") == [second, first]
    assert store.models.get("bot").latest_version == 2


def test_an_alias_points_to_one_version_and_moves(store: SqlStore) -> None:
    store.versions.create("bot", aliases=["champion"], create_model=True)
    store.versions.create("bot", aliases=["champion"])
    assert store.models.get("bot").aliases == {"champion": 2}

    store.models.set_alias("bot", "champion", 1)
    assert store.versions.get("bot", 1).aliases == ("champion",)
    assert store.versions.get("bot", 2).aliases == ()

    store.models.delete_alias("bot", "champion")
    store.models.delete_alias("bot", "champion")
    assert store.models.get("bot").aliases == {}


def test_tags_and_descriptions_change(store: SqlStore) -> None:
    store.versions.create("bot", tags={"a": "1", "b": "2"}, create_model=True)
    store.versions.set_tags("bot", 1, {"b": "3", "c": ""})
    store.versions.delete_tag("bot", 1, "a")
    store.versions.delete_tag("bot", 1, "never there")
    store.models.set_tags("bot", {"team": "blue", "x": "y"})
    store.models.delete_tag("bot", "x")

    assert store.versions.get("bot", 1).tags == {"b": "3", "c": ""}
    assert store.models.get("bot").tags == {"team": "blue"}
    assert store.versions.update("bot", 1, description="new").description == "new"
    assert store.models.update("bot", description="newer").description == "newer"


def test_models_are_found_by_name_and_tag_a_page_at_a_time(store: SqlStore) -> None:
    for name in ("qa-bot", "QA_judge", "100%", "sums"):
        store.models.create(name, tags={"first": name[0]})

    assert [m.name for m in store.models.search(contains="qa")] == ["QA_judge", "qa-bot"]
    assert [m.name for m in store.models.search(contains="%")] == ["100%"]
    assert [m.name for m in store.models.search(tags={"first": "s"})] == ["sums"]
    first = store.models.search(limit=3)
    rest = store.models.search(after=first[-1].name)
    assert [m.name for m in [*first, *rest]] == ["100%", "QA_judge", "qa-bot", "sums"]


def test_versions_are_found_by_run_model_and_tag(store: SqlStore) -> None:
    store.versions.create("b", run_id="r1", model_id="m1", tags={"k": "v"}, create_model=True)
    store.versions.create("a", run_id="r2", model_id="m1", create_model=True)

    def names(**wanted: Any) -> list[str]:
        return [version.uri for version in store.versions.search(**wanted)]

    assert names() == ["models:/a/1", "models:/b/1"]
    assert names(model_id="m1", limit=1) == ["models:/a/1"]
    assert names(run_id="r1") == names(tags={"k": "v"}) == ["models:/b/1"]
    assert names(name="a", run_id="r1") == []


@pytest.mark.parametrize(
    ("ask", "kind", "told"),
    [
        pytest.param(
            lambda s: s.models.get("bott"),
            RegisteredModelNotFoundError,
            "Did you mean 'bot'",
            id="model",
        ),
        pytest.param(
            lambda s: s.versions.create("bott"),
            RegisteredModelNotFoundError,
            "bott",
            id="version-of-no-model",
        ),
        pytest.param(
            lambda s: s.versions.get("bot", 7),
            ModelVersionNotFoundError,
            "'bot' has no version 7. It has: 1.",
            id="version",
        ),
        pytest.param(
            lambda s: s.versions.get("bot", 10**30),
            ModelVersionNotFoundError,
            "no version 1000",
            id="a-number-beyond-the-database",
        ),
        pytest.param(
            lambda s: s.versions.by_alias("bot", "champoin"),
            ModelVersionNotFoundError,
            "no alias champoin. Did you mean 'champion'",
            id="alias",
        ),
        pytest.param(
            lambda s: s.versions.latest("empty"),
            ModelVersionNotFoundError,
            "has no version yet",
            id="latest-of-none",
        ),
        pytest.param(
            lambda s: s.models.set_alias("bot", "new", 2),
            ModelVersionNotFoundError,
            "version 2",
            id="alias-of-no-version",
        ),
        pytest.param(
            lambda s: s.models.create("bot"),
            AlreadyExistsError,
            "already a registered model 'bot'",
            id="name-taken",
        ),
        pytest.param(lambda s: s.models.search(limit=0), UsageError, "limit", id="limit-models"),
        pytest.param(
            lambda s: s.versions.search(limit=0), UsageError, "limit", id="limit-versions"
        ),
    ],
)
def test_what_is_not_there_is_one_clear_error(
    store: SqlStore, ask: Callable[[Any], Any], kind: type[EvalkitError], told: str
) -> None:
    store.versions.create("bot", aliases=["champion"], create_model=True)
    store.models.create("empty")

    with pytest.raises(kind, match=told) as caught:
        ask(store)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  our own bytes
    assert str(again) == str(caught.value)


@pytest.mark.parametrize("name", ["", "  ", " bot", "a/b", "models:bot", "x" * 257], ids=repr)
def test_a_name_that_a_uri_cannot_hold_is_refused(store: SqlStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.models.create(name)
    assert store.models.search() == []


@pytest.mark.parametrize(
    "alias", ["", "a b", "a@b", "ä", "latest", "LATEST", "v3", "V10", "x" * 256]
)
def test_an_alias_that_reads_as_something_else_is_refused_and_nothing_is_written(
    store: SqlStore, alias: str
) -> None:
    with pytest.raises(UsageError):
        store.versions.create("bot", aliases=[alias], create_model=True)
    assert store.models.search() == []

    store.versions.create("bot", create_model=True)
    with pytest.raises(UsageError):
        store.models.set_alias("bot", alias, 1)


@pytest.mark.parametrize(
    "given_fields",
    [
        pytest.param({"tags": {"": "x"}}, id="empty-key"),
        pytest.param({"tags": {"k" * 251: "x"}}, id="long-key"),
        pytest.param({"tags": {"k": "x" * 100_001}}, id="long-value"),
        pytest.param({"description": "x" * 100_001}, id="description"),
        pytest.param({"source": "x" * 8001}, id="source"),
        pytest.param({"run_id": "a run"}, id="run-id"),
        pytest.param({"model_id": "x" * 65}, id="model-id"),
    ],
)
def test_what_does_not_fit_is_refused_and_takes_no_number(
    store: SqlStore, given_fields: dict[str, Any]
) -> None:
    store.models.create("bot")
    with pytest.raises(UsageError):
        store.versions.create("bot", **given_fields)

    assert store.versions.create("bot", tags={"k" * 250: "x" * 100_000}).version == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), max_size=8))
def test_every_alias_points_to_the_version_it_was_set_to_last(
    store: SqlStore, moves: list[tuple[str, int]]
) -> None:
    name = f"m{len(store.models.search())}"
    for number in range(4):
        made = store.versions.create(name, create_model=True)
        assert made.version == number + 1
    for alias, version in moves:
        store.models.set_alias(name, alias, version)

    assert store.models.get(name).aliases == dict(moves)
    pointed = {a: v.version for v in store.versions.search(name) for a in v.aliases}
    assert pointed == dict(moves)


def test_changes_of_versions_and_aliases_move_the_models_time(store: SqlStore) -> None:
    times = [store.models.create("bot").last_update_time]
    for change in (
        lambda: store.versions.create("bot"),
        lambda: store.models.set_alias("bot", "a", 1),
        lambda: store.versions.set_tags("bot", 1, {"k": "v"}),
        lambda: store.models.delete_alias("bot", "a"),
    ):
        change()
        times.append(store.models.get("bot").last_update_time)

    assert times == sorted(times)


_REGISTER = """
import sys
from evalkit.store import Store, open_store

print("ready", flush=True)
sys.stdin.readline()
with open_store(sys.argv[1]) as store:
    made = [
        store.versions.create("bot", aliases=["newest"], create_model=True).version
        for _ in range(int(sys.argv[2]))
    ]
print(*made)
"""


def test_processes_that_register_at_once_get_every_number_once(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _REGISTER, uri, "10"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=300) for process in processes]

    assert [errors for _, errors in answers] == [""] * 4
    given_numbers = [[int(number) for number in output.split()] for output, _ in answers]
    assert all(numbers == sorted(numbers) for numbers in given_numbers)
    assert sorted(itertools.chain(*given_numbers)) == list(range(1, 41))
    with open_store(uri) as store:
        assert store.models.get("bot").aliases == {"newest": 40}


def test_threads_that_register_at_once_get_every_number_once(store: SqlStore) -> None:
    def register(_: int) -> int:
        return store.versions.create("bot", create_model=True).version

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(register, range(40))) == list(range(1, 41))


def test_a_number_whose_version_is_gone_is_not_given_again(store: SqlStore, tmp_path: Path) -> None:
    for _ in range(3):
        store.versions.create("bot", create_model=True)
    with Database(SqliteDialect(tmp_path / "runs.db")).write() as connection:
        connection.exec_driver_sql("DELETE FROM model_versions WHERE version = 3")

    assert store.models.get("bot").latest_version == 2
    assert store.versions.create("bot").version == 4
