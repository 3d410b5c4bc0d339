"""What every store promises, whatever it is made of: one small Protocol a noun, and their bag."""

from evalkit.store.interface.experiments import DEFAULT_EXPERIMENT_ID, Experiments
from evalkit.store.interface.models import ModelVersions, RegisteredModels
from evalkit.store.interface.records import Assessments, Cards, Metrics, Summaries
from evalkit.store.interface.runs import Runs
from evalkit.store.interface.store import Store

__all__ = [
    "DEFAULT_EXPERIMENT_ID",
    "Assessments",
    "Cards",
    "Experiments",
    "Metrics",
    "ModelVersions",
    "RegisteredModels",
    "Runs",
    "Store",
    "Summaries",
]
