"""The demonstration data that every newcomer sees first is whole and consistent."""

import json
import math
import re
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

SYSTEMS = ["atlas", "birch"]
FILES = ["questions", *SYSTEMS]
QUESTION_FIELDS = ["id", "question", "expected_response", "topic", "difficulty"]

Row = dict[str, Any]


def _lines(name: str) -> list[str]:
    resource = files("evalkit_datasets").joinpath("builtin", f"demo_{name}.jsonl")
    return resource.read_text(encoding="utf-8").split("\n")


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in _lines(name)[:-1]]


def _references(row: Row) -> list[Any]:
    expected = row["expected_response"]
    return expected if isinstance(expected, list) else [expected]


def _is_exact(row: Row) -> bool:
    """Tell whether the output equals a reference up to letter case."""
    return row["output"].casefold() in {text.casefold() for text in _references(row)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_object_a_line_and_ends_with_a_newline(name: str) -> None:
    *lines, rest = _lines(name)

    assert rest == ""
    assert 190 <= len(lines) <= 220
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        pytest.param("questions", QUESTION_FIELDS, id="questions"),
        pytest.param("atlas", [*QUESTION_FIELDS, "output", "latency_seconds"], id="atlas"),
        pytest.param("birch", [*QUESTION_FIELDS, "output", "latency_seconds"], id="birch"),
    ],
)
def test_each_row_has_the_same_fields_in_the_same_order(name: str, fields: list[str]) -> None:
    assert {tuple(row) for row in _rows(name)} == {tuple(fields)}


def test_ids_are_unique_slugs_that_start_with_their_topic() -> None:
    rows = _rows("questions")

    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["id"].startswith(f"{row['topic']}-") for row in rows)
    assert all(row["id"].replace("-", "").isalnum() and row["id"].isascii() for row in rows)


def test_no_question_is_asked_twice() -> None:
    questions = [row["question"] for row in _rows("questions")]

    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_answers_exactly_the_questions_in_their_order(system: str) -> None:
    asked = [{field: row[field] for field in QUESTION_FIELDS} for row in _rows(system)]

    assert asked == _rows("questions")


def test_no_question_or_reference_is_empty_or_padded() -> None:
    rows = _rows("questions")
    texts = [text for row in rows for text in (row["question"], *_references(row))]

    assert all(_references(row) for row in rows)
    assert all(isinstance(text, str) and text and text == text.strip() for text in texts)


def test_references_are_short_and_listed_once() -> None:
    references = [_references(row) for row in _rows("questions")]

    assert all(len(set(texts)) == len(texts) for texts in references)
    assert all(len(text.split()) <= 20 for texts in references for text in texts)


def test_each_topic_and_difficulty_has_rows_enough_for_a_slice() -> None:
    rows = _rows("questions")
    topics = Counter(row["topic"] for row in rows)
    difficulties = Counter(row["difficulty"] for row in rows)

    assert len(topics) == 12
    assert min(topics.values()) >= 10
    assert max(topics.values()) <= 2 * min(topics.values())
    assert set(difficulties) == {"easy", "medium", "hard"}
    assert min(difficulties.values()) >= 20


def test_the_readme_lists_the_topics_with_their_number_of_rows() -> None:
    text = files("evalkit_datasets").joinpath("builtin", "README.md").read_text(encoding="utf-8")
    listed = {
        topic: int(count) for topic, count in re.findall(r"(?m)^\| `(\w+)` \| (\d+) \|", text)
    }

    assert listed == Counter(row["topic"] for row in _rows("questions"))


def test_the_first_rows_touch_every_topic() -> None:
    rows = _rows("questions")

    assert {row["topic"] for row in rows[:12]} == {row["topic"] for row in rows}


@pytest.mark.parametrize("system", SYSTEMS)
def test_latencies_are_positive_and_have_three_decimals(system: str) -> None:
    latencies = [row["latency_seconds"] for row in _rows(system)]

    assert all(isinstance(value, float) and math.isfinite(value) for value in latencies)
    assert min(latencies) > 0
    assert all(len(line.rstrip("}").rpartition(".")[2]) == 3 for line in _lines(system)[:-1])


def test_outputs_are_texts_and_only_birch_leaves_a_few_empty() -> None:
    empty = {system: sum(not row["output"] for row in _rows(system)) for system in SYSTEMS}

    assert all(isinstance(row["output"], str) for system in SYSTEMS for row in _rows(system))
    assert empty == {"atlas": 0, "birch": 2}


def test_the_systems_differ_with_atlas_ahead_over_all_and_birch_in_support() -> None:
    atlas, birch = _rows("atlas"), _rows("birch")
    pairs = [
        (one["topic"], _is_exact(one), _is_exact(other))
        for one, other in zip(atlas, birch, strict=True)
    ]
    only_atlas = Counter(topic for topic, one, other in pairs if one and not other)
    only_birch = Counter(topic for topic, one, other in pairs if other and not one)

    assert only_atlas.total() > only_birch.total() > 0
    assert only_birch["support"] > only_atlas["support"] > 0
