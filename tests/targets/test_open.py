"""What a user may give as a model, and what is refused with advice."""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.dummy import DummyClassifier

from evalkit.entities.case import Case
from evalkit.entities.target import Invocation
from evalkit.errors import UsageError
from evalkit.targets.callable import CallableTarget
from evalkit.targets.estimator import EstimatorTarget
from evalkit.targets.open import open_target

MODULE = """
def bot(question):
    return question.upper()

class Bot:
    def predict(self, question):
        return question.upper()

instance = Bot()
NAME = "a text"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Write a module into the current directory and return its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    name = "app_under_test"
    monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / f"{name}.py").write_text(MODULE, encoding="utf-8")
    yield name
    sys.modules.pop(name, None)


def answer(target: Any) -> Any:
    return target.call(Invocation(case=Case(inputs={"question": "why?"}))).value


def test_nothing_stands_for_stored_outputs() -> None:
    assert open_target(None) is None


def test_a_target_is_taken_as_it_is() -> None:
    target = CallableTarget(len)
    assert open_target(target) is target


def test_a_function_becomes_a_callable_target() -> None:
    target = open_target(lambda question: question.upper(), name="bot", version="1")
    assert target is not None
    assert (target.identity.name, target.identity.version) == ("bot", "1")
    assert answer(target) == "WHY?"


def test_an_estimator_becomes_a_batch_target() -> None:
    target = open_target(DummyClassifier())
    assert isinstance(target, EstimatorTarget)
    assert target.lane == "batch"


@pytest.mark.parametrize("name", ["bot", "instance", "instance.predict"])
def test_an_import_path_is_found_from_the_current_directory(module: str, name: str) -> None:
    target = open_target(f"{module}:{name}")
    assert target is not None
    assert answer(target) == "WHY?"
    assert target.identity.reference == f"{module}:{name}"


@pytest.mark.usefixtures("module")
def test_a_module_that_does_not_exist_is_said_with_near_misses() -> None:
    with pytest.raises(UsageError, match="Did you mean 'app_under_test'"):
        open_target("app_under_tests:bot")


def test_a_name_that_does_not_exist_is_said_with_near_misses(module: str) -> None:
    with pytest.raises(UsageError, match=r"has no 'bott'\. Did you mean 'bot'"):
        open_target(f"{module}:bott")


def test_a_class_of_a_module_is_refused(module: str) -> None:
    with pytest.raises(UsageError, match="Bot is a class, not an instance"):
        open_target(f"{module}:Bot")


@pytest.mark.usefixtures("module")
def test_a_module_that_fails_to_import_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken_app.py").write_text("import no_such_library\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"Importing 'broken_app' failed.*no_such_library"):
        open_target("broken_app:bot")


DATA = [
    "qa.jsonl", "qa.json", "DIR/qa.csv", "qa.PARQUET", "qa.yaml", "run.eval", "samples_*.jsonl",
    "hf:owner/name",
]  # fmt: skip


@pytest.mark.parametrize("text", DATA)
def test_what_looks_like_data_is_an_error_that_shows_data(text: str) -> None:
    with pytest.raises(UsageError, match="give it as data="):
        open_target(text)


def test_a_path_object_that_looks_like_data_is_an_error_too() -> None:
    with pytest.raises(UsageError, match=r"data='qa\.jsonl'"):
        open_target(Path("qa.jsonl"))


REFUSED = [
    pytest.param("models:/bot@champion", "the version as baseline=", id="registry"),
    pytest.param("datasets:/qa@v3", "give it as data=", id="dataset"),
    pytest.param("prompts:/qa@v3", "A prompt is no model", id="prompt"),
    pytest.param("htps://127.0.0.1/x", "Did you mean 'https'", id="unknown scheme"),
    pytest.param("", "is empty", id="empty"),
    pytest.param([{"question": "why?"}], "Data goes into data=", id="rows"),
    pytest.param(3, "neither __call__ nor predict", id="number"),
    pytest.param(CallableTarget, "is a class", id="class of a target"),
]


@pytest.mark.parametrize(("model", "told"), REFUSED)
def test_what_is_no_model_is_refused_with_advice(model: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        open_target(model)


@pytest.mark.parametrize("file", ["app.py", "app/__init__.py", "app/bots.py"])
def test_a_module_without_a_function_is_no_chat_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("", encoding="utf-8")
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    with pytest.raises(UsageError, match=f"give '{name}:function'"):
        open_target(name)


def test_a_file_that_is_neither_data_nor_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bot.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="'module:name'"):
        open_target("bot.py")


def test_a_partial_of_a_function_with_predict_is_called_itself() -> None:
    def bot(question: str, style: str) -> str:
        return question + style

    target = open_target(functools.partial(bot, style="!"))
    assert answer(target) == "why?!"
