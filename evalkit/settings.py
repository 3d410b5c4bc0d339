"""Settings from the environment and from ``[tool.evalkit]``: the only module that reads either."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import tomllib
from collections.abc import Generator, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit.errors import SpecificationError

DEFAULT_TRACKING_URI: Final = "sqlite:///evalkit.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set from outside the program."""

    tracking_uri: str = DEFAULT_TRACKING_URI
    """``EVALKIT_TRACKING_URI``: the store."""

    artifact_root: str | None = None
    """``EVALKIT_ARTIFACT_ROOT``: where files of runs lie; beside the store by default."""

    disabled_plugins: tuple[str, ...] = ()
    """``EVALKIT_DISABLE_PLUGINS``: entry points not to load, separated by commas."""

    judge_model: str | None = None
    """``EVALKIT_JUDGE_MODEL``: model of judges that name none."""

    data_directory: str | None = None
    """``EVALKIT_HOME``: folder of the cache of model calls; beside the store by default."""


@functools.lru_cache(maxsize=1)
def _read(environment: tuple[tuple[str, str], ...]) -> Settings:
    variables = dict(environment)
    blocked = variables.get("EVALKIT_DISABLE_PLUGINS", "")
    return Settings(
        tracking_uri=variables.get("EVALKIT_TRACKING_URI") or DEFAULT_TRACKING_URI,
        artifact_root=variables.get("EVALKIT_ARTIFACT_ROOT") or None,
        disabled_plugins=tuple(name.strip() for name in blocked.split(",") if name.strip()),
        judge_model=variables.get("EVALKIT_JUDGE_MODEL"),
        data_directory=variables.get("EVALKIT_HOME"),
    )


_OVERRIDE: ContextVar[Settings | None] = ContextVar("evalkit_settings", default=None)


@contextlib.contextmanager
def use_settings(chosen: Settings) -> Generator[None]:
    """Have *chosen* in force instead of the environment's, for this thread or task.

    A server that keeps several places, or a test, must not write to the environment of all.

    Examples:
        >>> with use_settings(Settings(judge_model="openai/gpt-5-mini")):
        ...     settings().judge_model
        'openai/gpt-5-mini'
    """
    token = _OVERRIDE.set(chosen)
    try:
        yield
    finally:
        _OVERRIDE.reset(token)


def settings() -> Settings:
    """Return the settings in force: those of `use_settings`, else as the environment gives them."""
    chosen = _OVERRIDE.get()
    if chosen is not None:
        return chosen
    return _read(tuple((k, v) for k, v in sorted(os.environ.items()) if k.startswith("EVALKIT_")))


_COUNT: Final = re.compile(
    r"EVALKIT_\w+|\w+_API_(KEY|BASE|VERSION)|\w+_BASE_URL|HF_TOKEN|(AWS|VERTEXAI)_\w+"
    r"|(HTTPS?|NO)_PROXY|SSL_CERT_(FILE|DIR)|XDG_CACHE_HOME|LITELLM_\w+"
    r"|NO_COLOR|FORCE_COLOR|COLUMNS|GITHUB_(ACTIONS|WORKSPACE|STEP_SUMMARY)",
    re.IGNORECASE,
)


def variables_that_count() -> Iterator[str]:
    """Yield the names of variables that are set and have an effect here, or by their names may."""
    return (name for name in sorted(os.environ) if os.environ[name] and _COUNT.fullmatch(name))


def variable(name: str) -> str | None:
    """Return the environment variable *name*, which holds no secret, such as a server's address."""
    return os.environ.get(name)


_KEY_VARIABLES: Final = set[str]()
"""Variables that were read as secrets, whatever their names."""


def secret(name: str) -> str | None:
    """Return a secret from the environment variable *name*; never log, store or show it."""
    _KEY_VARIABLES.add(name)
    return os.environ.get(name)


_TELLING: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|(?:\A|_)(?:AUTH|PAT|PASS|PASSPHRASE)(?:_|\Z)", re.IGNORECASE
)
_LOGIN: Final = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
_ORDINARY: Final = re.compile(r"[a-z]{1,11}|[\d.,]+|[/~.].*|[a-z]+://.*", re.IGNORECASE)
"""Values that blot out ordinary text and hide nothing: words, numbers, paths, addresses."""

_SHORTEST: Final = 8


def n_variables() -> int:
    """Return how many variables the environment has: another number shows that it has changed."""
    return len(os.environ)


def secrets_in_environment() -> list[str]:
    """Return the values of variables that hold secrets, so that texts can hide them.

    Those that were read as keys, those whose names tell of a secret (some libraries find their keys
    by themselves), and passwords in addresses; of at least 8 characters.
    """
    values: list[str] = []
    for name, value in os.environ.items():
        values += _LOGIN.findall(value)
        if name in _KEY_VARIABLES or (_TELLING.search(name) and not _ORDINARY.fullmatch(value)):
            values.append(value.strip())
    return [value for value in dict.fromkeys(values) if len(value) >= _SHORTEST]


def colours() -> bool | None:
    """Say whether to colour (``FORCE_COLOR``, ``NO_COLOR``); ``None``: where a terminal can."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def user_cache_folder() -> Path:
    """Return the user's folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evalkit"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubActions:
    """What a job of GitHub Actions tells its programs."""

    workspace: Path | None = None
    """Folder of the repository."""

    summary: Path | None = None
    """File whose Markdown is shown with the step."""


def github_actions() -> GitHubActions | None:
    """Return what GitHub Actions tells this process, or ``None`` outside of it."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return None
    workspace, summary = map(os.environ.get, ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"))
    return GitHubActions(
        workspace=Path(workspace) if workspace else None, summary=Path(summary) if summary else None
    )


def project_cards(start: Path) -> Path | None:
    """Return the folder of judges' cards that ``cards`` of ``[tool.evalkit]`` names, if it does.

    Raises:
        SpecificationError: If the project's file is not TOML, or ``cards`` is no text.
    """
    folder, words = _project(start)
    cards = words.get("cards")
    if cards is None:
        return None
    if not isinstance(cards, str):
        raise SpecificationError(f"[tool.evalkit] cards = {cards!r}: it is a folder's path.")
    return folder / cards


def infrastructure_errors(start: Path) -> tuple[str, ...]:
    """Return the errors that ``infrastructure`` of ``[tool.evalkit]`` adds, by path of their class.

    Raises:
        SpecificationError: If the project's file is not TOML, or these are no texts.
    """
    paths = _project(start)[1].get("infrastructure", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        problem = 'a list of classes, such as ["app.errors.BackendDown"]'
        raise SpecificationError(f"[tool.evalkit] infrastructure = {paths!r}: it is {problem}.")
    return tuple(paths)


def project_settings(start: Path) -> Mapping[str, Any]:
    """Return ``[tool.evalkit]`` of the nearest ``pyproject.toml`` at or above *start*.

    Raises:
        SpecificationError: If that file is not TOML.
    """
    return _project(start)[1]


def _project(start: Path) -> tuple[Path, Mapping[str, Any]]:
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            try:
                tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
            except tomllib.TOMLDecodeError as error:
                raise SpecificationError(f"{file} is not TOML: {error}.") from error
            return folder, tool.get("evalkit", {})
    return start, {}
