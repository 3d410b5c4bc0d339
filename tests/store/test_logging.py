import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.entities.run import Metric
from evalkit.errors import ParamChangedError, RunNotFoundError, UsageError
from evalkit.store import open_store
from evalkit.store.sql.store import SqlStore


def test_a_batch_is_read_back_as_it_was_logged(store: SqlStore) -> None:
    run_id = store.runs.create(name="bot").run_id
    metrics = [Metric("f1", 0.5, 10), Metric("loss", 2.0, 10, 1), Metric("loss", 1.0, 11, 2)]
    store.runs.log(run_id, metrics=metrics, params={"k": "5"}, tags={"unicode": "naïve 🦦"})

    data = store.runs.get(run_id).data
    assert data.latest_metrics == (metrics[0], metrics[2])
    assert data.metrics == {"f1": 0.5, "loss": 1.0}
    assert data.params == {"k": "5"}
    assert data.tags == {"mlflow.runName": "bot", "unicode": "naïve 🦦"}
    assert store.metrics.history(run_id, "loss") == metrics[1:]
    assert store.metrics.history(run_id, "absent") == []


def test_runs_do_not_see_each_others_values(store: SqlStore) -> None:
    one, two = store.runs.create().run_id, store.runs.create().run_id
    store.runs.log(one, metrics=[Metric("m", 1.0, 1)], params={"p": "1"})
    store.runs.log(two, metrics=[Metric("m", 2.0, 1)], params={"p": "2"})

    assert store.runs.get(one).data.metrics == {"m": 1.0}
    assert store.runs.get(two).data.params == {"p": "2"}


points = st.builds(
    Metric,
    key=st.sampled_from(["a", "b"]),
    value=st.floats(),
    timestamp=st.integers(0, 3),
    step=st.integers(-1, 2),
)


def _order(metric: Metric) -> tuple[int, int, bool, float]:
    number = not math.isnan(metric.value)
    return metric.step, metric.timestamp, number, metric.value if number else 0.0


def _same(left: Metric, right: Metric) -> bool:
    both_nan = math.isnan(left.value) and math.isnan(right.value)
    return _order(left)[:2] == _order(right)[:2] and (both_nan or left.value == right.value)


@settings(max_examples=25)  # each opens a store of its own
@given(st.lists(st.lists(points, max_size=5), max_size=4))
def test_the_last_value_is_the_greatest_by_step_time_and_value_however_it_is_batched(
    batches: list[list[Metric]],
) -> None:
    with open_store("sqlite://") as store:
        run_id = store.runs.create().run_id
        for batch in batches:
            store.runs.log(run_id, metrics=batch)
        latest = {metric.key: metric for metric in store.runs.get(run_id).data.latest_metrics}
        for key in ("a", "b"):
            logged = [metric for batch in batches for metric in batch if metric.key == key]
            assert (key in latest) == bool(logged)
            if logged:
                assert _same(latest[key], max(logged, key=_order))
            history = store.metrics.history(run_id, key)
            assert all(any(_same(kept, metric) for kept in history) for metric in logged)
            assert len(history) == len({str(_order(metric)) for metric in history})


def test_a_batch_sent_twice_is_kept_once(store: SqlStore) -> None:
    run_id = store.runs.create().run_id
    batch = [Metric("m", float(i), 5) for i in range(3)] + [Metric("m", math.nan, 5)]
    for _ in range(2):
        store.runs.log(run_id, metrics=batch, params={"p": "1"}, tags={"t": "1"})

    assert len(store.metrics.history(run_id, "m")) == 4


def test_a_changed_param_is_refused_with_all_of_its_batch(store: SqlStore) -> None:
    run_id = store.runs.create().run_id
    store.runs.log(run_id, params={"lr": "0.1"})

    with pytest.raises(ParamChangedError, match=r"'lr'.*'0.1'.*'0.2'"):
        store.runs.log(
            run_id, metrics=[Metric("m", 1.0, 1)], params={"new": "1", "lr": "0.2"}, tags={"t": "1"}
        )
    data = store.runs.get(run_id).data
    assert (data.params, data.metrics, "t" in data.tags) == ({"lr": "0.1"}, {}, False)


@pytest.mark.parametrize(
    ("metrics", "params", "tags"),
    [
        pytest.param([Metric("k" * 251, 1.0, 1)], {}, {}, id="metric-key-too-long"),
        pytest.param([Metric("", 1.0, 1)], {}, {}, id="metric-key-empty"),
        pytest.param([Metric("m", 1.0, 1, 2**63)], {}, {}, id="step-too-large"),
        pytest.param([Metric("m", 1.0, -(2**70))], {}, {}, id="timestamp-too-small"),
        pytest.param([], {"k" * 251: "v"}, {}, id="param-key-too-long"),
        pytest.param([], {"k": "v" * 6001}, {}, id="param-value-too-long"),
        pytest.param([], {}, {"k": "v" * 8001}, id="tag-value-too-long"),
        pytest.param([], {}, {"": "v"}, id="tag-key-empty"),
        pytest.param([], {}, {"mlflow.runName": "n" * 251}, id="run-name-too-long"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    store: SqlStore, metrics: list[Metric], params: dict[str, str], tags: dict[str, str]
) -> None:
    run = store.runs.create()

    with pytest.raises(UsageError):
        store.runs.log(
            run.run_id,
            metrics=[Metric("fits", 1.0, 1), *metrics],
            params={"fits": "1", **params},
            tags={"fits": "1", **tags},
        )
    assert store.runs.get(run.run_id) == run


def test_values_at_their_limits_fit(store: SqlStore) -> None:
    run_id = store.runs.create().run_id
    store.runs.log(
        run_id,
        metrics=[Metric("k" * 250, 1e308, 2**63 - 1, -(2**63) + 1)],
        params={"k" * 250: "v" * 6000},
        tags={"k" * 250: "v" * 8000},
    )

    data = store.runs.get(run_id).data
    assert data.latest_metrics[0] == Metric("k" * 250, 1e308, 2**63 - 1, -(2**63) + 1)
    assert len(data.params["k" * 250]) == 6000


def test_lone_surrogates_become_replacement_characters(store: SqlStore) -> None:
    run_id = store.runs.create(tags={"t": "a\ud800b"}).run_id

    assert store.runs.get(run_id).data.tags["t"] == "a\ufffdb"


def test_more_keys_than_one_statement_holds_are_logged_and_read(store: SqlStore) -> None:
    run_id = store.runs.create().run_id
    many = {f"k{i:04}": str(i) for i in range(1203)}
    for _ in range(2):
        store.runs.log(
            run_id,
            metrics=[Metric(key, float(value), 1) for key, value in many.items()],
            params=many,
            tags=many,
        )

    data = store.runs.get(run_id).data
    assert data.params == many
    assert data.metrics == {key: float(value) for key, value in many.items()}
    assert data.tags.items() >= many.items()


def test_a_tag_is_taken_away(store: SqlStore) -> None:
    run_id = store.runs.create(tags={"a": "1", "b": "2"}).run_id
    store.runs.delete_tag(run_id, "a")
    store.runs.delete_tag(run_id, "a")

    assert "a" not in store.runs.get(run_id).data.tags
    assert store.runs.get(run_id).data.tags["b"] == "2"


def test_nothing_is_logged_to_a_run_that_is_not_there(store: SqlStore) -> None:
    with pytest.raises(RunNotFoundError):
        store.runs.log("nobody", params={"a": "1"})
