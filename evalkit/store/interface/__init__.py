"""What every store promises, whatever it is made of: one small Protocol a noun, and their bag."""

from evalkit.store.interface.assessments import Assessments
from evalkit.store.interface.cards import Cards
from evalkit.store.interface.experiments import DEFAULT_EXPERIMENT_ID, Experiments
from evalkit.store.interface.metrics import Metrics
from evalkit.store.interface.models import RegisteredModels
from evalkit.store.interface.runs import Runs
from evalkit.store.interface.store import Store
from evalkit.store.interface.summaries import Summaries
from evalkit.store.interface.versions import ModelVersions

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
