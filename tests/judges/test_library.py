"""Every judge of the library loads, says what it is, and shows its prompt."""

import asyncio
import dataclasses
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.errors import SpecificationError, UsageError
from evalkit.hooks.catalog import catalog, get_scorer
from evalkit.judging.judge import Judge, load_judge
from evalkit.judging.prepared import case_of
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.testing import ScriptedEndpoint, check_scorer
from evalkit_judges.families import FAMILIES
from evalkit_judges.library import PROMPTS, LibraryJudge

NAMES = sorted(name for family in FAMILIES.values() for name in family)


def judge_named(name: str) -> LibraryJudge:
    judge = get_scorer(f"judge.{name}")
    assert isinstance(judge, LibraryJudge)
    return judge


def test_the_library_is_the_folder_of_prompts() -> None:
    assert sorted(file.stem for file in PROMPTS.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_is_in_the_catalog_with_its_provenance(name: str) -> None:
    entry = catalog().scorers[f"judge.{name}"]

    assert isinstance(entry.item, Judge)
    assert entry.provenance.plugin == "evalkit-judges"
    assert entry.provenance.distribution == "evalkit-ai"


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_file_names_its_judge_and_the_source_of_its_idea(name: str) -> None:
    text = (PROMPTS / f"{name}.md").read_text(encoding="utf-8")

    assert load_judge(PROMPTS / f"{name}.md").name == f"judge.{name}"
    assert re.search(r"^# Source: \w.{10,}\.$", text, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_declares_direction_and_range(name: str) -> None:
    facts = judge_named(name).facts

    assert facts.bounds is not None
    assert facts.bounds[0] < facts.bounds[1]
    lower = {"hallucination", "toxicity", "bias", "pii_leakage", "user_frustration"}
    assert facts.direction == (
        "lower" if name in lower else "none" if name == "refusal" else "higher"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_asks_for_a_rationale_before_the_verdict(name: str) -> None:
    judge = judge_named(name)
    schema = judge.prepared.schema
    if judge.parts is not None:
        schema = schema["properties"][judge.parts]["items"]

    order = [name for name in schema["properties"] if name != "span_id"]
    assert order[-2:] == ["rationale", "verdict"]
    assert schema["additionalProperties"] is False
    verdict = schema["properties"]["verdict"]
    assert len(verdict["enum"]) >= 2


def shown_as(example: Mapping[str, Any]) -> list[str]:
    """The roles of the messages that show an example."""
    return ["user", *["assistant", "tool"] * len(example.get("calls", ())), "assistant"]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_prompt_is_shown_with_every_piece_of_the_case(
    name: str, good_cases: list[Case], capsys: pytest.CaptureFixture[str]
) -> None:
    judge = judge_named(name)
    sent = judge.explain(good_cases[0])
    printed = capsys.readouterr().out

    assert [message["role"] for message in sent] == [
        "system",
        *(role for example in judge.examples for role in shown_as(example)),
        "user",
    ]
    assert all(str(message["content"] or "") in printed for message in sent)
    assert "{{" not in printed
    assert "{%" not in printed
    for field in judge.requires & {"outputs", "retrieved_context"}:
        shown = getattr(good_cases[0], field)
        assert str(shown if isinstance(shown, str) else shown[0]) in sent[-1]["content"]


@pytest.mark.parametrize("name", NAMES)
def test_every_label_is_explained_where_labels_are_not_self_evident(name: str) -> None:
    judge = judge_named(name)
    form = judge.prepared.form
    if form.numeric:
        assert form.anchors or name == "rubric"
    else:
        assert all(f'"{label}"' in judge.instructions for label in form.labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_has_a_worked_example_that_fits(name: str) -> None:
    judge = judge_named(name)

    assert 1 <= len(judge.examples) <= 2
    for example in judge.examples:
        assert judge.messages(case_of(example))


@pytest.mark.parametrize("name", NAMES)
def test_the_signature_changes_with_the_prompt_file(name: str, tmp_path: Path) -> None:
    shutil.copy(PROMPTS / f"{name}.md", tmp_path)
    same = signature(LibraryJudge.named(name, tmp_path))
    with (tmp_path / f"{name}.md").open("a", encoding="utf-8") as file:
        file.write("\nOne more sentence.\n")

    assert same == signature(judge_named(name))
    assert signature(LibraryJudge.named(name, tmp_path)) != same


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_pickles_and_is_rebuilt(name: str) -> None:
    judge = judge_named(name)

    assert pickle.loads(pickle.dumps(judge)) == judge  # noqa: S301  our own bytes
    assert signature(rebuild(specification(judge))) == signature(judge)


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_round_trips_through_yaml(name: str, tmp_path: Path) -> None:
    judge = judge_named(name)
    (tmp_path / "judge.yaml").write_text(judge.to_yaml(), encoding="utf-8")

    assert load_judge(tmp_path / "judge.yaml").identity == judge.identity


def test_no_prompt_is_read_before_it_is_needed(tmp_path: Path) -> None:
    judge = LibraryJudge.named("absent", tmp_path)

    assert judge.name == "judge.absent"
    with pytest.raises(SpecificationError, match="cannot be read"):
        _ = judge.instructions


def test_importing_the_plug_in_imports_no_judge_and_no_third_party() -> None:
    code = (
        "import sys, evalkit.plugin; before = set(sys.modules); import evalkit_judges.plugin; "
        "print(sorted(name for name in set(sys.modules) - before if 'evalkit_judges' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'colour'"):
        _ = judge_named("safety").colour


@pytest.mark.parametrize(
    ("name", "parameters", "shown"),
    [
        pytest.param(
            "guidelines", {"guidelines": ["Be kind.", "Be brief."]}, "2. Be brief.", id="list"
        ),
        pytest.param("style", {"style": "like a pirate"}, "like a pirate", id="text"),
        pytest.param(
            "g_eval", {"criteria": "{{ outputs }} shines"}, "{{ outputs }} shines", id="as-is"
        ),
        pytest.param("rubric", {"rubric": "1: bad. 5: good."}, "1: bad. 5: good.", id="rubric"),
    ],
)
def test_an_expectation_can_be_given_for_all_cases(
    name: str, parameters: dict[str, Any], shown: str
) -> None:
    judge = get_scorer(f"judge.{name}", **parameters)
    assert isinstance(judge, LibraryJudge)
    (system, question) = judge.messages(Case(inputs={"q": "Why?"}, outputs="Because."))

    assert shown in question["content"]
    assert "expectations" not in judge.requires
    assert system["role"] == "system"
    assert signature(judge) != signature(judge_named(name))


def test_guidelines_given_once_are_judged_without_counting_those_of_a_case() -> None:
    judge = get_scorer("judge.guidelines", guidelines=["Be kind.", "Be brief."], model="openai/x")
    assert isinstance(judge, LibraryJudge)

    assert judge.each is None
    assert judge.parts == "guidelines"
    assert judge.model == "openai/x"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"guideline": "x"}, "Did you mean 'guidelines'", id="misspelt"),
        pytest.param({"guidelines": " "}, "guidelines= is empty", id="empty"),
        pytest.param({"guidelines": "{% endraw %}{{ outputs }}"}, "endraw", id="template-tag"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        get_scorer("judge.guidelines", **parameters)


def test_a_case_that_lacks_what_a_judge_reads_is_skipped(good_cases: list[Case]) -> None:
    single = dataclasses.replace(good_cases[0], inputs={"question": "Why?"})
    score = asyncio.run(judge_named("knowledge_retention").score(single))

    assert score.status.word == "skipped"


def test_a_judge_that_asks_a_scripted_model_keeps_the_laws_of_scorers() -> None:
    with ScriptedEndpoint('{"rationale": "so it is", "verdict": "yes"}') as endpoint:
        judge = get_scorer("judge.equivalence", model="scripted", base_url=endpoint.base_url)
        check_scorer(judge, max_examples=3)
