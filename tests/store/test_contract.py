"""The contract of stores, and that its suite notices who breaks it."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.store import Store, open_store
from evalkit.store.sql.store import SqlStore, TemporaryStore
from evalkit.testing import STORE_LAWS, check_store


@pytest.mark.parametrize("law", STORE_LAWS, ids=lambda law: law.__name__.strip("_"))
@pytest.mark.parametrize("kind", ["file", "temporary"])
def test_a_store_keeps_the_law(law: Callable[[Store], None], kind: str, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db" if kind == "file" else "sqlite://") as store:
        law(store)


@pytest.mark.parametrize("law", STORE_LAWS, ids=lambda law: law.__name__.strip("_"))
def test_a_store_on_a_server_keeps_the_law(
    law: Callable[[Store], None], server_uri: str, tmp_path: Path
) -> None:
    with open_store(server_uri, artifact_root=tmp_path) as store:
        law(store)


class _Broken(TemporaryStore):
    """A store whose transactions are none."""

    def transaction(self) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext()


def test_transactions_that_are_none_are_noticed() -> None:
    with pytest.raises(AssertionError, match="law 'a transaction is kept whole or not at all'"):
        check_store(_Broken)


def _ignoring(noun: str, verb: str, **change: Any) -> Callable[[], Store]:
    """Return what opens a store with a *verb* that takes *change* for what it is given."""

    def opened() -> Store:
        store = TemporaryStore()
        whole = getattr(store, noun)
        real = getattr(whole, verb)

        class Wrong(type(whole)):  # type: ignore[misc]
            pass

        setattr(Wrong, verb, lambda _self, *given, **named: real(*given, **(named | change)))
        object.__setattr__(whole, "__class__", Wrong)
        return store

    return opened


@pytest.mark.parametrize(
    ("new_store", "law"),
    [
        pytest.param(_ignoring("runs", "search", limit=99), "newest first in pages", id="limit"),
        pytest.param(_ignoring("runs", "search", tags=None), "newest first in pages", id="tags"),
        pytest.param(_ignoring("runs", "update", end_time=7), "begin running and end", id="end"),
        pytest.param(_ignoring("models", "search", contains=""), "by name and tag", id="contains"),
        pytest.param(_ignoring("versions", "create", aliases=()), "aliases move", id="aliases"),
        pytest.param(_ignoring("assessments", "search", after=None), "once and paged", id="after"),
    ],
)
def test_what_a_store_ignores_is_noticed(new_store: Callable[[], Store], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_store(new_store)


def test_a_transaction_is_one_commit(store: SqlStore, watch: Any) -> None:
    run = store.runs.create().run_id
    with watch(store) as traffic, store.transaction():
        store.runs.set_tags(run, {"a": "1"})
        store.models.create("bot")
        store.runs.get(run)
    assert traffic.commits == 1


def test_finishing_a_run_is_one_commit(store: SqlStore, watch: Any) -> None:
    run = store.runs.create().run_id
    with watch(store) as traffic:
        store.finish_run(run, tags={"a": "1"}, summaries=[])
    assert traffic.commits == 1


def test_another_thread_does_not_see_a_transaction_that_is_open(store: SqlStore) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool, store.transaction():
        store.models.create("bot")
        assert len(store.models.search()) == 1
        assert pool.submit(store.models.search).result(30) == []
    assert len(store.models.search()) == 1
