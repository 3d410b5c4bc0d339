"""``evalkit doctor``: what is installed, configured and reachable."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from evalkit.cli.command import Command
from evalkit.cli.group import DISTRIBUTION
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import show, write_json
from evalkit.gates.verdict import EXIT_CODES, Verdict

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination."""

    section: str
    what: str
    state: str
    """``ok``, ``missing`` (which is fine) or ``wrong``."""

    told: str


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
    if as_json:
        write_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    wrong = any(finding.state == "wrong" for finding in findings)
    context.exit(EXIT_CODES[Verdict.INFRA] if wrong else 0)


def _software() -> Iterator[Finding]:
    where = Path(__file__).parents[1]
    version = metadata.version(DISTRIBUTION)
    yield Finding(section="software", what="evalkit", state="ok", told=f"{version} in {where}")
    told = f"{platform.python_version()} on {platform.platform()}"
    yield Finding(section="software", what="Python", state="ok", told=told)
    absent = [name for name in _required(None) if _version(name) is None]
    if absent:
        told = f"{', '.join(absent)}: run pip install --force-reinstall {DISTRIBUTION}"
        yield Finding(section="software", what="dependencies", state="wrong", told=told)
    else:
        told = ", ".join(
            f"{name} {_version(name)}" for name in ("numpy", "pandas", "pyarrow", "scikit-learn")
        )
        yield Finding(section="software", what="dependencies", state="ok", told=told)


def _extras() -> Iterator[Finding]:
    for extra in _FOR_USERS:
        names = list(_required(extra))
        found = [f"{name} {_version(name)}" for name in names if _version(name) is not None]
        if len(found) == len(names):
            yield Finding(section="extras", what=extra, state="ok", told=", ".join(found))
        else:
            absent = ", ".join(name for name in names if _version(name) is None)
            told = f"no {absent}; to add: pip install '{DISTRIBUTION}[{extra}]'"
            yield Finding(section="extras", what=extra, state="missing", told=told)


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

    try:
        found = catalog()
        offers = {
            "scorers": len(found.scorers),
            "scorer families": len(found.scorer_families),
            "data sources": len(found.datasets),
            "target schemes": len(found.targets),
            "reports": len(found.reports),
            "calibrators": len(found.calibrators),
            "commands": len(found.commands),
        }
    except EvalkitError as error:
        yield Finding(section="plug-ins", what="loading", state="wrong", told=str(error))
        return
    for name, origin in found.plugins.provenance.items():
        if name not in found.plugins.broken:
            yield Finding(section="plug-ins", what=name, state="ok", told=str(origin))
    for name, why in found.plugins.broken.items():
        yield Finding(section="plug-ins", what=name, state="wrong", told=why)
    for name in settings().disabled_plugins:
        told = "blocked by EVALKIT_DISABLE_PLUGINS"
        yield Finding(section="plug-ins", what=name, state="missing", told=told)
    told = ", ".join(f"{count} {kind}" for kind, count in offers.items() if count)
    yield Finding(section="plug-ins", what="together", state="ok", told=told)


def _store() -> Iterator[Finding]:
    from evalkit.errors import EvalkitError
    from evalkit.store.open import shown_uri
    from evalkit.tracking.place import current_store, get_tracking_uri

    uri = get_tracking_uri()
    name = shown_uri(uri)
    file = Path(uri.removeprefix("sqlite:///")).expanduser().absolute()
    local = uri.startswith("sqlite:///")
    if local and not _is_writable(next(place for place in file.parents if place.exists())):
        yield Finding(section="store", what=name, state="wrong", told="cannot be written")
        return
    if local and not file.exists():  # looking must not leave a database behind
        told = "will be made by the first run"
        yield Finding(section="store", what=name, state="ok", told=told)
        return
    try:
        newest = current_store().runs.search(limit=1)
    except EvalkitError as error:
        yield Finding(section="store", what=name, state="wrong", told=str(error))
        return
    told = f"last run: {newest[0].run_name}" if newest else "no runs yet"
    yield Finding(section="store", what=name, state="ok", told=told)


def _is_writable(folder: Path) -> bool:
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _environment() -> Iterator[Finding]:
    from evalkit.settings import secret

    for name in (*_OWN_VARIABLES, *_KEYS):
        if secret(name):
            yield Finding(section="environment", what=name, state="ok", told="is set")
    if not any(secret(name) for name in _KEYS):
        told = "none of the usual ones is set; local servers need none"
        yield Finding(section="environment", what="keys of models", state="missing", told=told)


def _show(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    marks = {
        "ok": Text("✓", "green"),
        "missing": Text("·", "yellow"),
        "wrong": Text("✗", "bold red"),
    }
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    section = None
    for finding in findings:
        if finding.section != section:
            if section is not None:
                grid.add_row()
            section = finding.section
            grid.add_row("", Text(section, "bold"))
        style = "bold red" if finding.state == "wrong" else ""
        grid.add_row(marks[finding.state], Text(finding.what), Text(finding.told, style))
    show(grid)
