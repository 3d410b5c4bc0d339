"""``result[key]`` says what a line of pandas over ``result.table()`` says, whatever the names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.errors import UsageError

FUNCTIONS: dict[str, Callable[["pd.Series[float]"], Any]] = {
    "{}": lambda values: values.mean(),
    "mean({})": lambda values: values.mean(),
    "median({})": lambda values: values.median(),
    "p95({})": lambda values: values.quantile(0.95),
    "p2.5({})": lambda values: values.quantile(0.025),
    "min({})": lambda values: values.min(),
    "max({})": lambda values: values.max(),
    "rate({})": lambda values: (values >= 1).astype(float).mean(),
}
"""What may stand around a metric, and what it means."""

NAMES = st.sampled_from(
    ["p95(a)", "worst(a", "mean", "m[x]", "acc (strict)", "a.b", "max (a)", "a, b"]
) | st.text("ab1 ._-()[]", min_size=1, max_size=6).map(str.strip).filter(
    lambda name: any(letter.isalpha() for letter in name)
)
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
"""An example is an evaluation, and takes its time."""

TAGS = st.booleans() | st.text("dé .=-1", min_size=1, max_size=3).map(str.strip).filter(bool)
SLICED, PLACE = "language", "by-place"
"""The tags of the cases."""

VALUES = {
    "bool": st.booleans(),
    "float": st.floats(-3, 3).map(lambda value: round(value, 3)),
    "label": st.sampled_from(["good", "bad (very)", "so-so"]),
}


@dataclass(frozen=True)
class Drawn:
    """A result, a metric of it, and its table with columns ``value`` and one for each tag."""

    result: evalkit.EvaluationResult
    frame: pd.DataFrame
    metric: str
    direction: str

    def lines(self) -> Iterator[tuple[str, "pd.Series[float] | float | None"]]:
        """Yield keys with what pandas says of each; ``None`` where there is no such case."""
        worst = "max" if self.direction == "lower" else "min"
        (wanted,) = self.frame[SLICED].dropna().head(1)
        tags = f"[{SLICED}={wanted}]"
        slice_ = self.frame[self.frame[SLICED] == wanted]
        for form, line in FUNCTIONS.items():
            key, inner = form.format(self.metric), form.format(f"{self.metric}{tags}")
            yield key, line(self.frame["value"].dropna())
            for sliced in (inner, f"{key}{tags}"):
                yield sliced, line(slice_["value"].dropna())
            by = f"by={PLACE}"
            parts = self.frame.dropna(subset="value").groupby(PLACE)["value"].agg(line)
            yield f"worst({key}, {by})", parts.agg(worst)
            parts = slice_.dropna(subset="value").groupby(PLACE)["value"].agg(line)
            both = slice_[PLACE].notna().any()
            for nested in (f"worst({inner}, {by})", f"worst({key}, {by}){tags}"):
                yield nested, parts.agg(worst) if both else None


@st.composite
def drawn_results(draw: st.DrawFn) -> Drawn:
    """Two metrics, of which the name of one begins with the other's; tags that cases may lack."""
    name, kind = draw(NAMES), draw(st.sampled_from(sorted(VALUES)))
    direction = draw(st.sampled_from(["higher", "lower", "none"]))
    cell = st.fixed_dictionaries(
        {"value": st.none() | VALUES[kind], SLICED: st.none() | TAGS, PLACE: st.none() | TAGS}
    )
    cells = draw(st.lists(cell, min_size=2, max_size=9))
    for tag in (SLICED, PLACE):
        assume(any(one[tag] is not None for one in cells))

    @evalkit.scorer(name=name, direction=direction)
    def metric(outputs: Any) -> Any:
        return outputs.get("value")

    @evalkit.scorer(name=f"{name}[strict]")
    def other(outputs: Any) -> float:
        return 100.0 + (outputs.get("value") is None)

    rows = [
        {
            "inputs": {"n": n},
            "outputs": {"n": n, "value": one["value"]},
            "tags": {tag: one[tag] for tag in (SLICED, PLACE) if one[tag] is not None},
        }
        for n, one in enumerate(cells)
    ]
    runtime = evalkit.Runtime(store=False, progress=False)
    result = evalkit.evaluate(data=rows, scorers=[metric, other], runtime=runtime)
    frame = result.table()
    for tag in (SLICED, PLACE):
        values = [tags.get(tag) for tags in frame["tags"]]
        words = {True: "yes", False: "no"}
        frame[tag] = [words[one] if isinstance(one, bool) else one for one in values]
    if kind != "label":
        return Drawn(result, frame.assign(value=frame[name].astype(float)), name, direction)
    labels = sorted(frame[f"{name}.label"].dropna().unique()) if f"{name}.label" in frame else []
    assume(labels)
    label = draw(st.sampled_from(labels))
    rate = (frame[f"{name}.label"] == label).astype(float).where(frame[f"{name}.status"] == "ok")
    # More of one label is neither better nor worse, whatever the direction of the metric.
    return Drawn(result, frame.assign(value=rate), f"{name}={label}", "none")


@settings(max_examples=30, suppress_health_check=SLOW)
@given(drawn_results())
def test_a_key_is_a_line_of_pandas(drawn: Drawn) -> None:
    assert drawn.result[f"{drawn.metric.partition('=')[0]}[strict]"].value is not None
    for key, expected in drawn.lines():
        if expected is None:
            with pytest.raises(UsageError, match="has a tag 'by-place'"):
                drawn.result[key]
            continue
        value = drawn.result[key].value
        if np.isnan(expected):
            assert value is None, key
        else:
            assert value == pytest.approx(expected, abs=1e-12), key


@settings(max_examples=20, suppress_health_check=SLOW)
@given(drawn_results())
def test_slices_are_what_pandas_groups(drawn: Drawn) -> None:
    table = drawn.result.by(PLACE)
    found = table[table["metric"] == drawn.metric].set_index(PLACE)["value"].astype(float)
    expected = drawn.frame.groupby(PLACE)["value"].mean()

    if drawn.metric in set(table["metric"]):
        pd.testing.assert_series_equal(found, expected, check_names=False)
    else:
        assert expected.isna().all()
