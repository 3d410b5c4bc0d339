import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.view import distribution, worst_cells
from evalkit.report import embedded
from evalkit.report.html import embeddable, overview

Evaluate = Callable[..., EvaluationResult]


class _Page(HTMLParser):
    """Elements of a page: attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], str]] = []
        self._open: tuple[str, dict[str, str]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._open = (tag, found) if tag in {"script", "style", "title"} else None
        self.elements.append((tag, found, ""))

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            tag, attributes, text = self.elements[-1]
            self.elements[-1] = (tag, attributes, text + data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  the name is the parser's
        self._open = None

    def of(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]

    def script(self, name: str) -> str:
        return next(text for attributes, text in self.of("script") if attributes.get("id") == name)

    def unpacked(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        chunks = [text for found, text in self.of("script") if found.get("class") == "chunk"]
        return _unpacked(self.script("index")), [_unpacked(chunk) for chunk in chunks]


def _unpacked(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
    return found


def _written(result: EvaluationResult, folder: Path) -> _Page:
    return _Page(result.report(folder / "r.html").read_text(encoding="utf-8"))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("name", ["passed", "hostile"])
def test_the_policy_allows_the_style_and_script_of_the_page_and_nothing_else(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    page = _written(request.getfixturevalue(name), tmp_path)

    policy = next(f["content"] for f, _ in page.of("meta") if "http-equiv" in f)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    code = [text for found, text in page.of("script") if "type" not in found]
    (style,) = [text for _, text in page.of("style")]
    assert len(code) == 1
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'{_hash(code[0])}'"
    assert rules["style-src"] == f"'{_hash(style)}'"
    assert rules["img-src"] == "data:"


def test_the_page_names_no_other_file_and_no_network(
    passed: EvaluationResult, tmp_path: Path
) -> None:
    page = _written(passed, tmp_path)

    links = [f.get("href", f.get("src", "")) for _, f, _ in page.elements if {"href", "src"} & {*f}]
    assert all(link.startswith(("#", "data:")) for link in links)
    for _, text in page.of("style"):
        assert not re.search(r"url\(|@import", text)
    assert not any("style" in found for _, found, _ in page.elements)


def test_the_script_of_the_page_never_parses_markup(passed: EvaluationResult) -> None:
    assets = Path(embedded.__file__).with_name("assets")
    ways = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(")

    scripts = {path.name: path.read_text(encoding="utf-8") for path in assets.glob("*.js")}

    assert scripts
    assert not [name for name, text in scripts.items() if ways.search(text)]
    assert len(passed) == 40


def test_hostile_data_adds_no_element(
    passed: EvaluationResult, hostile: EvaluationResult, tmp_path: Path
) -> None:
    def tags(result: EvaluationResult, name: str) -> list[str]:
        return [tag for tag, _, _ in _written(result, tmp_path / name).elements]

    assert tags(hostile, "a") == tags(passed, "b")


def test_the_overview_is_the_result(passed: EvaluationResult, tmp_path: Path) -> None:
    found = json.loads(_written(passed, tmp_path).script("overview"))

    assert found["name"] == "sums"
    assert [e["key"] for e in found["estimates"]] == list(passed.estimates)
    assert found["thresholds"] == {"text.token_f1": [0.5], "text.exact_match": [0.5, 0.7]}
    assert [s["tag"] for s in found["slices"]] == ["language"]
    assert {p["value"]: p["n"] for p in found["slices"][0]["parts"]} == {"de": 20, "en": 20}
    assert sum(bar["count"] for bar in found["metrics"][0]["distribution"]["bars"]) == 40


def test_index_and_chunks_hold_every_case_of_stored_outputs(
    passed: EvaluationResult, tmp_path: Path
) -> None:
    index, (chunk,) = _written(passed, tmp_path).unpacked()

    table = passed.table()
    assert index["ids"] == table["id"].tolist()
    assert chunk["answers"]["outputs"] == table["outputs"].tolist()
    assert chunk["cases"]["inputs"] == table["inputs"].tolist()
    for key, metric in zip(passed.estimates, index["metrics"], strict=True):
        assert metric["values"] == pytest.approx(table[key].tolist(), rel=1e-8)
        assert set(metric["status"]) == {"0"}


def test_index_and_chunks_hold_every_call_of_a_live_target(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "CHUNK", 3)

    def bot(question: str, repeat: int) -> str:
        if question == "q4" and repeat:
            raise ValueError("no")
        return f"{question}/{repeat}"

    rows = [{"question": f"q{i}", "expected": f"q{i}/0"} for i in range(8)]
    result = evaluate(bot, rows, scorers=["text.exact_match"], repeats=2)

    index, chunks = _written(result, tmp_path).unpacked()

    outputs = [text for chunk in chunks for text in chunk["answers"]["outputs"]]
    expected: list[str | None] = [f"q{i}/{r}" for i in range(8) for r in range(2)]
    expected[9] = None
    assert (len(chunks), index["chunk"], index["repeats"]) == (3, 3, 2)
    assert outputs == expected
    assert index["stopped"] == [9]
    assert list(chunks[1]["stopped"]) == ["3"]
    wanted = [
        value for chunk in chunks for e in chunk["cases"]["expectations"] for value in e.values()
    ]
    assert wanted == [f"q{i}/0" for i in range(8)]


def test_of_too_many_cases_the_failed_and_the_worst_stay(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @evalkit.scorer
    def picky(outputs: str) -> float:
        if outputs == "90":
            raise ValueError("no")
        return 0.0 if outputs == "95" else 1.0

    rows = [{"id": str(i), "question": f"{i}", "output": f"{i}"} for i in range(100)]
    result = evaluate(data=rows, scorers=[picky])
    chosen = embedded.chosen_rows(result, most=20)
    assert len(chosen) == 20
    assert chosen.tolist() == sorted(chosen.tolist())
    assert {90, 95} <= set(chosen.tolist())
    monkeypatch.setattr("evalkit.report.html.chosen_rows", lambda _: chosen)

    page = _written(result, tmp_path)

    index, (chunk,) = page.unpacked()
    found = json.loads(page.script("overview"))
    assert (found["n"], found["shown"]) == (100, 20)
    assert index["ids"] == [str(row) for row in chosen]
    assert chunk["answers"]["outputs"] == index["ids"]
    assert index["ids"][found["failures"][0]["cells"][0]] == "90"
    assert index["ids"][found["metrics"][0]["worst"][0]] == "95"


def test_equal_results_give_equal_pages(passed: EvaluationResult, tmp_path: Path) -> None:
    first, second = (passed.report(tmp_path / f"{name}.html").read_bytes() for name in "ab")

    assert first == second


def test_a_long_text_is_cut_and_says_so(evaluate: Evaluate, tmp_path: Path) -> None:
    rows = [{"question": "q", "expected": "x", "output": "y" * 30_000}]

    _, (chunk,) = _written(evaluate(data=rows, scorers=["text.exact_match"]), tmp_path).unpacked()

    assert chunk["answers"]["outputs"][0].endswith("y… (10,000 characters more)")


@given(st.recursive(st.text() | st.integers() | st.none(), lambda x: st.lists(x, max_size=3)))
def test_embedded_json_cannot_leave_its_element_and_reads_back(value: Any) -> None:
    text = embeddable(value)

    assert not set(text) & {"<", ">", "&", "\u2028", "\u2029"}
    assert json.loads(text) == json.loads(json.dumps(value).encode("utf-8", "replace"))


def _metric(evaluate: Evaluate, values: list[float], direction: str = "higher") -> Any:
    made = evalkit.scorer(direction=direction)

    @made
    def given_value(outputs: str) -> float:
        return float(outputs)

    rows = [{"question": f"{i}", "output": str(value)} for i, value in enumerate(values)]
    return evaluate(data=rows, scorers=[given_value]).metrics[0]


@pytest.mark.parametrize(
    ("values", "direction", "expected"),
    [
        pytest.param([3.0, 1.0, 2.0, 1.0], "higher", [1, 3, 2, 0], id="low-is-bad"),
        pytest.param([3.0, 1.0, 2.0, 1.0], "lower", [0, 2, 1, 3], id="high-is-bad"),
        pytest.param([3.0, 1.0], "none", [], id="nothing-is-bad"),
        pytest.param([2.0, 2.0, 2.0], "higher", [], id="all-the-same"),
    ],
)
def test_the_worst_cells_follow_the_direction(
    evaluate: Evaluate, values: list[float], direction: str, expected: list[int]
) -> None:
    assert worst_cells(_metric(evaluate, values, direction)) == expected


def test_the_worst_cells_are_of_different_cases(evaluate: Evaluate) -> None:
    metric = _metric(evaluate, [0.0, 0.1, 5.0, 4.0])

    assert worst_cells(metric, repeats=2) == [0, 3]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    from evalkit.scoring.column import Metric, ScoreColumn
    from evalkit.scoring.facts import MetricFacts

    column = ScoreColumn.from_values([*values, None])
    metric = Metric(key="m", scorer="m", column=column, facts=MetricFacts(), signature="m")

    found = distribution(metric)

    assert found is not None
    assert sum(bar["count"] for bar in found["bars"]) == len(values)
    assert found["median"] == pytest.approx(float(np.median(values)))


def test_the_overview_of_failures_counts_cells_once(broken: EvaluationResult) -> None:
    found = overview(broken, embedded.chosen_rows(broken))

    assert [(f["stage"], f["count"]) for f in found["failures"]] == [
        ("target", 250),
        ("scorer", 249),
    ]
