"""Estimates of a result: weights, groups, slices, and functions of a metric as keys."""

import pytest

import evalkit
from evalkit.errors import UsageError


def test_weights_and_groups_shape_the_estimate() -> None:
    rows = [
        {
            "question": f"q{i}",
            "expected": "y",
            "output": "y" if i < 20 else "n",
            "customer": f"c{i // 4}",
            "w": 3 if i < 20 else 1,
        }
        for i in range(40)
    ]
    result = evalkit.evaluate(
        data=rows, scorers="text.exact_match", columns={"group": "customer", "weight": "w"}
    )
    found = result["text.exact_match"]

    assert found.value == pytest.approx(0.75)
    assert found.n_groups == 10
    assert found.method is not None
    assert found.method.startswith("cluster")


def test_slices_by_tag_functions_and_worst_are_keys() -> None:
    rows = [
        {
            "question": f"q{i}",
            "expected": "y",
            "output": "y" if i % 4 else "n",
            "language": "de" if i % 2 else "en",
            "latency_seconds": float(i),
        }
        for i in range(100)
    ]
    result = evalkit.evaluate(
        data=rows,
        scorers=["text.exact_match", "operations.latency"],
        columns={"tags": ["language"], "latency_seconds": "latency_seconds"},
    )

    assert result["text.exact_match[language=de]"].value == 1.0
    assert result["worst(text.exact_match, by=language)"].value == 0.5
    assert result["p95(operations.latency)"].value == pytest.approx(94.05)
    assert result["median(operations.latency)"].low is not None
    assert result["rate(text.exact_match)"].value == 0.75
    assert result["max(operations.latency)"].value == 99.0
    table = result.by("language")
    assert result.by(["language"]).equals(table)  # type: ignore[arg-type]
    assert table[table.metric == "text.exact_match"].value.tolist() == [1.0, 0.5]
    with pytest.raises(UsageError, match="No case has language=fr"):
        result["text.exact_match[language=fr]"]


def test_tags_inside_and_outside_of_worst_say_which_cases_count() -> None:
    right = {("de", "eu"): 1, ("de", "us"): 1, ("fr", "eu"): 0, ("fr", "us"): 0}
    rows = [
        {
            "question": "q",
            "expected": "a",
            "output": "a" if good else "b",
            "tags": {"language": language, "region": region},
        }
        for (language, region), good in right.items()
        for _ in range(2)
    ]
    result = evalkit.evaluate(data=rows, scorers="text.exact_match")

    for key in (
        "worst(text.exact_match[language=de], by=region)",
        "worst(text.exact_match, by=region)[language=de]",
    ):
        assert result[key].value == result["text.exact_match[language=de]"].value == 1.0
        assert result[key].n_total == 2
        assert result.check(f"{key} >= 0.9 @ point").status == "PASS"
    assert result["worst(text.exact_match[language=fr], by=region)"].value == 0.0


@pytest.mark.parametrize("name", ["acc (strict)", "acc[strict]", "p95(acc)", "worst(acc, by=l)"])
def test_a_metric_may_have_brackets_in_its_name(name: str) -> None:
    @evalkit.scorer(name=name)
    def metric(outputs: str) -> bool:
        return outputs == "a"

    rows = [
        {"question": str(i), "output": "ab"[i % 4 == 0], "tags": {"l": "fr" if i % 2 else "de"}}
        for i in range(40)
    ]
    result = evalkit.evaluate(data=rows, scorers=[metric])

    assert result[name].value == 0.75
    assert result.by("l")["value"].tolist() == [0.5, 1.0]
    assert result[f"{name}[l=de]"].value == result[f"worst({name}, by=l)"].value == 0.5
    assert result[f"mean({name}[l=fr])"].value == 1.0
