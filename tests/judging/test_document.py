"""Judges as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import SpecificationError, UsageError
from evalkit.judging.judge import load_judge, make_judge
from evalkit.judging.outcome import mean
from evalkit.scoring.signature import signature


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"choices": {"yes": 1.0, "no": 0.0}}, id="choices"),
        pytest.param({"choices": ["z", "a", "m"]}, id="labels"),
        pytest.param({"scale": {1: "poor", 5: "good"}}, id="anchors"),
        pytest.param({"scale": (0.0, 1.0)}, id="both-ends"),
        pytest.param({"value_type": str}, id="free-label"),
        pytest.param({"samples": 3, "temperature": 1.0, "max_tokens": 9}, id="sampling"),
        pytest.param({"temperature": None}, id="no-temperature"),
        pytest.param({"reads": {"outputs": "outputs.text"}}, id="reads"),
        pytest.param({"prechecks": ()}, id="no-prechecks"),
        pytest.param(
            {"examples": [{"outputs": "x\ny", "choice": "yes", "explanation": "so: it is"}]},
            id="examples",
        ),
        pytest.param(
            {"choices": {"yes": 1, "no": 0}, "parts": "claims", "aggregate": mean}, id="parts"
        ),
    ],
)
def test_a_judge_survives_writing_and_loading(tmp_path: Path, settings: dict[str, Any]) -> None:
    judge = make_judge("j", "Is {{ outputs }} good?\nReally: yes?", model="m/n", **settings)
    file = tmp_path / "judge.yaml"
    file.write_text(judge.to_yaml(), encoding="utf-8")

    loaded = load_judge(file)

    assert loaded == judge
    assert signature(loaded) == signature(judge)


@given(st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and "\x00" not in text))
def test_any_words_survive_writing_and_loading(
    tmp_path_factory: pytest.TempPathFactory, words: str
) -> None:
    plain = words.replace("{", "").replace("}", "").replace("#", "") + " {{ outputs }}"
    judge = make_judge("j", plain)
    file = tmp_path_factory.mktemp("judge") / "judge.yaml"
    file.write_text(judge.to_yaml(), encoding="utf-8", newline="")

    assert load_judge(file) == judge


def test_a_prompt_in_markdown_holds_its_settings_above(tmp_path: Path) -> None:
    file = tmp_path / "polite.md"
    file.write_text(
        "---\nchoices: {polite: 1.0, rude: 0.0}\nversion: '2'\n---\n"
        "Is it polite?\n\n{{ outputs }}\n"
    )

    judge = load_judge(file)

    assert (judge.name, judge.version) == ("polite", "2")
    assert judge.instructions == "Is it polite?\n\n{{ outputs }}"
    assert judge.choices == (("polite", 1.0), ("rude", 0.0))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("instructions: x\nchoises: {}", "Did you mean 'choices'"),
        ("name: x", "instructions"),
        ("- x", "mapping"),
        ("a: [", "YAML"),
        ("instructions: x\nsamples: many", "wrong form"),
        ("instructions: x\nsamples: 0", "at least 1"),
        ("instructions: x\nexamples: 3", "wrong form"),
        ("instructions: x\naggregate: no_such_module:f", "no_such_module"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "judge.yaml"
    file.write_text(text)

    with pytest.raises(SpecificationError, match=told):
        load_judge(file)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match="No such file"):
        load_judge(tmp_path / "none.yaml")


def test_a_function_that_no_file_can_name_is_refused() -> None:
    def lowest(values: Sequence[float]) -> float:
        return min(values)

    judge = make_judge("j", "{{ outputs }}", parts="claims", aggregate=lowest)

    with pytest.raises(UsageError, match="module"):
        judge.to_yaml()


def test_instructions_can_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("Is {{ outputs }} good?\n")

    assert make_judge("j", file).instructions == "Is {{ outputs }} good?"
    assert make_judge("j", str(file)).instructions == "Is {{ outputs }} good?"


def test_yes_and_no_are_labels_and_not_truth_values(tmp_path: Path) -> None:
    file = tmp_path / "grounded.yaml"
    file.write_text(
        "instructions: Is {{ outputs }} so?\nchoices: {yes: 1.0, partly: 0.5, no: 0.0}\n"
        "examples: [{outputs: It is., choice: no}]\n"
    )

    judge = load_judge(file)

    assert judge.prepared.form.labels == ("yes", "partly", "no")
    assert judge.examples[0]["choice"] == "no"
