"""The sources of data that come with evalkit."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.plugin import DatasetSource, hookimpl
from evalkit_datasets.arrays import Arrays
from evalkit_datasets.arrow import ArrowData
from evalkit_datasets.csv import Csv
from evalkit_datasets.huggingface import HuggingFace
from evalkit_datasets.inspect_log import InspectLog
from evalkit_datasets.json import Json
from evalkit_datasets.jsonl import JsonLines
from evalkit_datasets.lm_eval import LmEvalSamples
from evalkit_datasets.pandas import PandasFrame
from evalkit_datasets.parquet import Parquet
from evalkit_datasets.polars import PolarsFrame
from evalkit_datasets.rows import InMemoryRows
from evalkit_datasets.yaml import Yaml


@hookimpl
def evalkit_datasets() -> Sequence[DatasetSource]:
    """Return the sources, general ones first: of several that accept data, the last is taken."""
    return (
        InMemoryRows(),
        Arrays(),
        PandasFrame(),
        PolarsFrame(),
        ArrowData(),
        HuggingFace(),
        JsonLines(),
        Json(),
        Csv(),
        Parquet(),
        Yaml(),
        InspectLog(),
        LmEvalSamples(),
    )
