"""A result as one HTML file that needs no network and runs nothing but its own script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalkit.report.embedded import chosen_rows, packed_cells, packed_index
from evalkit.report.json import plain
from evalkit.report.overview import overview
from evalkit.report.page import assets, content_policy, template
from evalkit.report.texts import one_line
from evalkit.report.writing import whole_file

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult

_STYLES: Final = ("page.css", "cases.css", "judges.css", "print.css")
_SCRIPTS: Final = (
    "dom.js",
    "numbers.js",
    "cells.js",
    "drawing.js",
    "summary.js",
    "judges.js",
    "sections.js",
    "browser.js",
    "detail.js",
    "start.js",
)


def write_page(result: EvaluationResult, path: Path) -> None:
    """Write summary, distributions, slices, failures and every case of *result* to *path*."""
    rows = chosen_rows(result)
    style = "\n" + assets(*_STYLES)
    script = f'\n"use strict";\n(() => {{\n{assets(*_SCRIPTS)}\n}})();\n'
    page = template("page.html").stream(
        title=one_line(result.name),
        policy=content_policy(style, script),
        style=style,
        script=script,
        overview=embeddable(overview(result, rows)),
        index=packed_index(result, rows),
        chunks=packed_cells(result, rows),
    )
    page.enable_buffering(16)
    with whole_file(path) as fresh:
        page.dump(str(fresh), encoding="utf-8", errors="replace")


def embeddable(value: Any) -> str:
    r"""Return *value* as JSON that cannot leave a ``script`` element.

    Examples:
        >>> embeddable({"a": "</script>"})
        '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
