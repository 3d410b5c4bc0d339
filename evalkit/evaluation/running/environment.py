"""The machine and software that made the numbers."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from evalkit._internal.installed import named

_PACKAGES: Final = (
    "evalkit-ai",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "sacrebleu",
    "rapidfuzz",
    "nltk",
    "litellm",
)


@functools.lru_cache(maxsize=1)
def _software() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            _, versions[name] = named(metadata.distribution(name))
        except metadata.PackageNotFoundError:
            continue
    return versions


def _git(folder: Path) -> dict[str, Any]:
    """Return commit and dirtiness of the checkout around *folder*; empty outside of one."""
    if not any((place / ".git").exists() for place in (folder, *folder.parents)):
        return {}
    try:
        lines = subprocess.run(  # noqa: S603  fixed arguments
            ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "-uno"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return {}
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), None)
    commit = None if commit == "(initial)" else commit  # of a repository without any
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


def _platform() -> str:
    """Return ``platform.platform()``, which on Linux runs a program whose answer it leaves out."""
    if sys.platform != "linux":
        return platform.platform()
    machine = platform.uname()
    library = "".join(platform.libc_ver())
    parts = (machine.system, machine.release, machine.machine, *(("with", library) * bool(library)))
    return "-".join(parts).replace(" ", "_").replace("/", "-")


def environment(seed: int) -> dict[str, Any]:
    """Return packages, git commit and dirtiness, machine and seed, as JSON values."""
    return {
        "python": platform.python_version(),
        "packages": dict(_software()),
        "platform": _platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "git": _git(Path.cwd()),
        "program": Path(sys.argv[0]).name if sys.argv and sys.argv[0] else None,
        "seed": seed,
    }
