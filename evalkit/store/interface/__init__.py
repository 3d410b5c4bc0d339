"""What every store promises, whatever it is made of: one small Protocol a noun, and their bag."""

from evalkit.store.interface.experiments import DEFAULT_EXPERIMENT_ID as DEFAULT_EXPERIMENT_ID
from evalkit.store.interface.experiments import Experiments as Experiments
from evalkit.store.interface.models import ModelVersions as ModelVersions
from evalkit.store.interface.models import RegisteredModels as RegisteredModels
from evalkit.store.interface.records import Assessments as Assessments
from evalkit.store.interface.records import Cards as Cards
from evalkit.store.interface.records import Metrics as Metrics
from evalkit.store.interface.records import Summaries as Summaries
from evalkit.store.interface.runs import Runs as Runs
from evalkit.store.interface.store import Store as Store
