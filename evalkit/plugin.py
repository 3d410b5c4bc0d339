"""The whole API for plug-in authors: import from here and from nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.exact import written_number
from evalkit._internal.lazy import lazily
from evalkit._internal.optional import require
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import CASE_FIELDS, Case
from evalkit.entities.dataset import Chunk, DatasetSource
from evalkit.entities.estimate import Direction, Estimate
from evalkit.entities.exporter import Exporter
from evalkit.entities.score import Score, Status
from evalkit.entities.target import (
    AsyncTarget,
    BatchTarget,
    Failure,
    Invocation,
    Output,
    Target,
    TargetIdentity,
    ThreadTarget,
)
from evalkit.entities.trace import Trace
from evalkit.errors import (
    BindingError,
    DataError,
    EvalkitError,
    MissingColumnError,
    MissingExtraError,
    TargetError,
    UnknownScorerError,
    UsageError,
    near_miss,
)
from evalkit.hooks.specs import hookimpl
from evalkit.scoring.column import Additive, Rows, ScoreColumn
from evalkit.scoring.facts import UNIT, MetricFacts
from evalkit.scoring.means import Means
from evalkit.scoring.parameters import checked_parameters, parameter_types
from evalkit.scoring.patterns import PatternTimeoutError, compile_pattern, pattern_matches
from evalkit.scoring.protocol import (
    AdditiveScorer,
    BatchScorer,
    CaseScorer,
    Columns,
    RowsScorer,
    Scorer,
    Verdict,
)
from evalkit.scoring.reading import (
    as_references,
    as_text,
    expected_values,
    follow,
    output_texts,
    references,
    targets,
)

if TYPE_CHECKING:
    from evalkit._internal.plain_yaml import RowsLoader
    from evalkit.data.traces import is_trace, read_trace
    from evalkit.judging.judge import Judge, load_judge, make_judge
    from evalkit.judging.pairwise import PairwiseJudge
    from evalkit.stats.calibration import DebiasedError, debiased_calibration_error
    from evalkit.stats.clustered import rate_trials
    from evalkit.stats.interval import Interval, normal_quantile, t_quantile
    from evalkit.stats.paired import share_difference
    from evalkit.stats.resampling import bootstrap_totals, bootstrap_weights
    from evalkit.stats.roc import delong_auc, delong_difference, share_interval

_LAZY: Final = {
    "DebiasedError": "evalkit.stats.calibration",
    "Interval": "evalkit.stats.interval",
    "Judge": "evalkit.judging.judge",
    "PairwiseJudge": "evalkit.judging.pairwise",
    "bootstrap_totals": "evalkit.stats.resampling",
    "bootstrap_weights": "evalkit.stats.resampling",
    "debiased_calibration_error": "evalkit.stats.calibration",
    "delong_auc": "evalkit.stats.roc",
    "delong_difference": "evalkit.stats.roc",
    "is_trace": "evalkit.data.traces",
    "load_judge": "evalkit.judging.judge",
    "make_judge": "evalkit.judging.judge",
    "normal_quantile": "evalkit.stats.interval",
    "RowsLoader": "evalkit._internal.plain_yaml",
    "rate_trials": "evalkit.stats.clustered",
    "read_trace": "evalkit.data.traces",
    "share_difference": "evalkit.stats.paired",
    "share_interval": "evalkit.stats.roc",
    "t_quantile": "evalkit.stats.interval",
}
"""Imported when they are first used: statistics bring numpy, and few plug-ins have judges."""

__all__ = [
    "CASE_FIELDS",
    "UNIT",
    "Additive",
    "AdditiveScorer",
    "AsyncTarget",
    "BatchScorer",
    "BatchTarget",
    "BindingError",
    "Case",
    "CaseBatch",
    "CaseScorer",
    "Chunk",
    "Columns",
    "DataError",
    "DatasetSource",
    "DebiasedError",
    "Direction",
    "Estimate",
    "EvalkitError",
    "Exporter",
    "Failure",
    "Interval",
    "Invocation",
    "Judge",
    "Means",
    "MetricFacts",
    "MissingColumnError",
    "MissingExtraError",
    "Output",
    "PairwiseJudge",
    "PatternTimeoutError",
    "Rows",
    "RowsLoader",
    "RowsScorer",
    "Score",
    "ScoreColumn",
    "Scorer",
    "Status",
    "Target",
    "TargetError",
    "TargetIdentity",
    "ThreadTarget",
    "Trace",
    "UnknownScorerError",
    "UsageError",
    "Verdict",
    "as_references",
    "as_text",
    "bootstrap_totals",
    "bootstrap_weights",
    "canonical_json",
    "checked_parameters",
    "compile_pattern",
    "debiased_calibration_error",
    "delong_auc",
    "delong_difference",
    "expected_values",
    "follow",
    "hookimpl",
    "is_trace",
    "load_judge",
    "make_judge",
    "near_miss",
    "normal_quantile",
    "output_texts",
    "parameter_types",
    "parse_json",
    "pattern_matches",
    "rate_trials",
    "read_trace",
    "references",
    "require",
    "share_difference",
    "share_interval",
    "t_quantile",
    "targets",
    "written_number",
]

__getattr__ = lazily(__name__, _LAZY)


def __dir__() -> list[str]:
    return __all__
