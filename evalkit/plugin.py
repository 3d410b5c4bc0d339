"""The whole API for plug-in authors: import from here and from nowhere else."""

from __future__ import annotations

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.optional import require
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import CASE_FIELDS, Case
from evalkit.entities.dataset import Chunk, DatasetSource
from evalkit.entities.estimate import Direction, Estimate
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
from evalkit.errors import (
    BindingError,
    DataError,
    EvalkitError,
    MissingColumnError,
    MissingExtraError,
    TargetError,
    UsageError,
    near_miss,
)
from evalkit.hooks.specs import hookimpl
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.facts import UNIT, MetricFacts
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
from evalkit.scoring.sufficient import Additive, Rows

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
    "Direction",
    "Estimate",
    "EvalkitError",
    "Failure",
    "Invocation",
    "MetricFacts",
    "MissingColumnError",
    "MissingExtraError",
    "Output",
    "Rows",
    "RowsScorer",
    "Score",
    "ScoreColumn",
    "Scorer",
    "Status",
    "Target",
    "TargetError",
    "TargetIdentity",
    "ThreadTarget",
    "UsageError",
    "Verdict",
    "as_references",
    "as_text",
    "canonical_json",
    "expected_values",
    "follow",
    "hookimpl",
    "near_miss",
    "output_texts",
    "parse_json",
    "references",
    "require",
    "targets",
]
