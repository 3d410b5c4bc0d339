"""Results that the tests of the reports share."""

from collections.abc import Callable
from typing import Any

import pytest

import evalkit
from evalkit.evaluation.result import EvaluationResult

HOSTILE = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "<!-- <script>",
    "]]>&lt;&#0;",
    "line\u2028separator\u2029and\x00null\x1b[31m",
    "=HYPERLINK(1)|`pipe`\\_{}$%#&~^",
    "\u202egnp.exe",
)

Evaluate = Callable[..., EvaluationResult]


@pytest.fixture(scope="session")
def evaluate() -> Evaluate:
    """Evaluate without a store."""

    def run(*arguments: Any, **options: Any) -> EvaluationResult:
        return evalkit.evaluate(*arguments, runtime=evalkit.Runtime(store=False), **options)

    return run


@pytest.fixture(scope="session")
def hostile_texts() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def passed(evaluate: Evaluate) -> EvaluationResult:
    """Forty stored answers in two languages; every fourth one is wrong."""
    rows = [
        {
            "id": f"q{i}",
            "question": f"What is {i} plus {i}?",
            "expected": f"It is {2 * i}",
            "output": f"It is {2 * i + (i % 4 == 0)}",
            "language": "de" if i % 2 else "en",
        }
        for i in range(40)
    ]
    return evaluate(
        data=rows,
        scorers=["text.exact_match", "text.token_f1"],
        gates=["text.token_f1 >= 0.5", "text.exact_match >= 0.5", "text.exact_match >= 0.7"],
        name="sums",
    )


@pytest.fixture(scope="session")
def broken(evaluate: Evaluate) -> EvaluationResult:
    """Five hundred cases: 250 errors of the target, 249 of the scorer, one value."""

    def bot(question: str) -> str:
        if int(question) % 2 == 0:
            raise ConnectionRefusedError("the model is \x1b[31mdown")
        return question

    @evalkit.scorer
    def careful(outputs: str) -> float:
        if outputs != "1":
            raise KeyError("no such answer")
        return 1.0

    rows = [{"question": str(i)} for i in range(500)]
    return evaluate(bot, rows, scorers=[careful], gates=["careful >= 0.5"], name="broken")


@pytest.fixture(scope="session")
def hostile(evaluate: Evaluate) -> EvaluationResult:
    """Data, names and explanations that try to leave their place in a file."""

    @evalkit.scorer
    def wary(outputs: str, inputs: dict[str, str]) -> evalkit.Score:
        if outputs.startswith("="):
            raise ValueError(f"{outputs}{inputs['question']}")
        return evalkit.Score(0.5, explanation=outputs)

    rows = [
        {"id": f"id-{i} {text}", "question": text, "output": text, "topic": text}
        for i, text in enumerate(HOSTILE)
    ]
    return evaluate(data=rows, scorers=[wary], gates=["wary >= 0.4"], name=f"run {HOSTILE[0]}")
