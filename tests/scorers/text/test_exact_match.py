import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.text.matches import ExactMatch, exact_match

MakeBatch = Callable[..., CaseBatch]


@pytest.mark.parametrize(
    ("output", "reference", "strip", "ignore_case", "expected"),
    [
        pytest.param("Paris", "Paris", False, False, True, id="equal"),
        pytest.param("Paris", "paris", False, False, False, id="case-counts"),
        pytest.param("Paris", "paris", False, True, True, id="case-ignored"),
        pytest.param("Straße", "STRASSE", False, True, True, id="case-folding-is-unicode"),
        pytest.param(" Paris\n", "Paris", False, False, False, id="space-counts"),
        pytest.param(" Paris\n", "Paris", True, False, True, id="space-stripped"),
        pytest.param("a  b", "a b", True, True, False, id="inner-space-counts"),
        pytest.param("", "", False, False, True, id="both-empty"),
        pytest.param("", "x", False, False, False, id="one-empty"),
        pytest.param("e\u0301", "\u00e9", True, True, False, id="composed-is-another-text"),
    ],
)
def test_exact_match_value(
    output: str, reference: str, *, strip: bool, ignore_case: bool, expected: bool
) -> None:
    assert exact_match(output, reference, strip=strip, ignore_case=ignore_case) is expected


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        pytest.param("b", ["a", "b"], 1.0, id="any-reference-counts"),
        pytest.param("c", ["a", "b"], 0.0, id="no-reference-matches"),
        pytest.param(3, "3", 1.0, id="number-as-text"),
        pytest.param(3, 3, 1.0, id="two-numbers"),
        pytest.param({"a": 1}, '{"a":1}', 1.0, id="mapping-as-json"),
        pytest.param("", "", 1.0, id="empty-text-is-a-value"),
        pytest.param(None, "a", None, id="no-output"),
        pytest.param("a", None, None, id="no-reference"),
        pytest.param("a", [], None, id="no-references-at-all"),
    ],
)
@pytest.mark.parametrize("strip", [False, True])
def test_a_cell_of_exact_match(
    batch: MakeBatch, output: object, reference: object, expected: float | None, *, strip: bool
) -> None:
    cell = ExactMatch(strip=strip).score_batch(batch([output], [reference])).cell(0)

    assert cell.value == expected
    assert cell.status is (Status.SKIPPED if expected is None else Status.OK)


def test_exact_match_is_declared_yes_or_no(batch: MakeBatch) -> None:
    assert ExactMatch().score_batch(batch(["a"], ["a"])).binary


def test_a_sole_expectation_of_any_name_is_the_reference() -> None:
    cases = CaseBatch({"outputs": ["a"], "expectations": [{"gold": "a"}]}, length=1)

    assert ExactMatch().score_batch(cases).values.tolist() == [1.0]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from(["a", "", None]))))
def test_a_batch_scores_as_its_cases_do(rows: list[tuple[str | None, str | None]]) -> None:
    scorer = ExactMatch()
    expectations = [{} if wanted is None else {"target": wanted} for _, wanted in rows]
    whole = CaseBatch(
        {"outputs": [r[0] for r in rows], "expectations": expectations}, length=len(rows)
    )

    together = scorer.score_batch(whole)

    for row in range(len(rows)):
        assert scorer.score_batch(whole.take([row])).cell(0) == together.cell(row)


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("model", "published"),
    [
        pytest.param("6b_finetuning", 0.2168, id="6B-finetuning"),
        pytest.param("6b_verification", 0.3904, id="6B-verification"),
        pytest.param("175b_finetuning", 0.3472, id="175B-finetuning"),
        pytest.param("175b_verification", 0.5625, id="175B-verification"),
    ],
)
def test_gsm8k_answers_are_right_where_published(
    batch: MakeBatch, shared_data: Path, model: str, published: float
) -> None:
    path = shared_data / "gsm8k" / "example_model_solutions.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    answers = [_answer(row[model]["solution"]) for row in rows]

    column = ExactMatch().score_batch(
        batch(answers, [_answer(row["ground_truth"]) for row in rows])
    )

    assert column.values.tolist() == [float(row[model]["is_correct"]) for row in rows]
    assert column.values.mean() == pytest.approx(published, abs=5e-5)


def _answer(solution: str) -> str:
    found = re.search(r"(?m)^A: (.*)$", solution)
    return found.group(1).strip().replace(",", "") if found else ""
