"""Confusion matrices and the like are kept with the run, and are no estimates."""

import json

import evalkit

ROWS = [
    {"question": f"q{i}", "expected": "yes" if i % 2 else "no", "output": "yes" if i % 3 else "no"}
    for i in range(60)
]


def test_a_confusion_matrix_is_an_artifact_of_its_metric() -> None:
    result = evalkit.evaluate(data=ROWS, scorers="classification.confusion_matrix", name="matrix")
    made = result.artifacts()["classification.confusion_matrix"]
    kept = json.loads(result.folder.artifacts.read_text())["metrics"]

    assert kept["classification.confusion_matrix"] == made
    assert sum(map(sum, made["confusion_matrix"]["matrix"])) == 60
    assert evalkit.EvaluationResult.load("matrix").artifacts() == {
        "classification.confusion_matrix": made
    }


def test_a_metric_of_cells_has_no_artifacts() -> None:
    result = evalkit.evaluate(data=ROWS, scorers="text.exact_match")

    assert result.artifacts() == {}
    assert not result.folder.artifacts.exists()
