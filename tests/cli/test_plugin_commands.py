"""Commands of a stranger's plug-in, installed as its own distribution."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Type = Callable[..., Any]
PLUGIN = '''
import click
from evalkit.plugin import hookimpl


@click.command("{name}")
@click.option("--loud", is_flag=True, help="Shout.")
def greet(loud):
    """Greet the user of a plug-in."""
    click.echo("HELLO" if loud else "hello")


@hookimpl
def evalkit_commands():
    """Return the commands."""
    return [greet]
'''


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Any]:
    """Install a module as a distribution with an entry point; return the environment to use."""

    def install(source: str, module: str = "stranger_plugin") -> dict[str, str]:
        site: Path = tmp_path_factory.mktemp("site")
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        facts = site / "stranger-1.2.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.2\n")
        (facts / "entry_points.txt").write_text(f"[evalkit]\nstranger = {module}\n")
        return {"PYTHONPATH": str(site)}

    return install


def test_a_command_of_a_plug_in_is_listed_and_runs(
    shell: Type, install: Callable[..., dict[str, str]]
) -> None:
    environment = install(PLUGIN.format(name="greet"))

    shown = shell("--help", environment=environment)
    assert "Plug-ins:" in shown.out
    assert "greet" in shown.out
    assert "Greet the user of a plug-in." in shown.out
    assert shell("greet", "--loud", environment=environment).out == "HELLO\n"


def test_a_command_with_the_name_of_one_of_ours_is_refused_and_ours_still_works(
    shell: Type, install: Callable[..., dict[str, str]]
) -> None:
    environment = install(PLUGIN.format(name="doctor"))

    shown = shell("--help", environment=environment)
    assert shown.code == 0
    left_out = "Left out of plug-in 'stranger' of stranger 1.2: 'doctor', which is evalkit's own\n"
    assert shown.err == left_out
    assert "software" in shell("doctor", environment=environment).out


def test_the_doctor_names_a_broken_plug_in_and_its_distribution(
    shell: Type, install: Callable[..., dict[str, str]]
) -> None:
    done = shell("doctor", "--json", environment=install("raise RuntimeError('no')"))

    assert done.code == 4
    broken = [finding for finding in done.json if finding["state"] == "wrong"]
    [(what, note)] = [(finding["what"], finding["note"]) for finding in broken]
    assert what == "stranger"
    assert note.startswith("stranger 1.2: all of it, for RuntimeError: no (")
    assert note.endswith("stranger_plugin.py:1)")


def test_a_plug_in_whose_hook_raises_is_one_line_and_every_scorer_works(
    shell: Type, install: Callable[..., dict[str, str]]
) -> None:
    environment = install(
        PLUGIN.format(name="greet").replace("evalkit_commands", "evalkit_scorers")
    )
    why = "stranger 1.2: evalkit_scorers: TypeError: 'greet' has no facts"

    done = shell("scorers", "list", "text.exact_match", environment=environment)
    assert done.code == 0
    assert "text.exact_match" in done.out
    assert done.err == f"Left out of plug-in 'stranger' of {why}\n"

    done = shell("doctor", "--json", environment=environment)
    assert done.code == 4
    broken = [finding for finding in done.json if finding["what"] == "stranger"]
    assert [(finding["state"], finding["note"]) for finding in broken] == [("wrong", why)]


def test_a_blocked_plug_in_is_told_and_not_loaded(
    shell: Type, install: Callable[..., dict[str, str]]
) -> None:
    environment = install("raise RuntimeError('no')") | {"EVALKIT_DISABLE_PLUGINS": "stranger"}
    done = shell("doctor", "--json", environment=environment)

    assert done.code == 0
    assert "blocked" in done.out
