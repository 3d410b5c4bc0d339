"""The page on the library lists every judge as the catalog has it."""

import re
from pathlib import Path

from evalkit.hooks.catalog import get_scorer
from evalkit.judging.judge import Judge
from evalkit_judges.aliases import ALIASES
from evalkit_judges.families import FAMILIES, PAIRS

PAGE = Path(__file__).resolve().parents[2] / "evalkit/docs/judge-library.md"
ARROWS = {"higher": "", "lower": " ↓", "none": " –"}


def row(name: str, question: str) -> str:
    judge = get_scorer(f"judge.{name}")
    assert isinstance(judge, Judge)
    form = judge.prepared.form
    ends = judge.facts.bounds or (0.0, 0.0)
    verdicts = f"{ends[0]:g}–{ends[1]:g}" if form.numeric else ", ".join(form.labels)
    parts = f"{judge.parts}: " if judge.parts else ""
    how = f" ({judge.aggregate})" if judge.parts else ""
    talks = ["a conversation"] if "session" in judge.prepared.template.names else []
    needs = ", ".join([*(f"`{field}`" for field in sorted(judge.requires)), *talks])
    cells = [f"`judge.{name}`", question, f"{parts}{verdicts}{how}{ARROWS[judge.facts.direction]}"]
    return f"| {' | '.join([*cells, needs])} |"


def table() -> str:
    lines = ["| judge | question | verdicts | needs |", "|---|---|---|---|"]
    lines += [
        row(name, question) for family in FAMILIES.values() for name, question in family.items()
    ]
    return "\n".join(lines)


def test_the_table_of_judges_is_what_the_catalog_says() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_every_judge_that_the_page_names_exists() -> None:
    named = set(re.findall(r"judge\.([a-z_]+)\b", PAGE.read_text(encoding="utf-8")))

    assert named == {name for family in FAMILIES.values() for name in family} | set(PAIRS)


def test_every_name_from_elsewhere_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")

    for name in set(ALIASES.values()):
        others = ", ".join(f"`{alias}`" for alias, judge in ALIASES.items() if judge == name)
        assert f"| {others} | `{name}` |" in page
