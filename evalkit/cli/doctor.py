"""``evalkit doctor``: what is installed, configured and reachable."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from evalkit.cli.command import Command
from evalkit.cli.group import DISTRIBUTION
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import emit
from evalkit.gates.verdict import EXIT_CODES, Verdict
from evalkit.report.console import Part, grid, styled

_FOR_USERS: Final = ("judges", "huggingface", "polars", "remote", "testing")
_OWN_VARIABLES: Final = (
    "EVALKIT_TRACKING_URI",
    "EVALKIT_JUDGE_MODEL",
    "EVALKIT_HOME",
    "EVALKIT_DISABLE_PLUGINS",
)
_KEYS: Final = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "AZURE_API_KEY",
    "GEMINI_API_KEY",
    "MISTRAL_API_KEY",
    "OPENROUTER_API_KEY",
    "HF_TOKEN",
)
_MARKS: Final = {"ok": ("✓", "green"), "missing": ("·", "yellow"), "wrong": ("✗", "bold red")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination."""

    section: str
    what: str
    state: str
    """``ok``, ``missing`` (which is fine) or ``wrong``."""

    note: str


@click.command(cls=Command, example="evalkit doctor")
@json_option
@store_option
@click.pass_context
def command(context: click.Context, /, *, as_json: bool) -> None:
    """Say what is installed, configured and reachable; exit with 4 if anything is wrong.

    No network is used, and no value of a key is shown.
    """
    examined: Sequence[Callable[[], Iterator[Finding]]] = (
        _software,
        _extras,
        _plugins,
        _store,
        _environment,
    )
    findings = [finding for examine in examined for finding in examine()]
    emit([asdict(finding) for finding in findings], lambda _: _drawn(findings), as_json=as_json)
    wrong = any(finding.state == "wrong" for finding in findings)
    context.exit(EXIT_CODES[Verdict.INFRA] if wrong else 0)


def _software() -> Iterator[Finding]:
    finding = partial(Finding, section="software")
    where = Path(__file__).parents[1]
    version = metadata.version(DISTRIBUTION)
    yield finding(what="evalkit", state="ok", note=f"{version} in {where}")
    note = f"{platform.python_version()} on {platform.platform()}"
    yield finding(what="Python", state="ok", note=note)
    absent = [name for name in _required(None) if _version(name) is None]
    if absent:
        note = f"{', '.join(absent)}: run pip install --force-reinstall {DISTRIBUTION}"
        yield finding(what="dependencies", state="wrong", note=note)
    else:
        names = ("numpy", "pandas", "pyarrow", "scikit-learn")
        note = ", ".join(f"{name} {_version(name)}" for name in names)
        yield finding(what="dependencies", state="ok", note=note)


def _extras() -> Iterator[Finding]:
    finding = partial(Finding, section="extras")
    for extra in _FOR_USERS:
        versions = {name: _version(name) for name in _required(extra)}
        absent = ", ".join(name for name, version in versions.items() if version is None)
        if absent:
            note = f"no {absent}; to add: pip install '{DISTRIBUTION}[{extra}]'"
            yield finding(what=extra, state="missing", note=note)
        else:
            note = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield finding(what=extra, state="ok", note=note)


def _required(extra: str | None) -> Iterator[str]:
    """Yield the distributions that evalkit, or one of its extras, requires."""
    for line in metadata.requires(DISTRIBUTION) or ():
        requirement, _, marker = line.partition(";")
        wanted = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        name = re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]
        if (wanted is None if extra is None else wanted is not None and wanted[1] == extra) and (
            name != DISTRIBUTION
        ):
            yield name


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _plugins() -> Iterator[Finding]:
    from evalkit.errors import EvalkitError
    from evalkit.hooks.catalog import catalog
    from evalkit.settings import settings

    finding = partial(Finding, section="plug-ins")
    try:
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
    except EvalkitError as error:
        yield finding(what="loading", state="wrong", note=str(error))
        return
    for name, origin in offered.plugins.provenance.items():
        if name not in offered.plugins.broken:
            yield finding(what=name, state="ok", note=str(origin))
    for name, why in offered.plugins.broken.items():
        yield finding(what=name, state="wrong", note=why)
    for name in settings().disabled_plugins:
        note = "blocked by EVALKIT_DISABLE_PLUGINS"
        yield finding(what=name, state="missing", note=note)
    note = ", ".join(f"{count} {kind}" for kind, count in offers.items() if count)
    yield finding(what="together", state="ok", note=note)


def _store() -> Iterator[Finding]:
    from evalkit.errors import EvalkitError
    from evalkit.store.open import shown_uri
    from evalkit.tracking.place import current_store, get_tracking_uri

    finding = partial(Finding, section="store")
    uri = get_tracking_uri()
    name = shown_uri(uri)
    file = Path(uri.removeprefix("sqlite:///")).expanduser().absolute()
    local = uri.startswith("sqlite:///")
    if local and not _is_writable(next(place for place in file.parents if place.exists())):
        yield finding(what=name, state="wrong", note="cannot be written")
        return
    if local and not file.exists():  # looking must not leave a database behind
        note = "will be made by the first run"
        yield finding(what=name, state="ok", note=note)
        return
    try:
        newest = current_store().runs.search(limit=1)
    except EvalkitError as error:
        yield finding(what=name, state="wrong", note=str(error))
        return
    note = f"last run: {newest[0].run_name}" if newest else "no runs yet"
    yield finding(what=name, state="ok", note=note)


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _environment() -> Iterator[Finding]:
    from evalkit.settings import secret

    finding = partial(Finding, section="environment")
    for name in (*_OWN_VARIABLES, *_KEYS):
        if secret(name):
            yield finding(what=name, state="ok", note="is set")
    if not any(secret(name) for name in _KEYS):
        note = "none of the usual ones is set; local servers need none"
        yield finding(what="keys of models", state="missing", note=note)


def _drawn(findings: Sequence[Finding]) -> Iterator[Part]:
    table = grid("llf")
    section = None
    for finding in findings:
        if finding.section != section:
            if section is not None:
                table.add_row()
            section = finding.section
            table.add_row("", styled(section))
        style = "bold red" if finding.state == "wrong" else ""
        mark = styled(*_MARKS[finding.state])
        table.add_row(mark, styled(finding.what, ""), styled(finding.note, style))
    yield table
