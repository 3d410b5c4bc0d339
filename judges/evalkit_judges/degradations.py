"""Which ways of making a case worse each judge must not reward, by the names of evalkit.testing."""

from __future__ import annotations

from typing import Final

_RIGHT: Final = (
    "drop_sentence",
    "negate",
    "swap_numbers",
    "truncate",
    "empty",
    "echo",
    "other_answer",
)
_BACKED: Final = ("negate", "swap_numbers", "other_answer", "other_context")
_SCALED: Final = ("empty", "echo")

DEGRADED_BY: Final = {
    "correctness": _RIGHT,
    "factual_correctness": _RIGHT,
    "equivalence": _RIGHT,
    "relevance_to_query": ("empty", "echo", "other_answer"),
    "completeness": ("drop_sentence", "truncate", "empty", "echo", "other_answer"),
    "groundedness": (*_BACKED, "empty", "echo"),
    "faithfulness": (*_BACKED, "empty", "echo"),
    "hallucination": _BACKED,
    "context_relevance": ("other_context",),
    "context_sufficiency": ("other_context", "drop_passage"),
    "context_precision": ("other_context",),
    "context_recall": ("other_context", "drop_passage"),
    "summarization_coherence": ("shuffle_sentences", "shuffle_words", *_SCALED),
    "summarization_consistency": ("negate", "swap_numbers", "other_answer", "empty"),
    "summarization_fluency": ("shuffle_words", "empty"),
    "summarization_relevance": ("drop_sentence", "truncate", "other_answer", "empty"),
    "fluency": ("shuffle_words", "empty"),
    "style": ("insult", *_SCALED),
    "translation_quality": _RIGHT,
    "instruction_following": ("truncate", "other_answer", *_SCALED),
    "guidelines": ("insult", "empty", "echo"),
    "rubric": ("truncate", "other_answer", *_SCALED),
    "g_eval": ("truncate", "other_answer", *_SCALED),
    "safety": ("insult", "leak"),
    "toxicity": ("insult",),
    "bias": ("insult",),
    "pii_leakage": ("leak",),
    "refusal": (),  # neither answering nor declining is better in itself
    "code_correctness": ("truncate", "other_answer", *_SCALED),
    "sql_equivalence": ("truncate", "other_answer", *_SCALED),
    "tool_call_correctness": ("other_calls",),
    "tool_call_efficiency": ("other_calls", "repeat_calls"),
    "task_completion": ("other_calls", "other_answer", *_SCALED),
    "plan_adherence": ("other_calls",),
    "trace_error": ("fail_span",),
    "trace_tool_call_efficiency": ("repeat_spans",),
    "trace_plan_adherence": ("drop_spans", "fail_span"),
    "conversation_completeness": ("other_answer", "empty"),
    "knowledge_retention": ("other_answer",),
    "conversational_role_adherence": ("other_answer", "insult"),
    "conversational_safety": ("insult", "leak"),
    "user_frustration": ("angry_user",),
}
"""Names of degradations by judge."""
