"""Logs that the tools themselves wrote; ``tests/data/logs/README.md`` says how."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.data.snapshot import Spool
from evalkit.data.spool import spool
from evalkit.errors import DataError
from evalkit_datasets.inspect_log import InspectLog
from evalkit_datasets.inspect_sample import sample_row, to_number
from evalkit_datasets.json import Json
from evalkit_datasets.lm_eval import LmEvalSamples

LOGS = Path(__file__).parents[1] / "data" / "logs"
(GENERATE,) = LOGS.glob("samples_tiny_generate_*.jsonl")
(CHOICE,) = LOGS.glob("samples_tiny_choice_*.jsonl")
ReadAll = Callable[..., list[Any]]
Made = Callable[..., Spool]


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return lambda data, **settings: spool(data, tmp_path_factory.mktemp("spool"), **settings)


def test_samples_of_inspect_are_cases_with_outputs_and_scores(read_all: ReadAll) -> None:
    rows = read_all(InspectLog(), LOGS / "arithmetic.eval", 3)

    assert [(row["id"], row["repeat"]) for row in rows] == [
        (f"q{number}", epoch) for epoch in range(2) for number in range(1, 5)
    ]
    assert rows[1] == {
        "id": "q2",
        "repeat": 0,
        "inputs": {"input": "What is 7 * 6?"},
        "outputs": "The answer is 42",
        "expectations": {"target": ["42", "forty-two"]},
        "scores": {
            "match": 1.0,
            "includes": 1.0,
            "length": 16.0,
            "several.short": 1,
            "several.polite": 0.5,
            "graded": 0.0,
        },
        "tags": {"level": "hard"},
        "latency_seconds": 0.009,
        "usage": {"input_tokens": 5, "output_tokens": 16, "total_tokens": 21},
        "tool_calls": None,
        "error": None,
    }


def test_a_sample_that_failed_has_an_error_and_no_output(made: Made) -> None:
    found = made(LOGS / "arithmetic.eval")

    assert found.strings("error").tolist()[3] == "RuntimeError('the tool fell over')"
    assert found.batch(3, 4).outputs == [None]
    assert found.batch(3, 4).column("scores") == [{}]
    assert (found.n, found.n_cases, found.n_repeats) == (4, 4, 2)


def test_one_log_is_the_same_in_all_its_forms(made: Made) -> None:
    packed, plain = made(LOGS / "choices_deflated.eval"), made(LOGS / "choices.json")

    assert packed.dataset_digest == plain.dataset_digest
    assert packed.outputs_digest == plain.outputs_digest
    assert packed.values("scores") == [{"choice": 1.0}, {"choice": 0.0}]
    assert packed.batch(0, 1).inputs == [
        {"input": "Which is a fruit?", "choices": ["Apple", "Brick"]}
    ]
    assert "repeat" not in packed.fields


def test_an_unfinished_log_is_read_as_far_as_it_goes(tmp_path: Path, read_all: ReadAll) -> None:
    with (
        zipfile.ZipFile(LOGS / "choices_deflated.eval") as whole,
        zipfile.ZipFile(tmp_path / "part.eval", "w") as part,
    ):
        for name in ("_journal/start.json", "samples/2_epoch_1.json"):
            part.writestr(name, whole.read(name))

    assert [row["id"] for row in read_all(InspectLog(), tmp_path / "part.eval")] == ["2"]


def test_a_damaged_log_is_an_error(tmp_path: Path, read_all: ReadAll) -> None:
    whole = (LOGS / "arithmetic.eval").read_bytes()
    (tmp_path / "a.eval").write_bytes(whole[:500] + bytes(600) + whole[1100:])
    with zipfile.ZipFile(tmp_path / "b.eval", "w") as other:
        other.writestr("x.txt", "no log")

    with pytest.raises(DataError, match=r"damaged|whole log"):
        read_all(InspectLog(), tmp_path / "a.eval")
    with pytest.raises(DataError, match=r"b\.eval: this is no log of Inspect"):
        read_all(InspectLog(), tmp_path / "b.eval")


def test_messages_tool_calls_and_attachments_of_a_sample_are_read() -> None:
    sample = {
        "id": 1,
        "epoch": 1,
        "input": [{"id": "m", "role": "user", "content": "attachment://abc"}],
        "target": "t",
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "function": "f", "arguments": {"x": 1}}],
            }
        ],
        "output": {"choices": [{}], "completion": "attachment://abc"},
        "attachments": {"abc": "a long text"},
    }

    row = sample_row(sample, repeated=False)

    assert row["inputs"] == {"messages": [{"role": "user", "content": "a long text"}]}
    assert row["outputs"] == "a long text"
    assert row["tool_calls"] == [{"name": "f", "arguments": {"x": 1}}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("C", 1.0),
        ("I", 0.0),
        ("P", 0.5),
        ("N", 0.0),
        ("yes", 1.0),
        ("False", 0.0),
        ("0.75", 0.75),
        ("nan", "nan"),
        ("warm", "warm"),
        (3, 3),
        (True, True),
        (None, None),
    ],
)
def test_grades_are_numbers_and_labels_stay_labels(value: Any, expected: Any) -> None:
    assert to_number(value) == expected


def test_samples_of_lm_eval_are_cases_with_the_scores_of_every_filter(read_all: ReadAll) -> None:
    rows = read_all(LmEvalSamples(), GENERATE, 2)

    assert [row["id"] for row in rows] == [f"tiny_generate/{number}" for number in range(3)]
    assert rows[2] == {
        "id": "tiny_generate/2",
        "inputs": {"question": "Naïve – what?", "answer": "nothing", "topic": "none"},
        "outputs": "lol",
        "expectations": {"target": "nothing"},
        "scores": {"exact_match,strict": 0.0, "exact_match,flexible": 0.0},
        "tags": {"task": "tiny_generate"},
        "metadata": {
            "prompt": "Question: Naïve – what?\nAnswer:",
            "filtered": {"strict": "lol", "flexible": "lol"},
        },
    }


def test_the_most_likely_choice_is_the_output(read_all: ReadAll) -> None:
    rows = read_all(LmEvalSamples(), CHOICE)

    assert [row["outputs"] for row in rows] == ["Apple", "Granite"]
    assert [row["expectations"] for row in rows] == [{"target": "Apple"}, {"target": "Granite"}]
    assert [row["scores"] for row in rows] == [{"acc": 1.0, "acc_norm": 1.0}] * 2
    for row in rows:
        likely = max(row["metadata"]["loglikelihoods"])
        place = row["metadata"]["choices"].index(row["outputs"])
        assert row["metadata"]["loglikelihoods"][place] == likely


def test_what_a_filter_made_of_an_answer_can_be_the_output(made: Made) -> None:
    found = made(GENERATE, columns={"outputs": "metadata.filtered.flexible"})

    assert found.batch(0, 3).outputs == ["lol"] * 3


def test_several_tasks_are_read_in_a_row(made: Made) -> None:
    assert made(str(LOGS / "samples_*.jsonl")).n == 5


def test_a_file_of_such_a_name_that_is_no_log_is_plain_json_lines(
    tmp_path: Path, read_all: ReadAll
) -> None:
    file = tmp_path / "samples_mine.jsonl"
    file.write_text('{"question": "q"}\n')

    assert read_all(LmEvalSamples(), file) == [{"question": "q"}]


def test_a_line_that_is_no_sample_is_named(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / GENERATE.name
    shutil.copy(GENERATE, file)
    with file.open("a") as stream:
        stream.write('{"doc_id": 3}\n')

    with pytest.raises(DataError, match="line 7: this is no sample of lm-eval: it lacks arguments"):
        read_all(LmEvalSamples(), file)


def test_json_that_is_no_log_is_not_taken_for_one(tmp_path: Path, read_all: ReadAll) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"version": 1, "cases": [{"a": 1}]}')

    assert read_all(Json(), file) == [{"a": 1}]


def lm_eval_sample(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "doc_id": number,
        "doc": {"question": f"q{number}"},
        "target": "7",
        "arguments": [["Q", {"until": ["\n"]}]],
        "resps": [["so 7"]],
        "filtered_resps": ["7"],
        **fields,
    }


def choice_sample(
    number: int, target: str, likelihoods: list[int], **fields: Any
) -> dict[str, Any]:
    requests = {f"gen_args_{n}": {"arg_0": "Q", "arg_1": f" {c}"} for n, c in enumerate("123")}
    answers = [[[str(x), "False"]] for x in likelihoods]
    return lm_eval_sample(
        number, target=target, arguments=requests, resps=answers, filter="none", **fields
    )


def lm_eval_file(folder: Path, samples: list[dict[str, Any]]) -> Path:
    file = folder / "samples_t_2024-07-01T00-00-00.000000.jsonl"
    file.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return file


def test_lines_of_unnamed_filters_are_one_case(tmp_path: Path, read_all: ReadAll) -> None:
    samples = [lm_eval_sample(i, exact_match=s) for s in (0.0, 1.0) for i in range(3)]

    rows = read_all(LmEvalSamples(), lm_eval_file(tmp_path, samples))

    assert [row["id"] for row in rows] == ["t/0", "t/1", "t/2"]
    assert rows[0]["scores"] == {"exact_match,filter-1": 0.0, "exact_match,filter-2": 1.0}
    assert rows[0]["metadata"]["filtered"] == {"filter-1": "7", "filter-2": "7"}


def test_another_answer_to_a_document_is_no_filter(tmp_path: Path) -> None:
    samples = [lm_eval_sample(0), lm_eval_sample(0, resps=[["so 8"]])]

    with pytest.raises(DataError, match="'t/0' was used before"):
        spool(lm_eval_file(tmp_path, samples), tmp_path / "out")


@pytest.mark.parametrize(
    ("targets", "right", "texts"),
    [
        pytest.param("213", [1.0, 1.0, 1.0], ["2", "1", "3"], id="texts"),
        pytest.param("213", [1.0, None, None], ["2", "1", "3"], id="one-sample-says-it"),
        pytest.param("102", [1.0, 1.0, 1.0], ["2", "1", "3"], id="places"),
    ],
)
def test_a_target_is_a_place_or_a_text_by_what_was_scored(
    tmp_path: Path, read_all: ReadAll, targets: str, right: list[Any], texts: list[str]
) -> None:
    likely = [[-5, -1, -9], [-1, -5, -9], [-5, -4, -1]]
    samples = [
        choice_sample(n, target, likelihoods, **({} if acc is None else {"acc": acc}))
        for n, (target, likelihoods, acc) in enumerate(zip(targets, likely, right, strict=True))
    ]

    rows = read_all(LmEvalSamples(), lm_eval_file(tmp_path, samples))

    assert [row["expectations"]["target"] for row in rows] == texts


def test_a_target_that_nothing_explains_is_an_error(tmp_path: Path, read_all: ReadAll) -> None:
    samples = [choice_sample(0, "2", [-5, -1, -9])]

    with pytest.raises(DataError, match="place of a choice or its text"):
        read_all(LmEvalSamples(), lm_eval_file(tmp_path, samples))
