import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import evalkit
from evalkit.entities.estimate import Estimate
from evalkit.evaluation.result import EvaluationResult
from evalkit.report import junit, markdown, markdown_text, tex
from evalkit.report.json import document
from evalkit.report.writing import whole_file, write_text

Evaluate = Callable[..., EvaluationResult]
FORMATS = (".html", ".md", ".json", ".xml", ".csv", ".parquet", ".tex")


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("name", ["passed", "broken", "hostile"])
def test_every_result_is_written_in_every_format(
    extension: str, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    result: EvaluationResult = request.getfixturevalue(name)

    path = result.report(tmp_path / "a" / f"report{extension}")

    assert path.stat().st_size > 100
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_text(path, "old")

    def fill_the_disk() -> None:
        with whole_file(path) as fresh:
            fresh.write_text("half", encoding="utf-8")
            raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        fill_the_disk()

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_every_field_of_every_estimate(passed: EvaluationResult, tmp_path: Path) -> None:
    found = json.loads(passed.report(tmp_path / "r.json").read_text(encoding="utf-8"))

    assert found["schema"] == "evalkit.result/1"
    assert (found["name"], found["verdict"]) == ("sums", str(passed.verdict.status))
    assert set(found["estimates"]) == set(passed.estimates)
    for key, estimate in passed.estimates.items():
        written = found["estimates"][key]
        assert set(Estimate.__dataclass_fields__) <= set(written)
        assert all(written[name] == getattr(estimate, name) for name in written)
    assert found["signatures"] == passed.signatures
    assert found["dataset"]["digest"] == passed.dataset["digest"]
    assert [c["condition"] for c in found["conditions"]] == [
        c.condition for c in passed.verdict.conditions
    ]


def test_json_sums_up_failures(broken: EvaluationResult) -> None:
    found = [
        (group["stage"], group["scorer"], group["cells"]) for group in document(broken)["failures"]
    ]

    assert found == [("target", None, 250), ("scorer", "careful", 249)]


def test_json_can_hold_the_cells(passed: EvaluationResult) -> None:
    cells = document(passed, cells=True)["cells"]

    assert cells["id"] == [f"q{i}" for i in range(40)]
    assert sum(cells["text.exact_match"]) == 30


def _cases(path: Path, room: str) -> list[ET.Element]:
    root = ET.parse(path).getroot()  # noqa: S314  our own file
    return [case for case in root.iter("testcase") if case.attrib["classname"].endswith(f".{room}")]


def test_junit_has_a_test_case_for_each_condition(passed: EvaluationResult, tmp_path: Path) -> None:
    cases = _cases(passed.report(tmp_path / "r.xml"), "gates")

    assert [case.attrib["name"] for case in cases] == [
        c.condition for c in passed.verdict.conditions
    ]
    for case, condition in zip(cases, passed.verdict.conditions, strict=True):
        facts = {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")}
        estimate = condition.estimate
        assert estimate is not None
        assert float(facts["score"]) == estimate.value
        assert json.loads(facts["interval"]) == [estimate.low, estimate.high]
        assert facts["threshold"].startswith(">= 0.")
        assert (case.find("failure") is None) == (str(condition.status) == "PASS")


@evalkit.scorer
def same(outputs: str) -> object:
    """Say yes or no without having declared so."""
    return outputs == "x"


@pytest.mark.parametrize(
    ("key", "argument", "margin"),
    [
        pytest.param("text.exact_match", ", margin=0.2", 0.2, id="written"),
        pytest.param("text.exact_match", "", 0.02, id="default"),
        pytest.param("same", "", 0.02, id="yes-or-no"),
    ],
)
def test_junit_tells_a_difference_from_the_score(
    evaluate: Evaluate, tmp_path: Path, key: str, argument: str, margin: float
) -> None:
    rows = [
        {"id": f"q{i}", "question": "?", "expected": "x", "output": "x" if i % 3 else "y"}
        for i in range(40)
    ]
    before = [{**row, "output": "x"} for row in rows]
    scorers = ["text.exact_match", same]
    baseline = evaluate(data=before, scorers=scorers, name="sums")
    gate = f"no_regression({key}{argument})"
    result = evaluate(data=rows, scorers=scorers, name="sums", baseline=baseline, gates=[gate])
    (case,) = _cases(result.report(tmp_path / "r.xml"), "gates")
    properties = [(p.attrib["name"], p.attrib["value"]) for p in case.iter("property")]
    facts = dict(properties)

    assert len(facts) == len(properties)
    assert float(facts["score"]) == result[key].value
    assert float(facts["difference"]) == pytest.approx(float(facts["score"]) - 1)
    assert json.loads(facts["difference_interval"])[1] < 0 < json.loads(facts["interval"])[0]
    assert float(facts["margin"]) == margin
    assert "threshold" not in facts


def test_junit_counts_what_it_holds(broken: EvaluationResult, tmp_path: Path) -> None:
    path = broken.report(tmp_path / "r.xml")
    suite = ET.parse(path).getroot()[0]  # noqa: S314  our own file

    assert suite.attrib["tests"] == "500"
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "499")
    kinds = [error.attrib["type"] for error in suite.iter("error")]
    assert kinds.count("scorer_error") == 249


def test_junit_has_a_test_case_for_each_case_that_must_pass(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    must = ["text.exact_match >= 1"]
    rows = [
        {"id": "good", "question": "a", "expected": "x", "output": "x", "must": must},
        {"id": "bad", "question": "b", "expected": "x", "output": "y", "must": must},
        {"id": "free", "question": "c", "expected": "x", "output": "y"},
    ]
    result = evaluate(data=rows, scorers=["text.exact_match"])

    cases = _cases(result.report(tmp_path / "r.xml"), "must")

    assert [(c.attrib["name"], c.find("failure") is not None) for c in cases] == [
        ("good", False),
        ("bad", True),
    ]


def test_csv_has_a_row_for_each_case_and_reads_back(
    passed: EvaluationResult, tmp_path: Path
) -> None:
    text = passed.report(tmp_path / "r.csv").read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert [row["id"] for row in rows] == [f"q{i}" for i in range(40)]
    assert [json.loads(row["inputs"])["question"] for row in rows[:2]] == [
        "What is 0 plus 0?",
        "What is 1 plus 1?",
    ]
    assert [float(row["text.exact_match"]) for row in rows] == passed.table()[
        "text.exact_match"
    ].tolist()


def test_parquet_keeps_numbers_and_hostile_texts(
    hostile: EvaluationResult, hostile_texts: tuple[str, ...], tmp_path: Path
) -> None:
    frame = pd.read_parquet(hostile.report(tmp_path / "r.parquet"))

    assert frame["outputs"].tolist() == list(hostile_texts)
    assert np.nansum(frame["wary"]) == 0.5 * (len(hostile_texts) - 1)


def test_markdown_has_verdict_estimates_gates_and_slices(passed: EvaluationResult) -> None:
    text = markdown.text(passed)

    assert re.search(rf"^## . {passed.verdict.status} · sums$", text, re.MULTILINE)
    assert re.search(r"^\| text\\\.exact\\_match ↑ \| \*\*0\.750\*\* \|", text, re.MULTILINE)
    assert text.count("\n- ") == len(passed.verdict.conditions)
    assert "### By language" in text
    assert re.search(r"^\| de \| 20 \|", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "marker"),
    [("qa", "qa"), ("tests/qa.py (2)", "tests/qa.py 2"), ("a --> b", "a -- b"), ("Ä_1", "Ä_1")],
)
def test_a_markdown_file_begins_with_a_marker_of_its_own(
    name: str, marker: str, passed: EvaluationResult, tmp_path: Path
) -> None:
    written = passed.with_name(name).report(tmp_path / "r.markdown").read_text(encoding="utf-8")

    assert written.startswith(f"<!-- evalkit: {marker} -->\n## ")


def test_markdown_lists_failures_and_warns(broken: EvaluationResult) -> None:
    text = markdown.text(broken)

    assert "> **careful: only 1 of 500" in text.replace("\\", "")
    assert re.search(r"^\| careful \| scorer\\_error \| 249 \|", text, re.MULTILINE)


@given(st.text(max_size=60))
def test_markdown_shows_any_text_without_acting_on_it(value: str) -> None:
    shown = markdown_text.escaped(value)

    assert len(shown.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>|`*_\[\]]", shown)


@given(st.text(max_size=60))
def test_xml_of_any_text_parses_back(value: str) -> None:
    kept = junit.allowed(value)
    element = ET.Element("testcase", name=kept)
    element.text = kept

    back = ET.fromstring(ET.tostring(element))  # noqa: S314  our own text

    assert (back.text or "") == re.sub("\r\n?", "\n", kept)


@given(st.text(max_size=60))
def test_latex_of_any_text_has_only_our_commands(value: str) -> None:
    shown = tex.escaped(value)
    rest = re.sub(r"\\text[a-z]+\{\}|\\[{}$&#_%]", "", shown)

    assert not set(rest) & set("\\{}$&#_%~^\n\r")


def test_latex_has_a_line_for_each_metric(passed: EvaluationResult) -> None:
    text = tex.text(passed)

    assert r"text.exact\_match $\uparrow$ & 0.750 & {[0." in text
    assert text.count(r"\\") == 1 + len(passed.estimates)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.text(min_size=1, max_size=20))
def test_any_text_survives_every_format(
    evaluate: Evaluate, tmp_path: Path, answers: list[str], name: str
) -> None:
    @evalkit.scorer
    def echo(outputs: str) -> evalkit.Score:
        return evalkit.Score(float(len(outputs)), explanation=outputs)

    rows = [
        {"id": f"{i}", "question": f"{i}{answer}", "output": answer, "kind": answer}
        for i, answer in enumerate(answers)
    ]
    result = evaluate(data=rows, scorers=[echo], gates=["echo >= 0 @ point"], name=name)

    paths = {extension: result.report(tmp_path / f"r{extension}") for extension in FORMATS}

    assert json.loads(paths[".json"].read_bytes())["estimates"]["echo"]["n_total"] == len(rows)
    assert len(_cases(paths[".xml"], "gates")) == 1
    frame = pd.read_parquet(paths[".parquet"])
    assert frame["echo"].tolist() == [len(answer) for answer in answers]
    text = paths[".csv"].read_bytes().decode("utf-8")
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == len(rows) + 1
