"""The reports that come with evalkit, as a plug-in: exporters by extension, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evalkit.hooks.specs import hookimpl
from evalkit.report.baseline import BaselineReport
from evalkit.report.calibration import CalibrationReport
from evalkit.report.cells import CsvReport, ParquetReport
from evalkit.report.html import HtmlReport
from evalkit.report.json import JsonReport
from evalkit.report.junit import JunitReport
from evalkit.report.markdown import MarkdownReport
from evalkit.report.table import TableReport
from evalkit.report.tex import TexReport


@hookimpl
def evalkit_reports() -> Iterable[Any]:
    """Return the exporters of evalkit."""
    return [
        TableReport(),
        HtmlReport(),
        MarkdownReport(),
        JsonReport(),
        JunitReport(),
        CsvReport(),
        ParquetReport(),
        TexReport(),
        BaselineReport(),
        CalibrationReport(),
    ]


@hookimpl
def evalkit_calibrators() -> Mapping[str, Callable[..., Any]]:
    """Return the calibration of evalkit, for `Judge.calibrate`."""
    return {"calibrate": _calibrate}


def _calibrate(judge: Any, cases: Any, **options: Any) -> Any:
    from evalkit.evaluation.calibrate import calibrate

    return calibrate(judge, cases, **options)
