"""Names of the same judges elsewhere: what users of MLflow, Ragas and others will type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evalkit.plugin import UnknownScorerError
from evalkit_judges.families import FAMILIES

if TYPE_CHECKING:
    from evalkit_judges.library import LibraryJudge

ALIASES: Final = {
    "agent_goal_accuracy": "task_completion",
    "answer_completeness": "completeness",
    "answer_correctness": "correctness",
    "answer_relevance": "relevance_to_query",
    "answer_relevancy": "relevance_to_query",
    "context_relevancy": "context_relevance",
    "expectations_guidelines": "guidelines",
    "geval": "g_eval",
    "llm_context_recall": "context_recall",
    "pii": "pii_leakage",
    "response_groundedness": "groundedness",
    "response_relevancy": "relevance_to_query",
    "retrieval_groundedness": "groundedness",
    "retrieval_relevance": "context_relevance",
    "retrieval_sufficiency": "context_sufficiency",
    "role_adherence": "conversational_role_adherence",
    "rubrics_score": "rubric",
    "sql_semantic_equivalence": "sql_equivalence",
    "tool_call_accuracy": "tool_call_correctness",
}
"""Name elsewhere -> name of the prompt file."""


def judge_by_alias(name: str) -> LibraryJudge:
    """Return the judge that is called *name*, such as ``judge.answer_relevancy``, elsewhere.

    Its name in results is its name here.

    Raises:
        UnknownScorerError: If there is none.

    Examples:
        >>> judge_by_alias("judge.answer_relevancy").name
        'judge.relevance_to_query'
    """
    # start-up: it needs the judges of evalkit
    from evalkit_judges.library import PREFIX, LibraryJudge

    alias = name.removeprefix(PREFIX)
    if alias not in ALIASES:
        ours = [judge for family in FAMILIES.values() for judge in family]
        raise UnknownScorerError(name, [PREFIX + other for other in (*ours, *ALIASES)])
    return LibraryJudge.named(ALIASES[alias])
