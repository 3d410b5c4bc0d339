"""``evalkit doctor``: what is installed, configured and reachable."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias

import click

from evalkit._internal.installed import DISTRIBUTION, requirements
from evalkit.cli.command import Command
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import emit
from evalkit.errors import EvalkitError
from evalkit.gates.verdict import EXIT_CODES, Verdict
from evalkit.report.console import Part, grid, styled
from evalkit.settings import settings, variables_that_count

_FOR_USERS: Final = (
    "judges",
    "http",
    "huggingface",
    "polars",
    "remote",
    "postgresql",
    "mysql",
    "testing",
)
_MARKS: Final = {"ok": ("✓", "green"), "missing": ("·", "yellow"), "wrong": ("✗", "bold red")}


Finding: TypeAlias = tuple[str, str, str]
"""What was looked at, ``ok``, ``missing`` (which is fine) or ``wrong``, and a note."""


@click.command(cls=Command, example="evalkit doctor")
@json_option
@store_option
@click.pass_context
def command(context: click.Context, /, *, as_json: bool) -> None:
    """Say what is installed and configured; exit with 4 if anything is wrong.

    Nothing but the store is looked up, and no value of a key is shown.
    """
    sections: dict[str, Callable[[], Iterator[Finding]]] = {
        "software": _software,
        "extras": _extras,
        "plug-ins": _plugins,
        "store": _store,
        "environment": _environment,
    }
    findings = [
        {"section": section, "what": what, "state": state, "note": note}
        for section, examine in sections.items()
        for what, state, note in examine()
    ]
    emit(findings, _drawn, as_json=as_json)
    wrong = any(finding["state"] == "wrong" for finding in findings)
    context.exit(EXIT_CODES[Verdict.INFRA] if wrong else 0)


def _software() -> Iterator[Finding]:
    yield "evalkit", "ok", f"{metadata.version(DISTRIBUTION)} in {Path(__file__).parents[1]}"
    yield "Python", "ok", f"{platform.python_version()} on {platform.platform()}"
    absent = _absent(requirements())
    if absent:
        yield "dependencies", "wrong", f"run: pip install {absent}"
    else:
        names = ("numpy", "pandas", "pyarrow", "scikit-learn")
        yield "dependencies", "ok", ", ".join(f"{name} {_version(name)}" for name in names)


def _extras() -> Iterator[Finding]:
    for extra in _FOR_USERS:
        needs = list(requirements(extra))
        absent = _absent(needs)
        if absent:
            yield extra, "missing", f"to add: pip install {absent}"
        else:
            names = map(_name, needs)
            yield extra, "ok", ", ".join(f"{name} {_version(name)}" for name in names)


def _absent(needs: Iterable[str]) -> str:
    """Return those of *needs* that are not installed, as a shell takes them."""
    return " ".join(f"'{need}'" for need in needs if _version(_name(need)) is None)


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _plugins() -> Iterator[Finding]:
    from evalkit.hooks.catalog import catalog

    offered = catalog()
    offers = {
        "scorers": len(offered.scorers),
        "scorer families": len(offered.scorer_families),
        "data sources": len(offered.datasets),
        "target schemes": len(offered.targets),
        "reports": len(offered.reports),
        "calibrators": len(offered.calibrators),
        "commands": len(offered.commands),
    }
    left_out = offered.plugins.left_out
    for name, origin in offered.plugins.provenance.items():
        if name not in dict(left_out):
            yield name, "ok", str(origin)
    for name, why in left_out:
        yield name, "wrong", why
    for name in settings().disabled_plugins:
        yield name, "missing", "blocked by EVALKIT_DISABLE_PLUGINS"
    yield "together", "ok", ", ".join(f"{count} {kind}" for kind, count in offers.items() if count)


def _store() -> Iterator[Finding]:
    from evalkit.store.open import shown_uri
    from evalkit.tracking.place import current_store, get_tracking_uri

    uri = get_tracking_uri()
    name = shown_uri(uri)
    file = Path(uri.removeprefix("sqlite:///")).expanduser().absolute()
    local = uri.startswith("sqlite:///")
    if local and not _is_writable(next(place for place in file.parents if place.exists())):
        if file.exists():
            yield name, "missing", "can be read, not written: no run can be kept here"
        else:
            yield name, "wrong", "cannot be written"
        return
    if local and not file.exists():  # looking must not leave a database behind
        yield name, "ok", "will be made by the first run"
        return
    try:
        newest = current_store().runs.search(limit=1)
    except EvalkitError as error:
        yield name, "wrong", str(error)
        return
    yield name, "ok", f"last run: {newest[0].run_name}" if newest else "no runs yet"


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _environment() -> Iterator[Finding]:
    names = list(variables_that_count())
    yield from ((name, "ok", "is set") for name in names)
    if not any(name.endswith("_API_KEY") for name in names):
        yield "keys of models", "missing", "none is set; local servers need none"


def _drawn(findings: Sequence[dict[str, str]]) -> Iterator[Part]:
    table = grid("llf")
    for number, (section, lines) in enumerate(groupby(findings, lambda line: line["section"])):
        if number:
            table.add_row()
        table.add_row("", styled(section))
        for line in lines:
            style = "bold red" if line["state"] == "wrong" else ""
            mark = styled(*_MARKS[line["state"]])
            table.add_row(mark, styled(line["what"], ""), styled(line["note"], style))
    yield table
