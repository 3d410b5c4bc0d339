"""The table of options, and what the command line and the project say."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import SpecificationError, UsageError
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.suites.options import SuiteOptions, read_options, switch

OF_SESSIONS = {
    "skip",
    "update_baseline",
    "report",
    "flaky",
    "inconclusive",
    "quarantine",
    "infrastructure",
}
"""Options that no single evaluation has."""


def test_an_option_that_an_evaluation_has_too_bears_its_name() -> None:
    words = {option.name for option in fields(SuiteOptions)}
    evaluation = {word.name for kind in (Request, Runtime) for word in fields(kind)}

    assert words - OF_SESSIONS == words & evaluation


def test_each_switch_follows_from_its_name() -> None:
    assert switch("mode") == "--evalkit"
    assert switch("update_baseline") == "--evalkit-update-baseline"


def test_the_command_line_wins_over_the_project() -> None:
    project = {"repeats": 5, "update-baseline": True, "report": "r.html", "baseline": "b.json"}

    found = read_options({"repeats": 2, "mode": None, "skip": False}, project, Path("/srv"))

    assert found == SuiteOptions(
        repeats=2, update_baseline=True, report=("/srv/r.html",), baseline="/srv/b.json"
    )


@pytest.mark.parametrize(
    ("project", "told"),
    [
        pytest.param({"repeat": 2}, "Did you mean 'repeats'?", id="near-miss"),
        pytest.param({"repeats": "2"}, "it is a whole number", id="type"),
        pytest.param({"repeats": 0}, "it is a whole number of at least 1", id="range"),
        pytest.param({"sample": 1.5}, "at most 1", id="share"),
        pytest.param({"budget": "1"}, "not below 0", id="budget"),
        pytest.param({"flaky": "wran"}, "one of warn, fail", id="choice"),
        pytest.param({"skip": "yes"}, "true or false", id="flag"),
        pytest.param({"quarantine": ""}, "it is a text", id="empty"),
        pytest.param({"report": 5}, "a list of texts", id="no-list"),
        pytest.param({"sample": [0.1]}, "it is a share above 0", id="no-share"),
        pytest.param({"budget": [0.1]}, "not below 0", id="no-number"),
    ],
)
def test_a_wrong_key_or_value_of_the_project_is_refused(project: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecificationError, match=told.replace("?", r"\?")):
        read_options({}, project, Path())


def test_a_wrong_value_of_the_command_line_names_its_option() -> None:
    with pytest.raises(UsageError, match=r"--evalkit-sample=2\.0"):
        read_options({"sample": 2.0}, {}, Path())
