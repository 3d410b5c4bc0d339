"""Every scorer that comes with evalkit keeps the laws of scorers."""

from typing import Any

import pytest

from evalkit.hooks.catalog import catalog, get_scorer
from evalkit.testing import check_scorer

CONFIGURED: list[tuple[str, dict[str, Any]]] = [
    ("text.rouge", {"stemmer": True}),
    ("classification.f1", {"average": "weighted"}),
    ("classification.f1", {"parse_text": True, "labels": ["yes", "no"]}),
    ("classification.cohen_kappa", {"weights": "quadratic"}),
    ("classification.balanced_accuracy", {"adjusted": True}),
    ("classification.brier", {"scale_by_half": True}),
    ("classification.roc_auc", {"multi_class": "ovo", "average": "weighted"}),
    ("classification.average_precision", {"average": "micro"}),
    ("regression.r2", {"force_finite": False}),
    ("operations.output_length", {"unit": "characters"}),
    ("sklearn.accuracy_score", {}),
    ("sklearn.f1_score", {"average": "macro"}),
    ("sklearn.mean_tweedie_deviance", {"power": 0}),
    ("sklearn.roc_auc_score", {}),
    ("sklearn.max_error", {}),
    ("sklearn.v_measure_score", {}),
]


# Scorers that ask a language model are checked in tests/judges, where a scripted one answers.
UNASKING = [
    name for name, entry in catalog().scorers.items() if not getattr(entry.item, "metered", False)
]


@pytest.mark.parametrize("name", sorted(UNASKING))
def test_a_registered_scorer_keeps_the_laws(name: str) -> None:
    check_scorer(get_scorer(name), max_examples=15)


@pytest.mark.parametrize(
    ("name", "parameters"), CONFIGURED, ids=[f"{name}-{list(p)}" for name, p in CONFIGURED]
)
def test_a_configured_scorer_keeps_the_laws(name: str, parameters: dict[str, Any]) -> None:
    check_scorer(get_scorer(name, **parameters), max_examples=15)
