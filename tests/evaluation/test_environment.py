"""The machine and software that a result names."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import pytest

from evalkit._internal.installed import named
from evalkit.evaluation.running import environment as module


def test_the_platform_is_named_as_python_names_it_and_no_program_is_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = platform.platform()

    def forbidden(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a program was run")

    monkeypatch.chdir(tmp_path)  # outside of any checkout
    monkeypatch.setattr(subprocess, "Popen", forbidden)

    assert module.environment(0)["platform"] == expected


def test_versions_are_those_of_the_metadata() -> None:
    packages = module.environment(0)["packages"]

    assert packages == {name: metadata.version(name) for name in packages}
    assert "numpy" in packages


def test_name_and_version_are_read_where_the_metadata_is_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "old.egg-info").write_text("Metadata-Version: 1.0\nName: old\nVersion: 0.9\n")
    (tmp_path / "new-2.0.dist-info").mkdir()
    text = "Metadata-Version: 2.1\r\nVersion: 2.0\r\nName: new\r\n\r\nVersion: 7\r\n"
    (tmp_path / "new-2.0.dist-info" / "METADATA").write_bytes(text.encode())

    found = sorted(named(one) for one in metadata.distributions(path=[str(tmp_path)]))

    assert found == [("new", "2.0"), ("old", "0.9")]


def test_a_repository_without_a_commit_names_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)  # noqa: S607
    monkeypatch.chdir(tmp_path)

    assert module.environment(0)["git"] == {"commit": None, "dirty": False}
