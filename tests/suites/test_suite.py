"""What a suite takes."""

from typing import Any

import pytest

import evalkit
from evalkit.suites.suite import MARK, CasesMark, GatesMark

ROWS = [{"question": "1+1?", "expected": "2"}]


@pytest.mark.parametrize("decorate", ["bare", "called"])
def test_decorators_may_do_without_parentheses(decorate: str) -> None:
    qa = evalkit.suite(ROWS, "text.exact_match")

    def test_sums(case: Any) -> str:
        return str(case)

    def test_quality(evaluation: Any) -> None: ...

    for own, function in ((qa.cases, test_sums), (qa.gates, test_quality)):
        make: Any = own if decorate == "bare" else own()
        assert make(function) is function
    marks = getattr(test_sums, MARK), getattr(test_quality, MARK)

    assert qa.function is test_sums
    assert isinstance(marks[0], CasesMark)
    assert (marks[0].must, marks[0].repeats, marks[0].min_pass) == ((), 1, 1)
    assert isinstance(marks[1], GatesMark)
    assert marks[1].conditions == ()


def test_none_is_the_default_of_each_option() -> None:
    qa = evalkit.suite(ROWS, None, name=None, seed=None, level=None, runtime=None, limit=None)
    qa.cases(must=None, repeats=None, min_pass=None)(lambda: "2")

    assert (qa.name, list(qa.scorers), qa.options) == ("suite", [], {})
    assert qa.cases_mark is not None
    assert (qa.cases_mark.must, qa.cases_mark.repeats) == ((), 1)
