"""Code that nothing reaches is not kept."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from .conftest import PACKAGES

CALLED_BY_OTHERS = {
    "names": [
        "__*",  # Python itself
        "format_*",  # click, of a command or group
        "pytest_*",  # pytest, of a plug-in
        "_repr_html_",  # notebooks
        "reducer_override",  # pickle
        "filter_request",  # vcrpy, of a cassette, as is the next
        "find_requests_with_most_matches",
        "run_shard",  # backends that are not built yet: the seam that they work over
        "signature_details",  # whoever cites a score: what sacrebleu prints behind it
    ],
    "decorators": [
        "@*.command",
        "@compiles",
        "@hookimpl",
        "@hookspec",
        "@pytest.hookimpl",
        "@given",
    ],
}
"""What is called by name only, or by way of a decorator."""

OURS = ("evalkit", "evalkit_scorers", "evalkit_judges", "evalkit_datasets")
LIGHT = {
    "evalkit/cli/": "each command imports what it needs when it is typed",
    "evalkit/evaluation/result.py": "each verb imports what it does when it is called",
}
"""Where one reason holds for every import inside a function."""


def test_nothing_is_kept_that_nothing_reaches(
    root: Path, product: Mapping[str, ast.Module]
) -> None:
    """Reached is what the code names, what the documents tell a user of, or what is listed here."""
    vulture = pytest.importorskip("vulture")
    finder = vulture.Vulture(
        ignore_names=CALLED_BY_OTHERS["names"], ignore_decorators=CALLED_BY_OTHERS["decorators"]
    )
    finder.scavenge([str(root / package) for package in PACKAGES])
    documents = [
        root / "README.md",
        *(root / "evalkit").rglob("*.md"),
        *(root / "evalkit").rglob("*.pyi"),
    ]
    words = {word for path in documents for word in re.findall(r"\w+", path.read_text("utf-8"))}
    words |= {  # by `getattr`, or from a lazy table
        node.value
        for tree in product.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # A field or a variable may be written for whoever reads it; a function may not.
    unreached = [
        f"{item.filename.relative_to(root)}:{item.first_lineno} {item.typ} {item.name}"
        for item in finder.get_unused_code()
        if item.typ in {"function", "method", "property", "class", "unreachable_code", "import"}
        and item.name not in words
    ]

    assert words
    assert unreached == []


def test_an_import_inside_a_function_says_why(product: Mapping[str, ast.Module]) -> None:
    """``# start-up: …`` beside it or above it; the same comment may stand above several."""
    root = Path(__file__).parents[2]
    silent = [
        f"{path}:{line}"
        for path, tree in product.items()
        if not path.startswith(tuple(LIGHT))
        for line in sorted(_inner_imports(tree))
        if not _says_why((root / path).read_text("utf-8").splitlines(), line)
    ]

    assert silent == []


def _inner_imports(tree: ast.Module) -> set[int]:
    """Return the lines of the imports of our own inside functions, counted from 1."""
    return {
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(module.partition(".")[0] in OURS for module in _modules(node))
    }


def _modules(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield node.module or ""
    else:
        yield from (alias.name for alias in node.names)


def _says_why(lines: list[str], number: int) -> bool:
    if "# start-up: " in lines[number - 1]:
        return True
    for line in reversed(lines[: number - 1]):
        text = line.strip()
        if text.startswith("# start-up: "):
            return True
        if not text.startswith(("from ", "import ", "#")):
            return False
    return False
