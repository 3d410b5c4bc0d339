"""Plug-ins are found by their entry points, and nothing is dropped without a word."""

import copy
import logging
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.errors import DuplicatePluginError, PluginError
from evalkit.hooks.loader import Plugins, Provenance, load_plugins

if TYPE_CHECKING:
    from .conftest import Shelf

EMPTY = "from evalkit.plugin import hookimpl\n\n@hookimpl\ndef evalkit_scorers():\n    return ()\n"
MISSPELT = EMPTY.replace("evalkit_scorers", "evalkit_scorer")
WRONG_ARGUMENT = EMPTY.replace("evalkit_scorers()", "evalkit_scorers(config)")


def loaded(shelf: "Shelf") -> Plugins:
    return load_plugins(shelf.points())


def test_a_plug_in_is_loaded_with_its_provenance(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", EMPTY, plugin="acme", version="2.5")

    assert loaded(shelf).provenance == {"acme": Provenance("acme", "acme-metrics", "2.5")}


def test_two_distributions_of_one_entry_point_name_are_an_error_naming_both(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", EMPTY, plugin="metrics", version="2.5")
    shelf.install("other-metrics", EMPTY, plugin="metrics", version="0.1")

    with pytest.raises(DuplicatePluginError, match="'metrics' is offered twice") as raised:
        loaded(shelf)

    assert "acme-metrics 2.5" in str(raised.value)
    assert "other-metrics 0.1" in str(raised.value)
    assert "EVALKIT_DISABLE_PLUGINS" in str(raised.value)
    assert str(copy.copy(raised.value)) == str(raised.value)


def test_one_distribution_seen_twice_is_loaded_once(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", EMPTY, plugin="acme")

    assert set(load_plugins(shelf.points() * 2).provenance) == {"acme"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("import no_such_library", "ModuleNotFoundError: No module named", id="import"),
        pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="crash"),
        pytest.param("def broken(:", "SyntaxError", id="syntax"),
    ],
)
def test_a_broken_plug_in_is_one_line_naming_its_distribution(
    code: str, said: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    shelf.install("acme-metrics", code, plugin="acme", version="2.5")
    shelf.install("good-metrics", EMPTY, plugin="good")

    with caplog.at_level(logging.WARNING):
        plugins = loaded(shelf)

    assert set(plugins.provenance) == {"good"}
    assert plugins.broken["acme"].startswith(f"acme-metrics 2.5: {said}")
    assert len(caplog.messages) == 1
    assert "Plug-in 'acme' does not load (acme-metrics 2.5: " in caplog.messages[0]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(MISSPELT, "evalkit_scorer", id="misspelt-hook"),
        pytest.param(WRONG_ARGUMENT, "config", id="wrong-argument"),
    ],
)
def test_a_hook_that_does_not_fit_is_an_error_naming_the_distribution(
    code: str, said: str, shelf: "Shelf"
) -> None:
    shelf.install("acme-metrics", code, plugin="acme", version="2.5")

    with pytest.raises(
        PluginError, match=r"Plug-in 'acme' of acme-metrics 2\.5 does not fit"
    ) as told:
        loaded(shelf)

    assert said in str(told.value)


def test_a_blocked_plug_in_is_not_even_imported(
    shelf: "Shelf", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALKIT_DISABLE_PLUGINS", "acme, other")
    shelf.install("acme-metrics", "1 / 0", plugin="acme")
    shelf.install("good-metrics", EMPTY, plugin="good")

    plugins = loaded(shelf)

    assert set(plugins.provenance) == {"good"}
    assert not plugins.broken


def test_blocking_one_of_two_of_a_name_needs_an_uninstall(
    shelf: "Shelf", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name blocks every plug-in that bears it."""
    monkeypatch.setenv("EVALKIT_DISABLE_PLUGINS", "metrics")
    shelf.install("acme-metrics", EMPTY, plugin="metrics")
    shelf.install("other-metrics", EMPTY, plugin="metrics")

    assert not loaded(shelf).provenance


def test_plug_ins_are_loaded_in_the_order_of_their_names(shelf: "Shelf") -> None:
    for name in ("zeta", "alpha", "mid"):
        shelf.install(f"{name}-metrics", EMPTY, plugin=name)

    plugins: Any = loaded(shelf)

    assert list(plugins.provenance) == ["alpha", "mid", "zeta"]
