"""Plug-ins are found by their entry points, and nothing is dropped without a word."""

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.hooks.loader import Plugins, Provenance, load_plugins

if TYPE_CHECKING:
    from .conftest import Shelf

EMPTY = "from evalkit.plugin import hookimpl\n\n@hookimpl\ndef evalkit_scorers():\n    return ()\n"


def loaded(shelf: "Shelf") -> Plugins:
    return load_plugins(shelf.points())


def test_a_plug_in_is_loaded_with_its_provenance(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", EMPTY, plugin="acme", version="2.5")

    assert loaded(shelf).provenance == {"acme": Provenance("acme", "acme-metrics", "2.5")}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("acme-metrics", "other-metrics", id="two-strangers"),
        pytest.param("evalkit-ai", "acme-metrics", id="our-own-goes-first"),
    ],
)
def test_of_two_distributions_of_one_entry_point_name_the_second_is_left_out(
    first: str, second: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    for distribution in (second, first):
        shelf.install(distribution, EMPTY, plugin="metrics")
    shelf.install("good-metrics", EMPTY, plugin="good")

    plugins = loaded(shelf)

    assert set(plugins.provenance) == {"good", "metrics"}
    assert plugins.provenance["metrics"].distribution == first
    why = f"all of it, since {first} 1.0 has a plug-in of this name, too"
    assert caplog.messages == [f"Left out of plug-in 'metrics' of {second} 1.0: {why}"]


def test_one_distribution_seen_twice_is_loaded_once(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", EMPTY, plugin="acme")

    assert set(load_plugins(shelf.points() * 2).provenance) == {"acme"}


ALL = "all of it, for "


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("import no_such", ALL + "ModuleNotFoundError: No module named", id="import"),
        pytest.param("1 / 0", ALL + "ZeroDivisionError: division by zero", id="crash"),
        pytest.param(
            "def check():\n    assert 0\n\ncheck()",
            ALL + r"AssertionError \(.*\.py:2\)$",
            id="place",
        ),
        pytest.param(
            "import json\n\njson.loads('{')", ALL + r"JSON.*: line 1.*\(.*\.py:3\)$", id="below"
        ),
        pytest.param("def broken(:", ALL + "SyntaxError", id="syntax"),
        pytest.param(
            "raise SystemExit('set ACME_KEY')", ALL + "SystemExit: set ACME_KEY", id="exit"
        ),
        pytest.param("raise ValueError('one\\ntwo')", ALL + "ValueError: one two", id="lines"),
        pytest.param(
            EMPTY.replace("evalkit_scorers()", "evalkit_scorers(config)"),
            ALL + "PluginValidationError: .*Argument.*config.* can not be found in the hookspec",
            id="wrong-argument",
        ),
        pytest.param("hooks = ()", "it implements no hook", id="no-hook"),
    ],
)
def test_a_broken_plug_in_is_one_line_naming_its_distribution(
    code: str, why: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    shelf.install("acme-metrics", code, plugin="acme", version="2.5")
    shelf.install("good-metrics", EMPTY, plugin="good")

    with caplog.at_level(logging.WARNING):
        plugins = loaded(shelf)

    assert "good" in plugins.provenance
    assert ("acme" in plugins.provenance) is not why.startswith(ALL)
    ((name, noted),) = plugins.left_out
    assert name == "acme"
    assert re.match(f"acme-metrics 2.5: {why}", noted)
    assert caplog.messages == [f"Left out of plug-in 'acme' of {noted}"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param(
            EMPTY.replace("evalkit_scorers", "evalkit_scorer"),
            "there is no hook 'evalkit_scorer'. Did you mean 'evalkit_scorers'?",
            id="misspelt",
        ),
        pytest.param(
            EMPTY.replace("@hookimpl", "@hookimpl(specname='evalkit_data')"),
            "there is no hook 'evalkit_data'. Did you mean 'evalkit_datasets'?",
            id="misspelt-in-the-mark",
        ),
        pytest.param(
            EMPTY.replace("@hookimpl\n", ""),
            "'evalkit_scorers' is not decorated with hookimpl, so it is never called",
            id="no-mark",
        ),
        pytest.param(
            EMPTY.replace("@hookimpl\n", "").replace("evalkit_scorers", "evalkit_scorer"),
            "'evalkit_scorer' is not decorated with hookimpl, so it is never called",
            id="no-mark-and-misspelt",
        ),
    ],
)
def test_a_function_that_is_no_hook_is_named_and_the_hooks_of_its_plug_in_work(
    code: str, why: str, shelf: "Shelf"
) -> None:
    reports = "\n\n@hookimpl\ndef evalkit_reports():\n    return ()\n"
    shelf.install("acme-metrics", code + reports, plugin="acme", version="2.5")

    plugins = loaded(shelf)

    assert plugins.left_out == [("acme", f"acme-metrics 2.5: {why}")]
    assert plugins.manager.hook.evalkit_reports() == [()]


def test_a_module_and_a_function_of_other_names_are_no_hooks(shelf: "Shelf") -> None:
    other = "import evalkit_scorers\n\ndef evalkit_version():\n    return 1\n"
    code = EMPTY.replace("scorers", "judges") + other
    shelf.install("acme-metrics", code, plugin="acme")

    assert not loaded(shelf).left_out


def test_a_blocked_plug_in_is_not_even_imported(
    shelf: "Shelf", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALKIT_DISABLE_PLUGINS", "acme, other")
    shelf.install("acme-metrics", "1 / 0", plugin="acme")
    shelf.install("good-metrics", EMPTY, plugin="good")

    plugins = loaded(shelf)

    assert set(plugins.provenance) == {"good"}
    assert not plugins.left_out


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
