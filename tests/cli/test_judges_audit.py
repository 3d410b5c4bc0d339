"""``evalkit judges audit``: what is typed, what is printed, and how it ends."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

REFERENCE = re.compile(r"<<<DATA reference (\w+)>>>\n(.*?)\n<<<END", re.DOTALL)
OUTPUT = re.compile(r"<<<DATA outputs (\w+)>>>\n(.*?)\n<<<END", re.DOTALL)


def fond_of_cheer(request: SeenRequest) -> Any:
    """Say yes where the reference stands in the answer, or the answer is cheerful."""
    said, wanted = OUTPUT.findall(request.prompt)[-1][1], REFERENCE.findall(request.prompt)[-1][1]
    flat = re.sub(r"\W+", " ", said.casefold())
    good = re.sub(r"\W+", " ", wanted.casefold()).strip() in flat or "wonderful" in said
    labels = request.json["response_format"]["json_schema"]["schema"]["properties"]["verdict"]
    return {"rationale": "r", "verdict": labels["enum"][0 if good else 1]}


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint(fond_of_cheer) as running:
        yield running


@pytest.fixture
def audit(type_in: Callable[..., Any], endpoint: ScriptedEndpoint) -> Callable[..., Any]:
    """Type an audit of a judge of the library that asks the endpoint."""

    def audit(*words: str, judge: str = "judge.equivalence") -> Any:
        place = ["--judge-model", "openai/x", "--judge-base-url", endpoint.base_url]
        return type_in("judges", "audit", judge, *place, *words)

    return audit


def test_a_library_judge_is_audited_on_cases_of_its_own(audit: Callable[..., Any]) -> None:
    done = audit("--probe", "injection", "--probe", "sentiment")

    assert done.code == 0
    assert "12 good cases" in done.err
    told = " ".join(done.out.split())
    assert "? 0 of 76 attacks on 12 cases flipped the verdict (95 % upper bound 22.1 % of" in told
    assert "to show 5 % takes 59 cases." in told
    assert "✗ Beyond chance, of 2 tried: sentiment.cheerful (+0.5)." in done.out
    assert "fails bias: do not rely on it as it is." in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("probe", "n_cases", "code"),
    [
        pytest.param("injection", 76, 0, id="passes"),
        pytest.param("sentiment", 12, 1, id="fails"),
        pytest.param("injection", 12, 3, id="open"),
    ],
)
def test_strict_audits_decide_the_exit_code(
    probe: str, n_cases: int, code: int, audit: Callable[..., Any], folder: Path
) -> None:
    rows = [
        {"question": f"{n}?", "output": f"It is {n}.", "expected": f"It is {n}."}
        for n in range(n_cases)
    ]
    (folder / "good.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert audit("--data", "good.jsonl", "--probe", probe, "--strict").code == code


def test_a_dry_run_says_how_many_calls_it_takes_and_makes_none(
    audit: Callable[..., Any], endpoint: ScriptedEndpoint
) -> None:
    told, counted = audit("--dry-run"), audit("--dry-run", "--json")

    assert re.search(r"12 good cases, \d+ judgements, at most \d+ calls", told.out)
    assert counted.json["judgements"]["injection"] == 76
    assert not endpoint.requests


def test_results_are_written_as_json_and_markdown_and_printed_as_json(
    audit: Callable[..., Any], folder: Path
) -> None:
    done = audit("--probe", "injection", "--json", "-o", "audit.json", "-o", "audit.md")

    assert done.json == json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert done.json["batteries"]["injection"]["total"]["n"] == 76
    assert (folder / "audit.md").read_text(encoding="utf-8").startswith("# Audit of judge.equi")


def test_a_spent_budget_is_told_and_has_its_exit_code(audit: Callable[..., Any]) -> None:
    done = audit("--probe", "injection", "--budget", "calls=20")

    assert done.code == 5
    assert re.search(r"the budget was spent before \d+ judgements", done.out)


def test_a_judge_in_a_file_is_audited_on_data_of_ones_own(
    audit: Callable[..., Any], folder: Path
) -> None:
    (folder / "same.yaml").write_text(
        "name: same\ninstructions: |\n  {% set reference = expectations.target %}\n"
        "  {{ outputs }}\n\n  {{ reference }}\n\n  Do both say the same?\n",
        encoding="utf-8",
    )
    rows = [{"question": "Who?", "expected": "Ada did it.", "output": "Ada did it."}] * 3
    (folder / "good.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = audit("--data", "good.jsonl", "--limit", "2", "--probe", "negate", judge="same.yaml")

    assert done.code == 0
    assert "same: 2 good cases" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["-o", "audit.html"], "neither .md nor .json", id="format"),
        pytest.param(["--probe", "injecton"], "Did you mean 'injection'", id="probe"),
        pytest.param(["--data", "nothing.jsonl"], "nothing.jsonl", id="data"),
        pytest.param(["--limit", "0"], "--limit", id="limit"),
    ],
)
def test_wrong_usage_is_one_line(words: list[str], said: str, audit: Callable[..., Any]) -> None:
    done = audit(*words)

    assert done.code == 2
    assert said in done.err
    assert not done.out


def test_a_model_that_answers_nothing_is_no_judge_that_holds(type_in: Callable[..., Any]) -> None:
    with ScriptedEndpoint(lambda _: Reply(status=401)) as denied:
        place = ["--judge-model", "openai/x", "--judge-base-url", denied.base_url]
        done = type_in("judges", "audit", "judge.pii_leakage", *place, "--probe", "leak")

    assert done.code == 4
    assert "openai/x" in done.err
    assert "answers nothing" in done.err


def test_columns_of_an_audit_are_named_on_the_command_line(
    audit: Callable[..., Any], folder: Path
) -> None:
    rows = [{"question": "Who?", "gold": "Ada did it.", "answer": "Ada did it."}] * 3
    (folder / "good.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    words = ["--data", "good.jsonl", "--column", "expectations=gold", "--dry-run"]

    assert audit(*words, "--column", "outputs=answer").code == 0
    assert "--column outputs=answer" in audit(*words).err
