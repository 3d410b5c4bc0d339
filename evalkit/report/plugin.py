"""The reports that come with evalkit, as a plug-in: exporters by extension, and calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.hooks.specs import hookimpl

if TYPE_CHECKING:
    from evalkit.entities.exporter import Exporter


@hookimpl
def evalkit_reports() -> Iterable[Exporter]:
    """Return the exporters of evalkit."""
    # start-up: an evaluation that nobody prints needs no report
    from evalkit.report import calibration, cells, html, json, junit, markdown, table, tex
    from evalkit.report.comparison_html import comparison_page
    from evalkit.report.comparison_markdown import comparison_text
    from evalkit.report.comparison_table import show_systems
    from evalkit.report.markdown_text import marked
    from evalkit.report.writing import Report, as_file, write_text

    return [
        Report("table", (), table.refuse, show=table.show, show_comparison=show_systems),
        Report("html", (".html", ".htm"), html.write_page, as_file(comparison_page)),
        Report(
            "markdown",
            (".md", ".markdown"),
            lambda r, path: write_text(path, marked(r.name, markdown.text(r))),
            lambda c, path: write_text(path, marked("comparison", comparison_text(c))),
        ),
        Report("json", (".json",), as_file(json.text), as_file(json.comparison_text)),
        Report("junit", (".xml",), junit.write_xml),
        Report("csv", (".csv",), cells.write_csv),
        Report("parquet", (".parquet",), cells.write_parquet),
        Report("tex", (".tex",), as_file(tex.text), as_file(tex.comparison_table)),
        # The scores of a result alone, to commit and to compare later runs with.
        Report("baseline", (".baseline.json",), lambda r, path: r.write_baseline(path)),
        Report("calibration", (), calibration.refuse, show=calibration.show),
    ]


@hookimpl
def evalkit_calibrators() -> Mapping[str, Callable[..., Any]]:
    """Return the calibration of evalkit, for `Judge.calibrate`."""
    return {"calibrate": _calibrate}


def _calibrate(judge: Any, cases: Any, **options: Any) -> Any:
    # start-up: a report needs no calibration
    from evalkit.evaluation.calibrate import calibrate

    return calibrate(judge, cases, **options)
