"""Versions of targets, above all the commit that the code stands at."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import UsageError
from evalkit.targets.open import open_target
from evalkit.targets.version import git_version, resolved_version

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with one commit of ``bot.py``."""
    settings = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    (tmp_path / "bot.py").write_text("def bot(q):\n    return q\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", "bot.py"], ["commit", "-q", "-m", "Add the bot"]):
        subprocess.run([str(GIT), *settings, *words], cwd=tmp_path, check=True)
    return tmp_path


@needs_git
def test_git_stands_for_the_commit(repository: Path) -> None:
    asked = [str(GIT), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, cwd=repository, check=True, capture_output=True, text=True)
    assert git_version(repository) == commit.stdout.strip()


@needs_git
def test_changes_make_the_version_dirty_and_each_change_another(repository: Path) -> None:
    clean = git_version(repository)
    versions = {clean}
    for text in ("return 1", "return 2"):
        (repository / "bot.py").write_text(text, encoding="utf-8")
        versions.add(git_version(repository))
    assert len(versions) == 3
    assert {version.partition("-dirty-")[0] for version in versions} == {clean}


@needs_git
def test_files_that_git_does_not_track_do_not_count(repository: Path) -> None:
    clean = git_version(repository)
    (repository / "evalkit.db").write_text("results", encoding="utf-8")
    assert git_version(repository) == clean


@needs_git
def test_the_commit_is_that_of_the_functions_file(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(repository)
    namespace: dict[str, Any] = {}
    source = (repository / "bot.py").read_text(encoding="utf-8")
    exec(compile(source, str(repository / "bot.py"), "exec"), namespace)  # noqa: S102
    for bot in (namespace["bot"], functools.partial(namespace["bot"])):
        target = open_target(bot, version="git")
        assert target is not None
        assert target.identity.version == git_version(repository)


@needs_git
def test_no_repository_is_an_error_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match=r"finds no commit .*give a text instead"):
        git_version(tmp_path)


def test_without_git_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="git, which is not installed"):
        git_version(Path.cwd())


def test_a_text_is_the_version_as_it_is() -> None:
    assert resolved_version("2026-01") == "2026-01"


def test_an_empty_version_is_refused() -> None:
    with pytest.raises(UsageError, match="is empty"):
        resolved_version(" ")
