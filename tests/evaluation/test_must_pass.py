"""Gates on the conditions that cases bring along, of those cases that have a tag."""

from typing import Any

import pytest

import evalkit
from evalkit import Runtime

QUIET = Runtime(progress=False, store=False)


def rows(answer: str) -> list[dict[str, Any]]:
    """Return cases of which those of value true, or of a session, must be right."""
    first = {"question": "a", "expected": "x", "output": answer, "must": ["text.exact_match >= 1"]}
    return [
        {**first, "vip": True, "kind": "this and that", "session": "s1"},
        {"question": "b", "expected": "x", "output": "y", "vip": False, "kind": "c", "must": []},
    ]


@pytest.mark.parametrize(
    "tag", ["vip=yes", "kind=this and that", "session=s1"], ids=["truth", "text", "session"]
)
@pytest.mark.parametrize(("answer", "verdict"), [("x", "PASS"), ("z", "FAIL")])
def test_must_pass_finds_the_cases_that_a_metric_would(tag: str, answer: str, verdict: str) -> None:
    result = evalkit.evaluate(
        data=rows(answer),
        scorers="text.exact_match",
        columns={"tags": ["vip", "kind"]},
        runtime=QUIET,
    )
    assert result[f"text.exact_match[{tag}]"].n_total == 1
    assert result.check(f"must_pass[{tag}]").status.value == verdict


def test_a_tag_that_no_case_has_leaves_it_open() -> None:
    result = evalkit.evaluate(
        data=rows("x"), scorers="text.exact_match", columns={"tags": ["vip"]}, runtime=QUIET
    )
    assert result.check("must_pass[vip=maybe]").status.value == "INCONCLUSIVE"
    assert result.check("must_pass").status.value == "PASS"
