import logging
from typing import Any

import pytest

from evalkit.data.columns import Mapper
from evalkit.data.table import Table, transposed
from evalkit.entities.dataset import Chunk
from evalkit.errors import DataError, MissingColumnError, UsageError

Row = dict[str, Any]


def table(*rows: Row) -> Table:
    return transposed(Chunk(rows=rows, file="qa.jsonl"), 1)


def mapped(*rows: Row, **settings: Any) -> dict[str, list[Any]]:
    found = Mapper(**settings).fields(table(*rows))
    return {field: list(values) for field, values in found.items()}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            {"question": "q", "output": "o", "expected": "e", "context": "c"},
            {
                "inputs": [{"question": "q"}],
                "outputs": ["o"],
                "expectations": [{"target": "e"}],
                "retrieved_context": ["c"],
            },
            id="obvious",
        ),
        pytest.param(
            {"Prompt": "q", "Prediction": 1, "ground_truth": 2, "contexts": ["c"]},
            {
                "inputs": [{"Prompt": "q"}],
                "outputs": [1],
                "expectations": [{"target": 2}],
                "retrieved_context": [["c"]],
            },
            id="case-of-letters",
        ),
        pytest.param(
            {"input": {"a": 1, "b": 2}, "reference": ["x", "y"], "response": None},
            {
                "inputs": [{"a": 1, "b": 2}],
                "expectations": [{"target": ["x", "y"]}],
                "outputs": [None],
            },
            id="structures",
        ),
        pytest.param(
            {"question": "q", "expected_response": "e", "expected_facts": ["f"]},
            {
                "inputs": [{"question": "q"}],
                "expectations": [{"expected_response": "e", "expected_facts": ["f"]}],
            },
            id="expectations-by-name",
        ),
        pytest.param(
            {"inputs": {"q": 1}, "expected": "e", "answer": "a"},
            {"inputs": [{"q": 1}], "tags": [{"expected": "e", "answer": "a"}]},
            id="nothing-is-obvious-beside-inputs",
        ),
        pytest.param(
            {"inputs": "q", "expectations": "e", "tags": ["hard", "long"]},
            {
                "inputs": [{"input": "q"}],
                "expectations": [{"target": "e"}],
                "tags": [{"hard": True, "long": True}],
            },
            id="bare-values",
        ),
        pytest.param(
            {"inputs": [{"role": "user", "content": "hi"}]},
            {"inputs": [{"messages": [{"role": "user", "content": "hi"}]}]},
            id="messages",
        ),
        pytest.param(
            {"inputs.a": 1, "inputs.b": 2, "expectations.target": 3, "labels.ok": True},
            {
                "inputs": [{"a": 1, "b": 2}],
                "expectations": [{"target": 3}],
                "labels": [{"ok": True}],
            },
            id="dotted-columns",
        ),
        pytest.param(
            {"question": "q", "region": "eu", "error": 0.1, "repeat": 3},
            {"inputs": [{"question": "q"}], "tags": [{"region": "eu", "error": 0.1, "repeat": 3}]},
            id="the-rest-are-tags",
        ),
        pytest.param(
            {"question": "q", "output": "o", "expected": "e", "answer": "a"},
            {
                "inputs": [{"question": "q"}],
                "outputs": ["o"],
                "expectations": [{"target": "e"}],
                "tags": [{"answer": "a"}],
            },
            id="answer-is-neither-where-both-are-there",
        ),
    ],
)
def test_columns_are_mapped_by_their_names(row: Row, expected: Row) -> None:
    assert mapped(row) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({"inputs": "q"}, {"inputs": [{"q": "x"}]}, id="a-column"),
        pytest.param({"inputs": "d.e.0"}, {"inputs": [{"0": "deep"}]}, id="a-path"),
        pytest.param({"inputs": ["q", "d.f"]}, {"inputs": [{"q": "x", "f": 2}]}, id="a-list"),
        pytest.param({"inputs": {"text": "q"}}, {"inputs": [{"text": "x"}]}, id="a-mapping"),
        pytest.param(
            {"expectations": "q"}, {"expectations": [{"q": "x", "target": "x"}]}, id="a-target"
        ),
        pytest.param({"expectations.source": "q"}, {"expectations": [{"source": "x"}]}, id="a-key"),
        pytest.param({"labels.grounded": "q"}, {"labels": [{"grounded": "x"}]}, id="a-label"),
        pytest.param(
            {"retrieved_context": ["q", "none"]}, {"retrieved_context": [["x"]]}, id="a-list-field"
        ),
        pytest.param({"tags": ["q"]}, {}, id="tags-by-name"),
        pytest.param({"outputs": "dotted.name"}, {"outputs": ["dn"]}, id="a-name-with-a-dot"),
    ],
)
def test_columns_can_be_named(columns: Row, expected: Row) -> None:
    row = {"q": "x", "d": {"e": ["deep"], "f": 2}, "none": None, "dotted.name": "dn"}

    found = mapped(row, columns=columns)

    assert {field: values for field, values in found.items() if field != "tags"} == expected


def test_what_is_left_joins_the_tags(caplog: pytest.LogCaptureFixture) -> None:
    row = {"question": "q", "tags": {"a": 1}, "region": "eu", "weight": 2}

    assert mapped(row)["tags"] == [{"a": 1, "region": "eu"}]
    assert not caplog.records


@pytest.mark.parametrize(
    ("columns", "tags"),
    [
        pytest.param({"tags": None}, None, id="none"),
        pytest.param({"tags": []}, None, id="an-empty-list"),
        pytest.param({"tags": None, "tags.region": "region"}, [{"region": "eu"}], id="but-one"),
    ],
)
def test_what_is_left_can_be_dropped(columns: Row, tags: list[Row] | None) -> None:
    row = {"question": "q", "region": "eu", "other_answer": "x"}

    assert mapped(row, columns=columns).get("tags") == tags


def test_a_column_that_no_field_takes_may_have_mixed_types() -> None:
    rows: list[dict[str, Any]] = [
        {"question": "q", "note": "fine"},
        {"question": "r", "note": True},
    ]

    assert mapped(*rows, columns={"tags": None}) == {"inputs": [{"question": q} for q in "qr"]}
    with pytest.raises(DataError, match="mixed types"):
        mapped(*rows)


def test_what_is_left_are_the_inputs_of_an_estimator() -> None:
    row = {"x1": 1.5, "question": 2, "churned": True, "w": 0.5, "region": "eu"}
    columns = {"expectations": "churned", "weight": "w", "tags": ["region"]}
    mapper = Mapper(columns, leftover="inputs", has_model=True)

    found = mapper.fields(table(row))

    assert found["inputs"] == [{"x1": 1.5, "question": 2}]
    assert list(mapper.input_names) == ["x1", "question"]
    assert found["tags"] == [{"region": "eu"}]
    assert found["expectations"] == [{"churned": True, "target": True}]


def test_named_inputs_of_an_estimator_are_all_of_them() -> None:
    mapper = Mapper({"inputs": ["b", "a"]}, leftover="inputs")

    found = mapper.fields(table({"a": 1, "b": 2, "c": 3}))

    assert found["inputs"] == [{"b": 2, "a": 1}]
    assert list(mapper.input_names) == ["b", "a"]
    assert found["tags"] == [{"c": 3}]


def test_obvious_names_are_told_in_one_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="evalkit.data")

    mapped({"question": "q", "label": 1, "region": "eu"})

    assert [record.getMessage() for record in caplog.records] == [
        "Read column 'question' as inputs, 'label' as expectations; as tags: region."
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param(
            {"question": "q", "answer": "a"},
            r"column 'answer': it could be outputs or expectations; say which: "
            r"columns={'outputs': 'answer'} or columns={'expectations': 'answer'}",
            id="answer",
        ),
        pytest.param(
            {"question": "q", "output": "o", "answer": "a"},
            "could be outputs or expectations",
            id="answer-beside-outputs",
        ),
        pytest.param(
            {"question": "q", "prompt": "p"},
            "'question' and 'prompt' could each be the inputs; say which: "
            "columns={'inputs': 'question'}",
            id="two-inputs",
        ),
        pytest.param(
            {"label": 1, "reference": 2}, "'label' and 'reference' could each be", id="two-targets"
        ),
    ],
)
def test_what_could_mean_two_things_is_not_guessed(row: Row, message: str) -> None:
    with pytest.raises(DataError) as caught:
        mapped(row)

    assert str(caught.value).startswith("qa.jsonl, line 1, column ")
    assert message in str(caught.value)


def test_a_named_column_is_no_longer_ambiguous() -> None:
    assert mapped({"question": "q", "answer": "a"}, columns={"expectations": "answer"}) == {
        "inputs": [{"question": "q"}],
        "expectations": [{"answer": "a", "target": "a"}],
    }
    assert mapped({"label": 1, "reference": 2}, columns={"expectations": "label"}) == {
        "expectations": [{"label": 1, "target": 1}],
        "tags": [{"reference": 2}],
    }


def test_a_column_that_is_not_there_is_named_with_near_misses() -> None:
    with pytest.raises(MissingColumnError) as caught:
        mapped({"question": "q", "region": "eu"}, columns={"inputs": "questoin"})

    assert str(caught.value) == (
        "qa.jsonl, column 'questoin': there is no such column. Did you mean 'question'? "
        "The data has: question, region"
    )


def test_a_path_that_leads_nowhere_is_a_missing_column() -> None:
    with pytest.raises(MissingColumnError, match=r"column 'd\.x'"):
        mapped({"d": {"e": 1}}, columns={"inputs": "d.x"})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(
            {"input": "q"}, "'input', which is no field.* Did you mean 'inputs'", id="name"
        ),
        pytest.param({"weight": ["a", "b"]}, "give the name of one column", id="list"),
        pytest.param({"weight.x": "a"}, "weight is not a mapping", id="key"),
        pytest.param({"tags.x": None}, "only a whole field can be dropped", id="drop"),
        pytest.param({"inputs": 3.5}, "give the name of one column, or a list", id="number"),
        pytest.param({"inputs": [3.5]}, "columns are named by texts", id="list-of-numbers"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns: Row, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Mapper(columns)


@pytest.mark.parametrize("name", ["outputs", "output", "response"])
def test_outputs_beside_a_model_are_an_error_unless_dropped(name: str) -> None:
    row = {"question": "q", name: "o"}

    with pytest.raises(DataError, match=f"column '{name}': these are outputs, and a model"):
        mapped(row, has_model=True)

    assert mapped(row, has_model=True, columns={"outputs": None}) == {"inputs": [{"question": "q"}]}


def test_a_model_needs_inputs() -> None:
    with pytest.raises(MissingColumnError, match=r"no column is the inputs; .* text, topic"):
        mapped({"text": "t", "topic": "u"}, has_model=True)


def test_what_the_target_will_return_is_left_for_later() -> None:
    columns = {"retrieved_context": "outputs.contexts", "labels.sure": "outputs.sure"}
    mapper = Mapper(columns, has_model=True)

    found = mapper.fields(table({"question": "q"}))

    assert set(found) == {"inputs"}
    assert mapper.plan.late == {"retrieved_context": "contexts", "labels.sure": "sure"}


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        pytest.param({"outputs": {"text": "t", "contexts": ["c"]}}, {}, id="outputs"),
        pytest.param({"response": {"text": "t", "contexts": ["c"]}}, {}, id="an-obvious-name"),
        pytest.param(
            {"x": {"text": "t", "contexts": ["c"]}}, {"outputs": "x"}, id="a-named-column"
        ),
    ],
)
def test_paths_into_stored_outputs_are_followed(row: Row, columns: Row) -> None:
    found = mapped(row, columns={**columns, "retrieved_context": "outputs.contexts"})

    assert found["retrieved_context"] == [["c"]]


def test_rows_may_lack_columns_and_later_rows_bring_new_ones() -> None:
    mapper = Mapper()

    first = mapper.fields(table({"question": "q", "a": 1}, {"question": "r"}))
    second = mapper.fields(table({"question": "s", "output": "o", "b": 2}))

    assert first["tags"] == [{"a": 1}, {}]
    assert second["outputs"] == ["o"]
    assert second["tags"] == [{"b": 2}]
