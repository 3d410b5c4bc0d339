"""``evalkit scorers``, ``datasets`` and ``doctor``: what there is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.report.console import grid, plain_text, styled

Type = Callable[..., Any]


def test_scorers_are_listed_with_where_they_come_from_and_what_they_need(type_in: Type) -> None:
    found = {facts["name"]: facts for facts in type_in("scorers", "list", "--json").json}

    mae = found["regression.mae"]
    assert (mae["direction"], mae["low"], mae["high"]) == ("lower", 0.0, None)
    assert (mae["plugin"], mae["distribution"]) == ("evalkit-scorers", "evalkit-ai")
    assert mae["version"]
    assert found["classification.roc_auc"]["needs"] == ["class_scores", "expectations", "outputs"]
    assert list(found) == sorted(found)


def test_a_prefix_narrows_the_list(type_in: Type) -> None:
    names = [facts["name"] for facts in type_in("scorers", "list", "text.r", "--json").json]

    assert names
    assert all(name.startswith("text.r") for name in names)


def test_the_list_of_scorers_shows_direction_and_range(type_in: Type) -> None:
    lines = type_in("scorers", "list").out.splitlines()

    assert any("text.exact_match" in line and "↑" in line and "0 … 1" in line for line in lines)
    assert any("regression.mae" in line and "↓" in line and "0 … ∞" in line for line in lines)


def test_one_scorer_is_shown_with_parameters_and_signature(type_in: Type) -> None:
    shown = type_in("scorers", "show", "text.rouge").out
    facts = type_in("scorers", "show", "text.rouge", "--json").json

    assert "stemmer = False" in shown
    assert "rougeL" in facts["metrics"]
    assert facts["parameters"]["stemmer"] is False
    assert facts["signature"].startswith("text.rouge|")


def test_a_scorer_of_a_family_is_shown_too(type_in: Type) -> None:
    done = type_in("scorers", "show", "sklearn.f1_score", "--json")

    assert done.code == 0
    assert done.json["name"] == "sklearn.f1_score"


def test_an_unknown_scorer_suggests_a_close_one(type_in: Type) -> None:
    done = type_in("scorers", "show", "text.rogue")

    assert done.code == 2
    assert "Did you mean 'text.rouge'?" in done.err


def test_sources_are_listed_by_what_they_read(type_in: Type) -> None:
    found = {facts["name"]: facts for facts in type_in("datasets", "sources", "--json").json}

    assert ".jsonl" in found["jsonl"]["extensions"]
    assert "jsonl" in type_in("datasets", "sources").out


def test_data_is_shown_as_evalkit_understands_it(type_in: Type) -> None:
    words = ("datasets", "show", "answers.jsonl", "--column", "tags=region", "--limit", "2")
    found = type_in(*words, "--json").json

    assert found["mapping"]["outputs"] == "output"
    assert len(found["cases"]) == 2
    first = found["cases"][0]
    assert (first["inputs"], first["outputs"]) == ({"question": "Capital of France?"}, "Paris")
    assert first["tags"] == {"region": "eu"}
    assert "inputs from question" in type_in(*words).out


def test_sound_data_is_described_whole(type_in: Type) -> None:
    done = type_in("datasets", "validate", "answers.jsonl", "--json")

    assert done.code == 0
    assert (done.json["cases"], done.json["fields"]["outputs"]) == (4, 4)
    assert "answers.jsonl can be evaluated" in type_in("datasets", "validate", "answers.jsonl").err


def test_broken_data_is_named_by_file_and_line(type_in: Type, folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"question": "a"}\nnot json\n', encoding="utf-8")
    done = type_in("datasets", "validate", "bad.jsonl")

    assert done.code == 2
    assert "bad.jsonl, line 2" in done.err


def test_datasets_of_the_store_are_listed_once_with_their_runs(type_in: Type) -> None:
    assert type_in("datasets", "list", "--json").json == []
    for _ in range(2):
        type_in("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match")
    (found,) = type_in("datasets", "list", "--json").json

    assert (found["cases"], found["names"], len(found["runs"])) == (4, ["answers.jsonl"], 2)
    assert "answers.jsonl" in type_in("datasets", "list").out


def test_the_doctor_finds_a_healthy_installation(type_in: Type, folder: Path) -> None:
    done = type_in("doctor", "--json")

    found = {(finding["section"], finding["what"]): finding for finding in done.json}
    assert done.code == 0
    assert found["software", "evalkit"]["state"] == "ok"
    assert found["plug-ins", "evalkit-scorers"]["state"] == "ok"
    assert found["store", "sqlite:///evalkit.db"]["note"] == "will be made by the first run"
    assert not (folder / "evalkit.db").exists()


@pytest.mark.parametrize("width", [20, 33, 80])
@pytest.mark.parametrize("text", ["0.1.0 in /opt/someone/projects/evalkit/evalkit", "a/b c", ""])
def test_a_path_is_broken_where_its_parts_end(text: str, width: int) -> None:
    table = grid("f", gap=0)
    table.add_row(styled(text))
    lines = plain_text([table], width).split("\n")

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(len, lines)) <= width
    assert all(line.endswith(("/", "in")) for line in lines[:-1])


def test_the_doctor_says_how_to_get_what_is_missing(type_in: Type) -> None:
    findings = [f for f in type_in("doctor", "--json").json if f["section"] == "extras"]

    assert {finding["what"] for finding in findings} == {
        "judges", "http", "huggingface", "polars", "remote", "postgresql", "mysql", "testing",
    }  # fmt: skip
    absent = [finding for finding in findings if finding["state"] == "missing"]
    assert all(finding["note"].startswith("to add: pip install '") for finding in absent)
    assert "evalkit-ai" not in json.dumps(findings)


def test_the_doctor_never_shows_the_value_of_a_key(
    type_in: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("EVALKIT_TRACKING_URI", "postgresql://me:hidden-word@host/runs")
    done = type_in("doctor")

    assert done.code == 4
    assert "OPENAI_API_KEY" in done.out
    assert "sk-very-secret" not in done.out
    assert "hidden-word" not in done.out


def test_the_doctor_names_every_variable_that_is_documented(
    type_in: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "evalkit/docs/settings.md").read_text(encoding="utf-8")
    tables = "\n".join(line for line in page.splitlines() if line.startswith("| "))
    names = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", tables)) - {"EVALKIT_TRACKING_URI"}
    for name in names:
        monkeypatch.setenv(name, "nothing")

    found = {finding["what"] for finding in type_in("doctor", "--json").json}

    assert {"GROQ_API_KEY", "AWS_ACCESS_KEY_ID", "SSL_CERT_DIR"} <= names
    assert names - found == set()


@pytest.mark.parametrize("wanted", ["NO_COLOR", "FORCE_COLOR"])
@pytest.mark.parametrize(
    "words", [("--help",), ("scorers", "list", "text.exact"), ("scorers", "show", "x")]
)
def test_colours_are_as_the_environment_wants(
    wanted: str, words: tuple[str, ...], shell: Type
) -> None:
    done = shell(*words, environment={wanted: "1"})

    assert ("\x1b[" in done.out + done.err) is (wanted == "FORCE_COLOR")


def test_the_doctor_names_a_store_that_cannot_be_written(type_in: Type, folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    done = type_in("doctor", "--store", "sqlite:///file/x.db", "--json")

    assert done.code == 4
    assert json.dumps(done.json).count('"wrong"') == 1


def test_a_scorer_is_shown_in_words_that_are_no_python(type_in: Type) -> None:
    names = [scorer["name"] for scorer in type_in("scorers", "list", "--json").json]
    pages = {name: type_in("scorers", "show", name).out for name in [*names, "sklearn.f1_score"]}

    assert pages
    assert not [name for name, page in pages.items() if ">>>" in page or "``" in page]
    assert not [
        name for name, page in pages.items() if re.search(r"^(Args|Examples):", page, re.MULTILINE)
    ]
