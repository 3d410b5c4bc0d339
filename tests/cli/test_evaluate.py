"""``evalkit evaluate``, from words to numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]
STORED = ("evaluate", "--data", "answers.jsonl")
LIVE = ("evaluate", "--data", "questions.jsonl", "--model", "app:bot")


def test_the_table_is_on_stdout_and_remarks_are_on_stderr(type_in: Type) -> None:
    done = type_in(*STORED, "--scorer", "text.exact_match")

    assert done.code == 0
    assert "text.exact_match ↑  0.750 (n=4/4)" in done.out
    assert "Read column 'question' as inputs" in done.err
    assert "Read column" not in done.out


def test_json_is_one_object_with_run_verdict_and_estimates(type_in: Type) -> None:
    done = type_in(*STORED, "--scorer", "text.exact_match", "--gate", "coverage >= 1", "--json")

    found = done.json
    estimate = found["estimates"]["text.exact_match"]
    assert len(found["run_id"]) == 32
    assert found["verdict"] == "PASS"
    assert (estimate["value"], estimate["n_scored"], estimate["n_total"]) == (0.75, 4, 4)
    assert estimate["low"] < 0.75 < estimate["high"]


@pytest.mark.parametrize(
    ("scorer", "key", "value"),
    [
        pytest.param("text.exact_match", "text.exact_match", 0.75, id="name"),
        pytest.param(
            'text.rouge:{"variants": ["rouge1"]}', "text.rouge.rouge1", 0.75, id="parameters"
        ),
        pytest.param("app:is_short", "is_short", 0.75, id="own-function"),
    ],
)
def test_a_scorer_is_a_name_with_or_without_parameters_or_an_object(
    scorer: str, key: str, value: float, type_in: Type
) -> None:
    done = type_in(*STORED, "--scorer", scorer, "--json")

    assert list(done.json["estimates"]) == [key]
    assert done.json["estimates"][key]["value"] == value


def test_a_live_target_of_the_current_directory_is_called_and_its_error_is_a_failure(
    type_in: Type,
) -> None:
    done = type_in(*LIVE, "--scorer", "text.exact_match", "--json")

    estimate = done.json["estimates"]["text.exact_match"]
    assert (estimate["n_scored"], estimate["n_failed"], estimate["value"]) == (3, 1, 1.0)
    assert done.json["failures"][0]["reason"] == "target_error"


def test_several_models_have_a_run_each_and_the_gravest_verdict_decides(
    type_in: Type, folder: Path
) -> None:
    (folder / "other.py").write_text("def worse(question):\n    return 'no'\n", encoding="utf-8")
    words = (*LIVE, "--model", "other:worse", "--scorer", "text.exact_match")
    done = type_in(
        *words, "--limit", "2", "--gate", "text.exact_match >= 0.01 @ point",
        "--report", "r.md", "--json",
    )  # fmt: skip

    assert done.code == 1
    assert [run["verdict"] for run in done.json["runs"]] == ["PASS", "FAIL"]
    assert sorted(path.name for path in folder.glob("r-*.md")) == [
        "r-app-bot.md",
        "r-other-worse.md",
    ]


def test_a_report_is_written_in_the_format_of_its_extension(type_in: Type, folder: Path) -> None:
    words = ("--scorer", "text.exact_match", "--report", "a.json", "--report", "b.md")
    done = type_in(*STORED, *words)

    assert json.loads((folder / "a.json").read_text("utf-8"))["verdict"] == "NONE"
    assert "4 cases" in (folder / "b.md").read_text("utf-8")
    assert "Wrote a.json" in done.err


def test_without_a_store_nothing_is_kept(type_in: Type, folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    done = type_in(*STORED, "--scorer", "text.exact_match", "--no-store", "--json")

    assert done.json["run_id"] is None
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_store_is_the_one_that_is_named(type_in: Type, folder: Path) -> None:
    uri = f"sqlite:///{folder}/team.db"
    done = type_in(*STORED, "--scorer", "text.exact_match", "--store", uri, "--json")

    assert not (folder / "evalkit.db").exists()
    listed = type_in("runs", "list", "--store", uri, "--json").json
    assert [run["run_id"] for run in listed] == [done.json["run_id"]]


def test_settings_reach_the_evaluation(type_in: Type) -> None:
    done = type_in(
        *LIVE, "--scorer", "text.exact_match", "--concurrency", "3", "--timeout-seconds", "9",
        "--budget", "target.calls=2", "--budget", "5", "--level", "0.9", "--seed", "7",
        "--repeats", "2", "--reducer", "max", "--name", "mine", "--tag", "team=a", "--json",
    )  # fmt: skip

    found = done.json
    settings = found["environment"]["settings"]
    assert (settings["concurrency"], settings["timeout_seconds"]) == (3, 9.0)
    assert settings["budget"] == {"target": {"calls": 2.0}, "usd": 5.0}
    assert (found["name"], found["repeats"]) == ("mine", 2)
    assert found["estimates"]["text.exact_match"]["level"] == 0.9
    assert done.code == 5


def test_a_dry_run_checks_everything_calls_nothing_and_keeps_nothing(
    type_in: Type, folder: Path
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    done = type_in(*LIVE, "--scorer", "text.exact_match", "--repeats", "3", "--dry-run", "--json")

    found = done.json
    assert (found["cases"], found["calls"], found["target"]["name"]) == (4, 12, "bot")
    assert found["scorers"]["text.exact_match"].startswith("text.exact_match|")
    assert found["data"]["mapping"]["inputs"] == "question"
    assert {*(path.name for path in folder.iterdir())} - {"__pycache__"} == set(before)


def test_a_dry_run_finds_what_is_wrong_with_the_data(type_in: Type, folder: Path) -> None:
    (folder / "broken.jsonl").write_text('{"question": "a"}\n{"question\n', encoding="utf-8")
    done = type_in(
        "evaluate", "--data", "broken.jsonl", "--scorer", "text.readability", "--dry-run"
    )

    assert done.code == 2
    assert "broken.jsonl, line 2" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param([], "No data", id="no-data"),
        pytest.param(["--data", "answers.jsonl"], "No scorers", id="no-scorer"),
        pytest.param(["--data", "nope.jsonl", "--scorer", "x"], "No scorer is called", id="scorer"),
        pytest.param(
            ["--data", "answer.jsonl", "--scorer", "text.bleu"], "'answers.jsonl'?", id="file"
        ),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "text.rouge:{"], "are no JSON", id="json"
        ),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "ap:is_short"], "no module 'ap'", id="module"
        ),
        pytest.param(["--data", "a", "--sample", "some"], "neither a share", id="sample"),
        pytest.param(["--data", "a", "--column", "inputs"], "KEY=VALUE", id="column"),
        pytest.param(["--data", "a", "--budget", "calls=x"], "UNIT=NUMBER", id="budget"),
        pytest.param(
            ["--data", "questions.jsonl", "--model", "app:bot", "--prompt", "x", "--scorer", "y"],
            "configure chat models",
            id="prompt-without-chat",
        ),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "text.bleu", "--gate", "text.bleu >>"],
            "does not parse",
            id="gate",
        ),
        pytest.param(
            ["--data", "answers.jsonl", "--scorer", "text.bleu", "--concurrency", "0"],
            "at least 1",
            id="concurrency",
        ),
    ],
)
def test_what_makes_no_sense_is_one_message_and_exit_code_two(
    words: list[str], told: str, type_in: Type, folder: Path
) -> None:
    done = type_in("evaluate", *words)

    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err
    assert not done.out
    assert not (folder / "evalkit.db").exists() or type_in("runs", "list", "--json").json == []


def test_the_schema_lists_the_words_of_a_specification(type_in: Type) -> None:
    found = type_in("evaluate", "--schema").json

    assert found["additionalProperties"] is False
    assert {"model", "data", "scorers", "gates", "budget"} <= set(found["properties"])


def test_options_override_the_specification(type_in: Type, folder: Path) -> None:
    (folder / "spec.yaml").write_text(
        "data: answers.jsonl\nscorers: text.bleu\nlimit: 1\nname: from-file\n", encoding="utf-8"
    )
    done = type_in(
        "evaluate", "spec.yaml", "--scorer", "text.exact_match", "--limit", "3", "--json"
    )

    found = done.json
    assert list(found["estimates"]) == ["text.exact_match"]
    assert found["estimates"]["text.exact_match"]["n_total"] == 3
    assert found["name"] == "from-file"
