import dataclasses
import datetime as dt
import decimal
import enum
import tempfile
import uuid
import zoneinfo
from collections import namedtuple
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import evalkit
from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.exact import exact_json, exact_json_each, parse_exact
from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.errors import DataError

Spooled = Callable[..., Spool]
OFF = evalkit.Runtime(store=False, progress=False)


class Colour(enum.Enum):
    RED = "red"


class Word(enum.StrEnum):
    YES = "yes"


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    text: str
    colour: Colour


class Model(BaseModel):
    name: str
    sizes: tuple[int, ...] = (1,)


# the untyped form is what people have
Point = namedtuple("Point", ["x", "y"])  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]

VALUES = [
    pytest.param(b"ab\xff", id="bytes"),
    pytest.param(2**70, id="a-big-integer"),
    pytest.param(-(2**63) - 1, id="a-big-negative-integer"),
    pytest.param(decimal.Decimal("1.10"), id="decimal"),
    pytest.param(dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC), id="datetime"),
    pytest.param(
        dt.datetime(2024, 7, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), id="a-time-zone"
    ),
    pytest.param(dt.date(2024, 1, 2), id="date"),
    pytest.param(dt.time(3, 4), id="time"),
    pytest.param(dt.timedelta(days=-1, microseconds=5), id="timedelta"),
    pytest.param(pd.Timestamp("2024-01-01T00:00:00.123456789"), id="pandas-timestamp"),
    pytest.param((1, (2, [3])), id="tuple"),
    pytest.param({1, "a"}, id="set"),
    pytest.param(frozenset({2}), id="frozenset"),
    pytest.param({1: "a", (2, 3): "b"}, id="keys-that-are-no-texts"),
    pytest.param(float("inf"), id="infinity"),
    pytest.param([1.5, float("-inf")], id="an-infinity-inside"),
    pytest.param(uuid.UUID(int=5), id="uuid"),
    pytest.param(Path("a/b"), id="path"),
    pytest.param(np.float32(1.5), id="numpy-number"),
    pytest.param(np.int64(3), id="numpy-integer"),
    pytest.param(Colour.RED, id="enum"),
    pytest.param(Word.YES, id="enum-of-texts"),
    pytest.param(Query("q", Colour.RED), id="dataclass"),
    pytest.param(Model(name="m", sizes=(1, 2)), id="pydantic"),
    pytest.param(Point(1, 2), id="named-tuple"),
    pytest.param({"$evalkit": ["bytes", "YQ=="]}, id="what-looks-like-a-mark"),
    pytest.param([{"deep": [b"x", {"n": 2**80}]}], id="nested"),
]


# An infinite output beside an expectation is no answer, and scores nothing.
@pytest.mark.parametrize("value", [value for value in VALUES if value.id != "infinity"])
def test_a_target_and_a_scorer_get_the_value_that_was_given(value: Any) -> None:
    seen: list[Any] = []

    @evalkit.scorer
    def look(inputs: Any, outputs: Any, expectations: Any) -> bool:
        seen.extend([inputs["x"], outputs, expectations["wanted"]])
        return True

    def echo(inputs: dict[str, Any]) -> Any:
        seen.append(inputs["x"])
        return inputs["x"]

    data = [{"inputs": {"x": value}, "expectations": {"wanted": value}}]
    evalkit.evaluate(echo, data, [look], runtime=OFF)

    assert seen == [value] * 4
    assert {type(one) for one in seen} == {type(value)}


@pytest.mark.parametrize("value", VALUES)
def test_stored_outputs_reach_the_scorer_as_they_are(value: Any) -> None:
    seen: list[Any] = []

    @evalkit.scorer
    def look(outputs: Any) -> bool:
        seen.append(outputs)
        return True

    result = evalkit.evaluate(
        data=[{"question": "q", "output": value}], scorers=[look], runtime=OFF
    )

    assert seen == [value]
    assert type(seen[0]) is type(value)
    assert result.table()["outputs"].tolist() == [value]


def test_an_array_reaches_the_target_as_an_array_that_it_may_change() -> None:
    given = np.arange(6.0).reshape(2, 3)

    def total(x: Any) -> float:
        x += 1
        return float(x.sum())

    result = evalkit.evaluate(
        total, [{"inputs": {"x": given}}], ["operations.latency"], runtime=OFF
    )

    assert result.table()["outputs"].tolist() == [21.0]
    assert given[0, 0] == 0.0


def test_values_come_back_after_a_restart(spooled: Spooled) -> None:
    rows = [{"inputs": {"x": decimal.Decimal("2.50"), "y": (1, 2)}, "outputs": b"z"}]

    batch = Spool.open(spooled(rows).path).batch(0, 1)

    assert (batch.inputs[0], batch.outputs[0]) == (rows[0]["inputs"], b"z")


def test_every_report_can_be_written_of_any_value(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "output": [one.values[0]]} for n, one in enumerate(VALUES)]

    result = evalkit.evaluate(data=rows, scorers=["operations.output_length"], runtime=OFF)

    for extension in ("html", "md", "json", "xml", "csv", "parquet"):
        result.report(tmp_path / f"r.{extension}")
    assert str(result)


def test_what_json_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="object has no JSON form"):
        evalkit.evaluate(
            lambda x: x, [{"inputs": {"x": object()}}], ["operations.latency"], runtime=OFF
        )


def test_a_class_that_is_not_loaded_gives_plain_values() -> None:
    text = exact_json(Query("q", Colour.RED)).replace(b"test_exact_values", b"nowhere_at_all")

    assert parse_exact(text) == {"text": "q", "colour": "red"}


def test_ids_keep_every_digit(spooled: Spooled) -> None:
    ids = [12345678901234567890123, 12345678901234567]
    rows = [{"id": one, "question": "q"} for one in ids]

    assert list(spooled(rows).strings("id")) == [str(one) for one in ids]


def test_an_identity_does_not_depend_on_the_class_of_an_input(spooled: Spooled) -> None:
    objects = [{"inputs": {"x": Query("q", Colour.RED), "y": (1,)}}]
    plain = [{"inputs": {"x": {"text": "q", "colour": "red"}, "y": [1]}}]

    assert list(spooled(objects).strings("id")) == list(spooled(plain).strings("id"))


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
) | (
    st.binary(max_size=4)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.integers(0, 2**64 - 1).map(np.uint64)
    | st.floats(width=32, allow_nan=False).map(np.float32)
    | st.floats(allow_nan=False).map(np.float64)
    | st.booleans().map(np.bool_)
    | st.integers(0, 9).map(lambda n: np.datetime64("2020-01-01") + n)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(
            st.text("ab", max_size=4) | st.integers() | st.tuples(st.integers()), inner, max_size=3
        )
        | st.sets(st.integers() | st.text("ab", max_size=2), max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(trees, max_size=5))
def test_any_value_comes_back_equal_and_of_its_type(values: list[Any]) -> None:
    back = [parse_exact(text) for text in exact_json_each(values)]

    assert back == values
    assert [kinds(value) for value in back] == [kinds(value) for value in values]


@given(st.lists(trees, min_size=1, max_size=5))
def test_what_a_row_holds_is_what_a_target_gets(values: list[Any]) -> None:
    rows = [{"inputs": {"x": value}, "outputs": [value]} for value in values]

    with tempfile.TemporaryDirectory() as folder, closing(spool(rows, Path(folder) / "s")) as cases:
        pairs = list(zip(cases.values("inputs"), cases.values("outputs"), strict=True))

    assert pairs == [({"x": value}, [value]) for value in values]
    assert kinds(pairs) == kinds([({"x": value}, [value]) for value in values])


@pytest.mark.parametrize("value", [np.str_("a"), np.str_(""), np.bytes_(b"a")], ids=repr)
def test_numpys_texts_are_texts(value: Any) -> None:
    assert parse_exact(exact_json([(value,)])) == [(value,)]


@pytest.mark.parametrize(
    "value",
    [uuid.UUID(int=5), Colour.RED, Query("q", Colour.RED), dt.date(2024, 1, 2)],
    ids=["uuid", "enum", "dataclass", "date"],
)
def test_what_stands_beside_a_big_integer_is_hashed_as_elsewhere(value: Any) -> None:
    together = parse_json(canonical_json([value, 2**70]))

    assert together == [parse_json(canonical_json(value)), 2**70]


def kinds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    return [kinds(item) for item in value] if isinstance(value, (list, tuple)) else type(value)


HALF = "a\ud83d"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"inputs": {HALF: 1}}, id="a-key-of-inputs"),
        pytest.param({"inputs": {"x": {HALF: [{HALF: HALF}]}}}, id="inside"),
        pytest.param({"inputs": {"x": 1}, "tags": {HALF: HALF}}, id="a-key-of-tags"),
        pytest.param({"inputs": {"x": 1}, "metadata": {HALF: 1}}, id="a-key-of-metadata"),
        pytest.param({"inputs": {"x": 1}, HALF: "a-column"}, id="a-column"),
    ],
)
@pytest.mark.parametrize("live", [False, True], ids=["stored", "live"])
def test_half_a_character_in_a_key_stops_no_run(
    row: dict[str, Any], live: bool, tmp_path: Path
) -> None:
    row = {**row, "expectations": {HALF: "b"}} | ({} if live else {"outputs": {HALF: "b"}})
    model = (lambda inputs: {HALF: str(inputs)}) if live else None
    uri = f"sqlite:///{tmp_path}/e.db"
    runtime = evalkit.Runtime(store=uri, progress=False)

    result = evalkit.evaluate(model, [row], ["operations.output_length"], runtime=runtime)
    again = evalkit.EvaluationResult.load(str(result.run_id), store=uri)

    assert result["operations.output_length"].n_scored == 1
    assert "a\ufffd" in again.table()["outputs"][0]
    for extension in ("html", "csv", "parquet", "json"):
        again.report(tmp_path / f"r.{extension}")
