"""``evalkit models``, and what is promoted by gates."""

from collections.abc import Callable
from typing import Any

import pytest

Type = Callable[..., Any]
STORED = ("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match")
CHAMPION = "models:/capitals@champion"
NO_WORSE = "no_regression(text.exact_match, margin=0.5) @ point"


@pytest.fixture
def champion(type_in: Type) -> str:
    """The id of the run that is registered as champion."""
    found: str = type_in(*STORED, "--name", "first", "--json").json["run_id"]
    done = type_in("models", "register", "capitals", "first", "--alias", "champion")
    assert done.out == f"Registered models:/capitals/1 from run {found}, now capitals@champion.\n"
    return found


def test_a_registered_run_is_listed_and_shown(type_in: Type, champion: str) -> None:
    listed = type_in("models", "list")
    for part in ("capitals", "champion 1"):
        assert part in listed.out
    for words in (("capitals",), (CHAMPION,)):
        shown = type_in("models", "show", *words).out
        assert champion[:12] in shown
        assert "champion" in shown


def test_json_has_every_field(type_in: Type, champion: str) -> None:
    type_in("models", "register", "capitals", champion, "--tag", "team=blue", "--description", "b")

    (model,) = type_in("models", "list", "--json").json
    assert (model["name"], model["latest_version"], model["aliases"]) == (
        "capitals", 2, {"champion": 1},
    )  # fmt: skip
    shown = type_in("models", "show", "capitals", "--json").json
    assert [version["uri"] for version in shown["versions"]] == [
        "models:/capitals/2", "models:/capitals/1",
    ]  # fmt: skip
    newest = type_in("models", "show", "models:/capitals/latest", "--json").json
    assert newest == shown["versions"][0]
    assert (newest["tags"], newest["description"]) == ({"team": "blue"}, "b")
    assert newest["run_id"] == champion


@pytest.mark.usefixtures("champion")
def test_an_alias_moves_and_goes(type_in: Type) -> None:
    made = type_in("models", "register", "capitals", "latest", "--json").json
    assert made["version"] == 2

    moved = type_in("models", "alias", "capitals", "champion", "latest")
    assert moved.out == "capitals@champion is version 2; it was version 1.\n"
    same = type_in("models", "alias", "capitals", "champion", "2")
    assert same.out == "capitals@champion is version 2.\n"
    gone = type_in("models", "alias", "capitals", "champion", "--delete", "--json")
    assert gone.json["aliases"] == {}
    assert "has no alias" in type_in("models", "alias", "capitals", "champion", "--delete").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("show", "capitols"), "Did you mean 'capitals'", id="near-miss"),
        pytest.param(("show", "models:/capitals"), "names no version", id="no-version"),
        pytest.param(("alias", "capitals", "champion"), "or --delete", id="no-version-given"),
        pytest.param(
            ("alias", "capitals", "champion", "1", "--delete"), "or --delete", id="both-given"
        ),
        pytest.param(("alias", "capitals", "x", "9"), "no version 9", id="no-such-version"),
        pytest.param(("alias", "capitals", "x", "one"), "no number", id="no-number"),
        pytest.param(("register", "a/b", "latest"), "leave out '/'", id="name"),
        pytest.param(("register", "other", "nothing"), "No run is called", id="no-run"),
    ],
)
@pytest.mark.usefixtures("champion")
def test_what_cannot_be_is_one_line_and_exit_two(
    type_in: Type, words: tuple[str, ...], told: str
) -> None:
    done = type_in("models", *words)

    assert done.code == 2
    assert told in done.err


def test_nothing_to_list_is_told_on_stderr(type_in: Type) -> None:
    done = type_in("models", "list")

    assert (done.code, done.out) == (0, "")
    assert "no registered model" in done.err


@pytest.mark.usefixtures("champion")
def test_who_is_no_worse_than_the_champion_is_promoted(type_in: Type) -> None:
    new = type_in(*STORED, "--name", "new", "--gate", NO_WORSE, "--baseline", CHAMPION)
    assert new.code == 0
    type_in("models", "register", "capitals", "latest", "--alias", "champion")

    assert type_in("models", "show", CHAMPION, "--json").json["version"] == 2
    assert type_in("gate", "new", "--gate", NO_WORSE, "--baseline", CHAMPION).code == 0
    assert type_in("compare", CHAMPION, "models:/capitals/1").code == 0
    assert "are both run" in type_in("compare", CHAMPION, "new").err
    planned = type_in("plan", "--from", "new", "--detect", "0.5", "--baseline", CHAMPION, "--json")
    assert (planned.code, planned.err) != (0, "")  # four cases that agree tell no variance
    missing = type_in(*STORED, "--baseline", "models:/capitals@challenger")
    assert missing.code == 2
    assert "no alias challenger" in missing.err


@pytest.mark.usefixtures("champion")
def test_a_specification_names_the_champion(type_in: Type, folder: Any) -> None:
    (folder / "qa.yaml").write_text(
        "data: answers.jsonl\nscorers: [text.exact_match]\n"
        f'gates: ["{NO_WORSE}"]\nbaseline: "{CHAMPION}"\n',
        encoding="utf-8",
    )

    done = type_in("evaluate", "qa.yaml", "--json")
    assert (done.code, done.json["verdict"]) == (0, "PASS")
