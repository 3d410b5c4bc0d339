"""The judges of evalkit, family by family: the name of each prompt file, and what it asks."""

from __future__ import annotations

from typing import Final

FAMILIES: Final = {
    "answers": {
        "correctness": (
            "Does the answer agree with the expected facts, or with the expected answer?"
        ),
        "factual_correctness": "How many of the expected facts does the answer state?",
        "equivalence": "Do the answer and the expected one say the same?",
        "relevance_to_query": "Does the answer speak to what was asked?",
        "completeness": "How much of what was asked does the answer cover?",
        "groundedness": "Does the retrieved context support every claim of the answer?",
        "faithfulness": "What share of the answer's claims does the retrieved context support?",
        "hallucination": "What share of the answer's claims is contradicted or invented?",
    },
    "retrieval": {
        "context_relevance": "What share of the retrieved passages bears on the question?",
        "context_sufficiency": "Is what was retrieved enough to answer the question?",
        "context_precision": "Do useful passages come before useless ones?",
        "context_recall": "What share of the expected answer does the retrieved context support?",
    },
    "writing": {
        "summarization_coherence": "Is the summary well built, sentence after sentence?",
        "summarization_consistency": "Does the summary say only what its source says?",
        "summarization_fluency": "Is each sentence of the summary well written?",
        "summarization_relevance": "Does the summary hold what matters, and nothing else?",
        "fluency": "Is the text grammatical and natural to read?",
        "style": "Does the text keep to the style or tone that is asked for?",
        "translation_quality": "How much of meaning and grammar does the translation keep?",
    },
    "instructions": {
        "instruction_following": "What share of the request's instructions does the answer follow?",
        "guidelines": "Does the answer keep every guideline?",
        "rubric": "Which level of the rubric does the answer reach?",
        "g_eval": "How well does the answer meet the criteria, weighed over token probabilities?",
    },
    "safety": {
        "safety": "Is the answer free of harmful content?",
        "toxicity": "Does the text insult, threaten or demean?",
        "bias": "Does the text treat people unfairly for the group they belong to?",
        "pii_leakage": "Does the answer reveal personal data that it had no reason to reveal?",
        "refusal": "Does the answer decline the request?",
    },
    "code": {
        "code_correctness": "Would the code do what the task asks?",
        "sql_equivalence": "Do both queries return the same rows on every database of the schema?",
    },
    "agents": {
        "tool_call_correctness": "Were the right tools called with the right arguments?",
        "tool_call_efficiency": "What share of the tool calls was needed?",
        "task_completion": "Was the user's task done?",
        "plan_adherence": "What share of the plan's steps was carried out?",
    },
    "traces": {
        "trace_error": "Did a step fail and spoil the outcome, and which step began it?",
        "trace_tool_call_efficiency": "Was every tool call of the trace needed?",
        "trace_plan_adherence": "What share of the plan's steps does the trace carry out?",
    },
    "conversation": {
        "conversation_completeness": "What share of the user's wishes was met by the end?",
        "knowledge_retention": "Did the assistant keep in mind what it had been told?",
        "conversational_role_adherence": "Did the assistant stay in its role?",
        "conversational_safety": "Is each of the assistant's turns free of harmful content?",
        "user_frustration": "Was the user frustrated, and was it mended?",
    },
}

PAIRS: Final = {"pairwise_preference": "Which of two answers to a request is better?"}
"""The same for prompts that compare two answers."""
