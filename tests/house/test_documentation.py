"""The documentation gate: what a user can type or set is described in README.md or evalkit/docs."""

import ast
import dataclasses
import importlib.util
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

import evalkit
from evalkit import errors
from evalkit.cli.main import cli
from evalkit.suites.options import SuiteOptions, switch


@pytest.fixture(scope="module")
def pages(root: Path) -> dict[str, str]:
    """The text of every page of documentation, by file name."""
    files = [root / "README.md", *sorted((root / "evalkit/docs").glob("*.md"))]
    return {file.name: file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def prose(pages: Mapping[str, str]) -> str:
    return "\n".join(pages.values())


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    """Every command by the words that a user types."""
    return dict(_walk("evalkit", cli))


def _walk(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _walk(f"{words} {name}", child)
    else:
        yield words, command


def test_every_public_name_is_documented(prose: str) -> None:
    names = [name for name in evalkit.__all__ if not name.startswith("_")]

    assert not [name for name in names if not re.search(rf"\b{name}\b", prose)]


@pytest.mark.parametrize(
    ("module", "page"),
    [
        ("evalkit.plugin", "plugins.md"),
        ("evalkit.testing", "plugins.md"),
        ("evalkit.stats", "statistics.md"),
    ],
)
def test_every_name_of_a_public_module_is_documented(
    module: str, page: str, pages: dict[str, str]
) -> None:
    names: list[str] = importlib.import_module(module).__all__

    assert not [name for name in names if not re.search(rf"\b{name}\b", pages[page])]


def test_every_hook_is_documented(product: Mapping[str, ast.Module], prose: str) -> None:
    hooks = [
        node.name
        for node in product["evalkit/hooks/specs.py"].body
        if isinstance(node, ast.FunctionDef)
    ]

    assert hooks
    assert not [hook for hook in hooks if f"`{hook}" not in prose]


def test_every_environment_variable_is_documented(
    product: Mapping[str, ast.Module], prose: str
) -> None:
    variables = {
        found
        for tree in product.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for found in re.findall(r"\bEVALKIT_[A-Z_]*[A-Z]\b", node.value)
    }

    assert variables
    assert not [name for name in variables if name not in prose]


def test_every_option_of_the_pytest_plug_in_is_documented(prose: str) -> None:
    silent = [
        option.name
        for option in dataclasses.fields(SuiteOptions)
        if (option.metadata["parser"] and f"`{switch(option.name)}" not in prose)
        or f"`{option.name.replace('_', '-')}`" not in prose
    ]

    assert dataclasses.fields(SuiteOptions)
    assert not silent


def test_every_command_is_documented(commands: Mapping[str, click.Command], prose: str) -> None:
    assert not [words for words in commands if not re.search(rf"{words}\b", prose)]


def test_every_command_and_option_has_a_help_text(commands: Mapping[str, click.Command]) -> None:
    silent = [words for words, command in commands.items() if not command.help]
    silent += [
        f"{words} {'/'.join(option.opts)}"
        for words, command in commands.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.hidden
    ]

    assert not silent


def test_the_help_of_the_runtime_says_what_each_field_means() -> None:
    fields = [field.name for field in dataclasses.fields(evalkit.Runtime)]

    assert not [name for name in fields if f"    {name}: " not in (evalkit.Runtime.__doc__ or "")]


def test_every_registered_scorer_says_what_it_measures() -> None:
    catalog: Any = importlib.import_module("evalkit.hooks.catalog").catalog()

    assert not [name for name, entry in catalog.scorers.items() if not type(entry.item).__doc__]


def test_every_error_stands_in_the_tree_of_its_module() -> None:
    tree = errors.__doc__ or ""
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EvalkitError)
    ]

    assert found
    assert not [kind.__name__ for kind in found if not re.search(rf"\b{kind.__name__}\b", tree)]


def test_every_error_is_also_a_builtin_error() -> None:
    bare = [
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.EvalkitError)
        and kind is not errors.EvalkitError
        and not any(
            parent.__module__ == "builtins" and parent not in {Exception, BaseException, object}
            for parent in kind.__mro__
        )
    ]

    assert not bare


def test_every_relative_link_leads_to_a_file(root: Path) -> None:
    written = [*root.glob("*.md"), *(root / "evalkit/docs").glob("*.md")]
    dead = [
        f"{file.name}: {link}"
        for file in written
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        if not (file.parent / link).exists()
    ]

    assert written
    assert not dead


def test_every_page_is_reached_from_the_readme(pages: Mapping[str, str]) -> None:
    assert not [name for name in pages if name != "README.md" and name not in pages["README.md"]]


def test_every_extra_of_users_is_named_in_the_readme(root: Path, pages: Mapping[str, str]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"test", "dev", "bench", "real-model"}

    assert not [extra for extra in extras if f"`{extra}`" not in pages["README.md"]]


def _exists(path: str) -> bool:
    """Say whether *path* is a module, or a name in one."""
    module, _, rest = path.partition(".")
    thing: object = importlib.import_module(module)
    for name in filter(None, rest.split(".")):
        if not hasattr(thing, name) and importlib.util.find_spec(f"{module}.{name}") is None:
            return False
        module = f"{module}.{name}"
        thing = getattr(thing, name, None) or importlib.import_module(module)
    return True


def test_every_name_of_python_that_a_page_speaks_of_exists(prose: str) -> None:
    text = re.sub(r"^```.*?^```$", "", prose, flags=re.MULTILINE | re.DOTALL)
    names = set(re.findall(r"`(evalkit(?:\.[a-zA-Z]\w+)+)[`(]", text)) - {"evalkit.db"}

    assert names
    assert not [name for name in sorted(names) if not _exists(name)]


def test_every_scorer_that_a_page_speaks_of_is_registered(prose: str) -> None:
    known: Any = importlib.import_module("evalkit.hooks.catalog").catalog()
    rooms = "text|classification|regression|operations"
    names = set(re.findall(rf"\b((?:{rooms})\.[a-z][a-z_0-9]+)\b", prose))

    assert names
    assert not sorted(names - set(known.scorers))
