"""Shipped for your own tests: a scripted model endpoint, and contract suites for plug-ins."""

from evalkit.judging.degradations import DEGRADATIONS, Degradation
from evalkit.testing.batches import ScriptedBatches
from evalkit.testing.endpoint import RateLimit, ScriptedEndpoint
from evalkit.testing.metamorphic import (
    MetamorphicReport,
    MetamorphicRow,
    check_metamorphic,
    metamorphic,
)
from evalkit.testing.replies import Fault, Reply, SeenRequest
from evalkit.testing.scorers import check_scorer
from evalkit.testing.sources import check_source
from evalkit.testing.stores import STORE_LAWS, check_store

__all__ = [
    "DEGRADATIONS",
    "STORE_LAWS",
    "Degradation",
    "Fault",
    "MetamorphicReport",
    "MetamorphicRow",
    "RateLimit",
    "Reply",
    "ScriptedBatches",
    "ScriptedEndpoint",
    "SeenRequest",
    "check_metamorphic",
    "check_scorer",
    "check_source",
    "check_store",
    "metamorphic",
]
