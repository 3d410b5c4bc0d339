"""Specifications: the words of `evaluate` in YAML."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import SpecificationError, UsageError
from evalkit.evaluation.evaluate import aevaluate, evaluate
from evalkit.evaluation.running.request import CHAT_WORDS, Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.specification.file import read_specification
from evalkit.evaluation.specification.words import Specification, read_scorer


def _read(folder: Path, text: str) -> Specification:
    file = folder / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    return read_specification(file)


def test_the_words_are_those_of_evaluate_and_runtime() -> None:
    own = {"cases", "report", *CHAT_WORDS}
    words = {*inspect.signature(evaluate).parameters, *(field.name for field in fields(Runtime))}

    assert set(Specification.model_fields) - own == words - {"runtime"}


def test_evaluate_aevaluate_and_the_request_have_the_same_words_and_defaults() -> None:
    takes = inspect.signature(evaluate).parameters
    request = {one.name: one.default for one in fields(Request) if one.name != "runtime"}

    assert inspect.signature(aevaluate).parameters == takes
    assert request == {n: one.default for n, one in takes.items() if n != "runtime"}
    # Of the request, what is left out has got its default already.
    types = {one.name: {one.type, f"{one.type} | None"} for one in fields(Request)}
    assert {n for n, one in takes.items() if one.annotation not in types[n]} == set()


def test_the_defaults_are_those_of_evaluate_and_runtime() -> None:
    words = Specification(data="x").arguments()
    given_defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(evaluate).parameters.items()
        if name not in {"data", "runtime", "reducer", "scorers", "gates"}
    }

    assert {name: words[name] for name in given_defaults} == given_defaults
    assert words["runtime"] == Runtime()


def test_a_specification_with_inline_cases_is_evaluated(tmp_path: Path) -> None:
    words = _read(
        tmp_path,
        """
        cases:
          - {question: "1+1?", expected: "2", output: "2", must: [text.exact_match >= 1]}
          - {question: "1+2?", expected: "3", output: "4"}
        scorers: [text.exact_match, {text.rouge: {variants: [rougeL]}}]
        gates: text.exact_match >= 0.4 @ point
        store: false
        """,
    )
    result = evaluate(**words.arguments())

    assert result["text.exact_match"].value == 0.5
    assert [str(c.status) for c in result.verdict.conditions] == ["PASS", "PASS"]
    assert "must_pass" in result.verdict.conditions[1].condition


def test_a_case_that_misses_its_own_condition_fails_the_evaluation(tmp_path: Path) -> None:
    words = _read(
        tmp_path,
        """
        cases: [{question: "1+1?", expected: "2", output: "3", must: [text.exact_match >= 1]}]
        scorers: text.exact_match
        store: false
        """,
    )

    assert str(evaluate(**words.arguments()).verdict.status) == "FAIL"


def test_a_must_pass_gate_of_ones_own_is_not_doubled() -> None:
    words = Specification(cases=[{"must": ["a >= 1"]}], gates=["must_pass[kind=core]"])

    assert words.all_gates() == ["must_pass[kind=core]"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("no", "no", id="norwegian"),
        pytest.param("on", "on", id="preposition"),
        pytest.param("true", True, id="true"),
        pytest.param("12", 12, id="number"),
        pytest.param("'12'", "12", id="quoted"),
    ],
)
def test_values_of_cases_are_what_they_look_like(
    written: str, read: object, tmp_path: Path
) -> None:
    words = _read(tmp_path, f"cases: [{{language: {written}}}]")

    assert words.cases == [{"language": read}]


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    words = _read(
        tmp_path / "inner",
        "data: qa.jsonl\nprompt: cot.md\nsystem: Be brief.\nreport: [r.html]\nrecordings: /tapes\n",
    )

    inner = tmp_path / "inner"
    assert (words.data, words.prompt) == (str(inner / "qa.jsonl"), str(inner / "cot.md"))
    assert words.system == "Be brief."
    assert words.report == [str(inner / "r.html")]
    assert words.recordings == "/tapes"


@pytest.mark.parametrize(
    ("word", "written", "read"),
    [
        pytest.param("baseline", "base.json", "{inner}/base.json", id="baseline"),
        pytest.param("baseline", "earlier", "{inner}/earlier", id="folder-of-a-run"),
        pytest.param("baseline", "./later.json", "{inner}/later.json", id="form-of-a-path"),
        pytest.param("baseline", "bot-v1", "bot-v1", id="run"),
        pytest.param("baseline", "qa openai/small-2.5", "qa openai/small-2.5", id="run-of-model"),
        pytest.param("baseline", "missing.json", "{inner}/missing.json", id="missing"),
        pytest.param("baseline", "latest~1", "latest~1", id="newest"),
        pytest.param("baseline", "models:/bot@champion", "models:/bot@champion", id="model"),
        pytest.param("baseline", "git:main:base.json", "git:main:{inner}/base.json", id="git"),
        pytest.param("resume", "earlier", "{inner}/earlier", id="resume"),
        pytest.param("cards", "cards", "{inner}/cards", id="cards"),
        pytest.param("recordings", "tapes", "{inner}/tapes", id="recordings"),
        pytest.param("store", "sqlite:///a.db", "sqlite:///{inner}/a.db", id="store"),
        pytest.param("store", "sqlite:////a.db", "sqlite:////a.db", id="store-elsewhere"),
        pytest.param("store", "sqlite://", "sqlite://", id="store-in-memory"),
        pytest.param("store", "http://a/b", "http://a/b", id="server"),
        pytest.param("store", "false", False, id="no-store"),
        pytest.param(
            "scorers", "[good.md, text.bleu]", ["{inner}/good.md", "text.bleu"], id="judge"
        ),
    ],
)
def test_what_is_a_path_is_relative_to_the_file_and_a_name_stays_one(
    word: str, written: str, read: Any, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    (inner / "earlier").mkdir(parents=True)
    (inner / "earlier" / "plan.json").touch()
    (inner / "base.json").touch()

    def placed(text: Any) -> Any:
        return text.format(inner=inner) if isinstance(text, str) else text

    value = getattr(_read(inner, f"{word}: {written}"), word)
    assert value == ([placed(item) for item in read] if isinstance(read, list) else placed(read))


def test_a_baseline_and_a_judge_beside_a_specification_elsewhere_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    rows = [{"question": f"q{i}", "expected": "a", "output": "a"} for i in range(30)]
    earlier = evaluate(data=rows, scorers="text.exact_match", runtime=Runtime(store=False))
    earlier.write_baseline(inner / "base.json")
    monkeypatch.chdir(tmp_path)
    (inner / "spec.yaml").write_text(
        f"""
        cases: {rows}
        scorers: text.exact_match
        gates: "no_regression(text.exact_match, margin=0.5)"
        baseline: base.json
        store: false
        """
    )

    result = evaluate(**read_specification("inner/spec.yaml").arguments())

    assert str(result.verdict.status) == "PASS"


@pytest.mark.parametrize("uri", ["hf:owner/name@config", "datasets:/qa@v3"])
def test_a_uri_is_no_path(uri: str, tmp_path: Path) -> None:
    assert _read(tmp_path, f"data: '{uri}'").data == uri


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("model: a:b\nscorer: x", "line 2: scorer: there is no such word. "
                     "Did you mean 'scorers'?", id="unknown-word"),
        pytest.param("repeats: 1\nlevel: high", "line 2: level: should be a valid number",
                     id="type"),
        pytest.param("scorers:\n  - a\n  - b: 3", "line 3: scorers[1]: the parameters of b",
                     id="parameters"),
        pytest.param("scorers: 3", "line 1: scorers: should be a valid list", id="no-list"),
        pytest.param("gates: [a >= 1, {b: 1}]", "line 1: gates[1]: should be", id="gate"),
        pytest.param("cases:\n - a: 1\n - 7", "line 3: cases[1]: should be", id="case"),
        pytest.param("budget: {usd: much}", "line 1: budget.usd: should be", id="budget"),
        pytest.param("data: a\ndata: b", "line 2: this is not YAML: the key 'data' stands",
                     id="twice"),
        pytest.param("data: [a", "this is not YAML", id="syntax"),
        pytest.param("- data", "is a mapping of words", id="no-mapping"),
        pytest.param("", "is a mapping of words", id="empty"),
        pytest.param("x: !!python/object:os.system {}", "this is not YAML", id="object"),
    ],
)  # fmt: skip
def test_a_wrong_word_or_value_is_told_with_file_line_and_key(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecificationError) as raised:
        _read(tmp_path, text)

    assert "spec.yaml" in str(raised.value)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_several_problems_are_counted_and_the_unknown_word_comes_first(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError, match=r"scorer: there is no such word.*Of 2 problems"):
        _read(tmp_path, "repeats: x\nscorer: y")


def test_a_file_that_is_not_there_suggests_a_close_name(tmp_path: Path) -> None:
    _read(tmp_path, "data: a")

    with pytest.raises(SpecificationError, match=r"Did you mean 'spec\.yaml'\?"):
        read_specification(tmp_path / "spce.yaml")


def test_data_and_cases_together_are_refused() -> None:
    with pytest.raises(SpecificationError, match="data or cases"):
        Specification(data="x", cases=[]).arguments()


@pytest.mark.parametrize("model", [None, "app:bot", "http://127.0.0.1:9/x"])
def test_settings_of_chat_models_need_a_chat_model(model: str | None) -> None:
    with pytest.raises(UsageError, match="configure chat models"):
        Specification(model=model, prompt="Say {{ word }}").target()


def test_a_chat_model_is_configured() -> None:
    words = Specification(
        model="openai/small", prompt="Say {{ word }}", sampling={"temperature": 0.5},
        base_url="http://127.0.0.1:9/v1",
    )  # fmt: skip

    identity = words.target().identity
    assert identity.kind == "chat"
    assert identity.parameters["prompt"] == "Say {{ word }}"
    assert identity.parameters["sampling"] == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("item", "read"),
    [
        pytest.param("text.bleu", "text.bleu", id="name"),
        pytest.param('text.rouge:{"stemmer": true}', {"text.rouge": {"stemmer": True}}, id="json"),
        pytest.param({"text.rouge": None}, {"text.rouge": None}, id="mapping"),
        pytest.param({"a": {}, "b": {}}, {"a": {}, "b": {}}, id="mapping-of-several"),
        pytest.param("math:sqrt", __import__("math").sqrt, id="object"),
    ],
)
def test_a_scorer_is_read_from_what_yaml_and_shells_can_hold(item: Any, read: object) -> None:
    assert read_scorer(item) == read


def test_a_class_takes_parameters() -> None:
    found: Any = read_scorer({"fractions:Fraction": {"numerator": 1, "denominator": 2}})

    assert float(found) == 0.5


@pytest.mark.parametrize(
    ("item", "told"),
    [
        pytest.param("text.rouge:{", "character 13", id="json"),
        pytest.param({"math:sqrt": {"x": 1}}, "takes no parameters", id="function"),
        pytest.param({"fractions:Fraction": {"y": 1}}, "refuses", id="parameter"),
        pytest.param("nowhere_at_all:x", "no module", id="module"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_a_usage_error(item: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_scorer(item)


names = st.text(alphabet="abcxyz._", min_size=1, max_size=9)
parameters = st.dictionaries(names, st.one_of(st.booleans(), st.integers(), names), max_size=3)


@given(name=names, parameters=parameters)
def test_json_after_a_name_says_the_same_as_a_mapping(
    name: str, parameters: dict[str, Any]
) -> None:
    import json

    assert read_scorer(f"{name}:{json.dumps(parameters)}") == read_scorer({name: parameters})
