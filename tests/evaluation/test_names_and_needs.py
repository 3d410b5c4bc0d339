"""What a scorer may be called, what it needs of a case, and how one is told before the run."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit import Runtime, scorer
from evalkit.errors import UsageError
from evalkit.evaluation.results.columns import column_names

QUIET = Runtime(progress=False, store=False)


def rows(n: int, **more: Callable[[int], Any]) -> list[dict[str, Any]]:
    """Return rows with outputs, and other columns made of their number."""
    return [
        {"question": f"q{i}", "output": "y", **{name: of(i) for name, of in more.items()}}
        for i in range(n)
    ]


def context(retrieved_context: str) -> bool:
    """Want a context."""
    return bool(retrieved_context)


def expected(expectations: dict[str, Any]) -> bool:
    """Want expectations."""
    return bool(expectations)


def tools(tool_calls: list[Any]) -> int:
    """Want calls of tools."""
    return len(tool_calls)


def traced(trace: Any) -> bool:
    """Want a trace."""
    return trace is not None


def talk(session: str) -> bool:
    """Want a session."""
    return bool(session)


@pytest.mark.parametrize(
    ("function", "field"),
    [
        (context, "retrieved_context"),
        (expected, "expectations"),
        (tools, "tool_calls"),
        (traced, "trace"),
        (talk, "session"),
    ],
)
def test_a_function_that_needs_what_no_case_has_is_refused(
    function: Callable[..., Any], field: str
) -> None:
    with pytest.raises(UsageError, match=f"needs {field}, which no case has"):
        evalkit.evaluate(data=rows(3), scorers=[function], runtime=QUIET)


def test_cases_that_lack_what_a_function_needs_are_skipped() -> None:
    found = evalkit.evaluate(
        data=rows(4, session=lambda i: "s" if i else None), scorers=[talk], runtime=QUIET
    )["talk"]
    assert (found.n_scored, found.n_skipped, found.n_failed) == (3, 1, 0)


def test_a_default_holds_where_a_case_has_nothing() -> None:
    @scorer
    def limit(outputs: str, session: str = "none", expectations: Any = ("nothing",)) -> bool:
        return (session, expectations) == ("none", ("nothing",)) and outputs == "y"

    found = evalkit.evaluate(data=rows(3), scorers=[limit], runtime=QUIET)["limit"]
    assert (found.value, found.n_scored) == (1.0, 3)


def test_a_live_target_may_still_bring_what_a_function_needs() -> None:
    def target(question: str) -> evalkit.Output:
        return evalkit.Output("y", retrieved_context="page" if question == "q0" else None)

    cases = [{"question": f"q{i}"} for i in range(3)]
    found = evalkit.evaluate(target, cases, scorers=[context], runtime=QUIET)["context"]
    assert (found.n_scored, found.n_skipped) == (1, 2)


def test_a_function_of_anything_takes_what_there_is() -> None:
    @scorer
    def anything(**fields: Any) -> bool:
        return fields["trace"] is None and fields["outputs"] == "y"

    assert evalkit.evaluate(data=rows(2), scorers=[anything], runtime=QUIET)["anything"].value == 1


@pytest.mark.parametrize(
    "name",
    ["id", "repeat", "inputs", "outputs", "cost", "coverage", "latency_seconds", "must_pass"],
)
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    @scorer(name=name)
    def mine(outputs: str) -> bool:
        return bool(outputs)

    with pytest.raises(UsageError, match=re.escape("evalkit.scorer(name='…')(function)")):
        evalkit.evaluate(data=rows(2), scorers=[mine], runtime=QUIET)
    with pytest.raises(UsageError, match=re.escape(f"get_scorer({name!r}, name='…')")):
        evalkit.evaluate(
            data=rows(2, expected=lambda _: "y"),
            scorers=[evalkit.get_scorer("text.exact_match", name=name)],
            runtime=QUIET,
        )


def test_every_column_of_a_table_is_taken() -> None:
    def own(outputs: str) -> bool:
        return bool(outputs)

    result = evalkit.evaluate(data=rows(2), scorers=[own], runtime=QUIET)
    columns = [name for name in result.table().columns if not name.startswith("own")]
    assert len(columns) > 10
    for column in columns:
        with pytest.raises(UsageError, match="No scorer can be called"):
            evalkit.evaluate(data=rows(2), scorers=[scorer(name=column)(own)], runtime=QUIET)


def test_two_scorers_with_one_metric_are_an_error() -> None:
    @scorer(name="m")
    def several(outputs: str) -> dict[str, float]:
        return {"x": float(bool(outputs)), "y": 0.0}

    @scorer(name="m.x")
    def single(outputs: str) -> float:
        return float(bool(outputs))

    with pytest.raises(UsageError, match=r"Two scorers give a metric 'm\.x': 'm' and 'm\.x'"):
        evalkit.evaluate(data=rows(2), scorers=[several, single], runtime=QUIET)


@pytest.mark.parametrize("name", ["m.status", "m.label", "m.weight", "m.metadata", "m#additive"])
def test_a_scorer_called_as_a_column_of_another_is_refused_before_the_run(name: str) -> None:
    called: list[str] = []

    @scorer
    def m(outputs: str) -> float:
        called.append(outputs)
        return 0.25

    @scorer(name=name)
    def other(outputs: str) -> float:
        return float(bool(outputs))

    with pytest.raises(UsageError, match=f"No scorer can be called '{name}' beside 'm'"):
        evalkit.evaluate(data=rows(4), scorers=[m, other], runtime=QUIET)
    assert not called
    alone = evalkit.evaluate(data=rows(4), scorers=[other], runtime=QUIET)
    assert alone[name].value == 1.0


def test_a_key_that_is_called_as_a_column_hides_nothing() -> None:
    @scorer
    def m(case: Any) -> Any:
        if case.inputs["question"] == "q0":
            return evalkit.Score(0.25, explanation="first")
        return {"status": 1.0, "label": "polite", "explanation": 0.5}

    result = evalkit.evaluate(data=rows(4), scorers=[m], runtime=QUIET)
    again = evalkit.EvaluationResult.load(result.folder.path)

    assert result["m"].value == 0.25
    assert result["m.status"].value == 1.0
    assert again.estimates == result.estimates
    for each in (result, again):
        table = each.table()
        assert table["m.status"].tolist()[1:] == [1.0] * 3
        assert table["m..status"].tolist() == ["ok", "skipped", "skipped", "skipped"]
        assert table["m..explanation"][0] == "first"
        assert table["m.status.status"].tolist() == ["skipped", "ok", "ok", "ok"]
    assert any("the status of m is 'm..status'" in note for note in again.facts.notes)


words = st.lists(st.sampled_from(["m", "status", "label", "", "x"]), min_size=1, max_size=4)


@given(st.lists(words.map(".".join), min_size=1, max_size=6, unique=True))
def test_columns_are_distinct_whatever_metrics_are_called(keys: list[str]) -> None:
    names = list(column_names(keys).values())

    assert len({*names, *keys}) == len(names) + len(keys)
