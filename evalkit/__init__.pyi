# What a type checker sees of evalkit: the same table as in __init__.py.

from evalkit import judging as judging
from evalkit import stats as stats
from evalkit import tracing as tracing
from evalkit import tracking as tracking
from evalkit.entities.case import Case as Case
from evalkit.entities.estimate import Estimate as Estimate
from evalkit.entities.score import Score as Score
from evalkit.entities.target import Output as Output
from evalkit.errors import EvalkitError as EvalkitError
from evalkit.evaluation.audit import audit as audit
from evalkit.evaluation.comparing.comparison import Comparison as Comparison
from evalkit.evaluation.evaluate import aevaluate as aevaluate
from evalkit.evaluation.evaluate import evaluate as evaluate
from evalkit.evaluation.evaluate import resume as resume
from evalkit.evaluation.merge import merge as merge
from evalkit.evaluation.result import EvaluationResult as EvaluationResult
from evalkit.evaluation.running.runtime import Runtime as Runtime
from evalkit.evaluation.sweep import compare as compare
from evalkit.evaluation.sweep import grid as grid
from evalkit.evaluation.sweep import sweep as sweep
from evalkit.hooks.catalog import get_scorer as get_scorer
from evalkit.judging.judge import make_judge as make_judge
from evalkit.registry import models as models
from evalkit.scoring.decorator import scorer as scorer
from evalkit.suites.suite import suite as suite
from evalkit.targets.chat import chat as chat
from evalkit.targets.endpoint import endpoint as endpoint

__version__: str

__all__ = [
    "Case",
    "Comparison",
    "Estimate",
    "EvalkitError",
    "EvaluationResult",
    "Output",
    "Runtime",
    "Score",
    "__version__",
    "aevaluate",
    "audit",
    "chat",
    "compare",
    "endpoint",
    "evaluate",
    "get_scorer",
    "grid",
    "judging",
    "make_judge",
    "merge",
    "models",
    "resume",
    "scorer",
    "stats",
    "suite",
    "sweep",
    "tracing",
    "tracking",
]
