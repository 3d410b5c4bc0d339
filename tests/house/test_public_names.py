"""The public names: one table, one stub, and nothing else."""

import ast
import importlib
from pathlib import Path

import pytest

import evalkit

MOST_NAMES = 30


def _table() -> dict[str, str]:
    """Return public name -> module, read from the source so that nothing is imported."""
    homes: dict[str, str] = vars(evalkit)["_HOMES"]
    return homes


def _stub(root: Path) -> ast.Module:
    return ast.parse((root / "evalkit/__init__.pyi").read_text(encoding="utf-8"))


def test_there_are_at_most_thirty_public_names() -> None:
    assert len(evalkit.__all__) <= MOST_NAMES


def test_public_names_are_the_version_and_the_table() -> None:
    assert list(evalkit.__all__) == ["__version__", *_table()]


def test_every_public_name_is_found_in_its_home() -> None:
    for name, module in _table().items():
        home = importlib.import_module(module)
        expected = home if module == f"evalkit.{name}" else getattr(home, name)
        assert getattr(evalkit, name) is expected


def test_the_stub_exports_exactly_the_public_names(root: Path) -> None:
    assignments = {
        ast.unparse(target): node.value
        for node in _stub(root).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }

    assert sorted(ast.literal_eval(assignments["__all__"])) == sorted(evalkit.__all__)


def test_the_stub_imports_each_name_from_the_module_of_the_table(root: Path) -> None:
    homes: dict[str, str] = {}
    for node in _stub(root).body:
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                namespace = f"evalkit.{alias.name}"
                homes[alias.asname or alias.name] = namespace if module == "evalkit" else module

    assert homes == _table()


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        vars(evalkit)["__getattr__"]("no_such_name")


def test_dir_lists_every_public_name_before_its_first_use() -> None:
    assert set(evalkit.__all__) <= set(dir(evalkit))
