"""The public names: a table and a stub for each lazy package, and nothing else."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import pytest

import evalkit
import evalkit.stats

MOST_NAMES = 30
LAZY = pytest.mark.parametrize("package", [evalkit, evalkit.stats], ids=lambda p: p.__name__)


def _table(package: ModuleType) -> dict[str, str]:
    """Return public name -> module, read from the source so that nothing is imported."""
    homes: dict[str, str] = vars(package)["_HOMES"]
    return homes


def _stub(root: Path, package: ModuleType) -> ast.Module:
    path = root / package.__name__.replace(".", "/") / "__init__.pyi"
    return ast.parse(path.read_text(encoding="utf-8"))


def test_there_are_at_most_thirty_public_names() -> None:
    assert len(evalkit.__all__) <= MOST_NAMES


def test_public_names_are_the_version_and_the_table() -> None:
    assert list(evalkit.__all__) == ["__version__", *_table(evalkit)]


def test_public_statistics_are_the_table() -> None:
    assert list(evalkit.stats.__all__) == [*_table(evalkit.stats)]


@LAZY
def test_every_public_name_is_found_in_its_home(package: ModuleType) -> None:
    for name, module in _table(package).items():
        home = importlib.import_module(module)
        expected = home if module == f"{package.__name__}.{name}" else getattr(home, name)
        assert getattr(package, name) is expected


@LAZY
def test_the_stub_exports_exactly_the_public_names(root: Path, package: ModuleType) -> None:
    assignments = {
        ast.unparse(target): node.value
        for node in _stub(root, package).body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }

    assert sorted(ast.literal_eval(assignments["__all__"])) == sorted(vars(package)["__all__"])


@LAZY
def test_the_stub_imports_each_name_from_the_module_of_the_table(
    root: Path, package: ModuleType
) -> None:
    homes: dict[str, str] = {}
    for node in _stub(root, package).body:
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                namespace = f"evalkit.{alias.name}"
                homes[alias.asname or alias.name] = namespace if module == "evalkit" else module

    assert homes == _table(package)


@LAZY
def test_a_name_that_does_not_exist_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        vars(package)["__getattr__"]("no_such_name")


@LAZY
def test_dir_lists_every_public_name_before_its_first_use(package: ModuleType) -> None:
    assert set(vars(package)["__all__"]) <= set(dir(package))
