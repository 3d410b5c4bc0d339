"""The examples of the documentation run.

A page's ``python`` blocks run one after the other, as one program, in an empty folder.  A block
below a comment ``<!-- not run: why -->`` is only compiled.  In ``console`` blocks each ``evalkit``
command and its options must exist, and what follows ``--help`` must be what it prints.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from evalkit.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "evalkit/docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run:[^>]*-->\s*)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: Path, language: str) -> Iterator[tuple[str, bool]]:
    """Yield text and whether it runs, with as many empty lines before it as the page has."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        if match[2] == language:
            above = text[: match.start(3)].count("\n")
            yield "\n" * above + match[3], match[1] is None


def _commands() -> Iterator[tuple[Path, str, str]]:
    """Yield page, command and the lines printed below it."""
    for page in PAGES:
        for block, runs in _blocks(page, "console"):
            lines = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] if "$ " in block else []
            for entry in lines if runs else []:
                command, _, printed = entry.partition("\n")
                if command.startswith("evalkit "):
                    yield page, command.partition("  #")[0].strip(), printed.strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_TRACKING_URI", f"sqlite:///{tmp_path}/evalkit.db")
    names: dict[str, object] = {"__name__": "__main__"}
    for block, runs in _blocks(page, "python"):
        code = compile(block, str(page), "exec")
        if runs:
            exec(code, names)  # noqa: S102  the examples are ours


@pytest.mark.parametrize(
    ("page", "command", "printed"),
    [
        pytest.param(page, command, printed, id=f"{page.name}: {command}")
        for page, command, printed in _commands()
    ],
)
def test_a_command_of_a_page_exists_and_its_help_matches(
    page: Path, command: str, printed: str
) -> None:
    words = shlex.split(command)[1:]
    if words[-1] == "--help":
        shown = CliRunner().invoke(cli, words, prog_name="evalkit", terminal_width=80).output
        assert shown.strip() == printed, page.name
        return
    found, rest = _resolve(cli, words)
    options = {name for option in found.params for name in (*option.opts, *option.secondary_opts)}
    used = {word.partition("=")[0] for word in rest if word.startswith("-") and len(word) > 1}

    assert used <= options | {"--help", "--version"}, page.name


def _resolve(command: click.Command, words: list[str]) -> tuple[click.Command, list[str]]:
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        child = command.get_command(click.Context(command), rest.pop(0))
        assert child is not None, f"no such command: evalkit {' '.join(words)}"
        command = child
    return command, rest
