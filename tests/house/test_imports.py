"""What an import costs and where third parties, extras and the environment may be reached."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any

import pytest

from evalkit import Runtime, evaluate

OURS = ("evalkit", "evalkit_scorers", "evalkit_judges", "evalkit_datasets")
HEAVY = {
    "aiohttp",
    "datasets",
    "hypothesis",
    "litellm",
    "nltk",
    "pandas",
    "polars",
    "pyarrow",
    "pytest",
    "rich",
    "rouge_score",
    "sacrebleu",
    "scipy",
    "sklearn",
    "sqlalchemy",
}
# Shipped for use inside a test-suite, where pytest and hypothesis are present by definition.
TEST_DOORS = ("evalkit/testing", "evalkit/pytest_plugin/")

ROOTS_LOADED_BY = """
import importlib, json, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(roots - set(sys.stdlib_module_names))))
"""


def loaded_by(module: str) -> set[str]:
    """Return the top-level modules beside the standard library that importing *module* loads."""
    command = [sys.executable, "-c", ROOTS_LOADED_BY, module]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


NOT_FOR_A_SCORER = {"numpy", "pydantic", "asyncio", "anyio", *HEAVY}
"""What is not loaded before `evaluate` is called."""

LOADED_BY = """
import json, sys
exec(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""

EVALUATION = """
from evalkit import Runtime, evaluate
rows = [{"question": f"{i}?", "expected": "a", "output": "ab"[i % 2]} for i in range(500)]
evaluate(data=rows, scorers="text.exact_match", runtime=Runtime(store=False))
"""

NOT_FOR_STORED_ROWS = (
    *("evalkit.judging", "evalkit.registry.models", "evalkit.evaluation.baselines"),
    *("evalkit_scorers.classification.", "evalkit_scorers.regression.", "evalkit_scorers.sklearn"),
    *("evalkit_scorers.operations.", "evalkit_scorers.text.bleu", "evalkit_judges.library"),
    *("evalkit.llm.batch.desk", "evalkit.llm.connection", "evalkit.evaluation.deciding.watching"),
)
"""What an evaluation of stored rows has no use for."""

OPENING = """
from evalkit import EvaluationResult
result = EvaluationResult.load(sys.argv[2])
assert result.verdict.status and result.estimates
"""


def modules_loaded_by(program: str, *arguments: str) -> set[str]:
    """Return every module that a fresh process has loaded once *program* has run."""
    command = [sys.executable, "-c", LOADED_BY, program, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_names_that_a_script_begins_with_load_next_to_nothing() -> None:
    modules = modules_loaded_by("from evalkit import evaluate, scorer")

    assert not modules & NOT_FOR_A_SCORER
    assert len({name for name in modules if name.startswith(OURS)}) <= 45


def test_the_first_evaluation_loads_only_what_it_uses() -> None:
    modules = modules_loaded_by(EVALUATION)

    assert {"numpy", "pyarrow"} <= modules
    assert not modules & {"pydantic", *HEAVY - {"pyarrow"}}
    assert not modules & {"jinja2", "jsonschema", "pyarrow.compute", "pyarrow.dataset", "yaml"}
    assert not modules & {"multiprocessing.connection", "email.parser", "http.client"}
    assert not {name for name in modules if name.startswith(NOT_FOR_STORED_ROWS)}


def test_opening_a_result_loads_only_what_reads_it(tmp_path: Path) -> None:
    result = evaluate(
        data=[{"question": "1?", "expected": "a", "output": "a"}],
        scorers="text.exact_match",
        gates="text.exact_match >= 0.5",
        runtime=Runtime(store=f"sqlite:///{tmp_path}/runs.db"),
    )

    modules = modules_loaded_by(OPENING, str(result.folder.path))

    assert not modules & {"pydantic", "asyncio", "anyio", "subprocess", *HEAVY - {"pyarrow"}}
    assert not modules & {"numpy", "pyarrow"}
    rooms = ("judging", "targets", "engine", "tracking", "evaluation.running", "data")
    assert not {
        name for name in modules if name.startswith(tuple(f"evalkit.{room}" for room in rooms))
    }


def test_importing_evalkit_loads_no_third_party() -> None:
    assert loaded_by("evalkit") == {"evalkit"}


@pytest.mark.parametrize(
    "module", ["evalkit.stats", "evalkit.gates.comparing", "evalkit.scoring.estimate"]
)
def test_rules_and_statistics_load_no_third_party_before_they_compute(module: str) -> None:
    assert loaded_by(module) == {"evalkit"}


@pytest.mark.parametrize(
    "module",
    [entry.value for entry in entry_points(group="evalkit") if entry.value.startswith(OURS)],
)
def test_loading_a_plug_in_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(module) & HEAVY


def test_the_pytest_plug_in_loads_nothing_heavy() -> None:
    assert not loaded_by("evalkit.pytest_plugin") & (HEAVY - {"pytest"})


def test_the_environment_is_read_by_settings_alone(product: Mapping[str, ast.Module]) -> None:
    found = [
        f"{path}:{line}"
        for path, tree in product.items()
        if path != "evalkit/settings.py"
        for line in _environment_reads(tree)
    ]

    assert not found


def test_every_third_party_is_declared_or_required(
    product: Mapping[str, ast.Module], project: dict[str, Any]
) -> None:
    """A module of an extra is reached through ``require``, which names the extra to install."""
    declared = {_normal(entry) for entry in project["project"]["dependencies"]}
    homes = packages_distributions()
    found = [
        f"{path}:{line} {name}"
        for path, tree in product.items()
        for name, line in _imports(tree)
        if name not in sys.stdlib_module_names
        and name not in OURS
        and not (path.startswith(TEST_DOORS) and name in {"pytest", "hypothesis"})
        and not declared & {_normal(distribution) for distribution in homes.get(name, [])}
    ]

    assert not found


def test_every_declared_dependency_is_used(
    product: Mapping[str, ast.Module], project: dict[str, Any]
) -> None:
    """A library counts as used where it is imported, required, or named to read its data."""
    declared = {_normal(entry) for entry in project["project"]["dependencies"]}
    named = {
        node.value.partition(".")[0]
        for tree in product.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named |= {name for tree in product.values() for name, _ in _imports(tree)}
    used = {
        _normal(distribution)
        for name, distributions in packages_distributions().items()
        if name in named
        for distribution in distributions
    }

    assert not sorted(declared - used)


def test_every_required_extra_is_declared(
    product: Mapping[str, ast.Module], project: dict[str, Any]
) -> None:
    extras = set(project["project"]["optional-dependencies"])
    asked = {
        str(keyword.value.value)
        for tree in product.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("require")
        for keyword in node.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Constant)
    }

    assert asked <= extras


def _environment_reads(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that read the environment; handing it on to a child process is no reading."""
    names = {"os.environ", "os.getenv", "os.environb", "environ", "getenv"}
    writes = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        for part in ast.walk(node)
    }
    writes |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.setdefault"
        for part in ast.walk(node.func)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and id(node) not in writes:
            text = ast.unparse(node)
            if text in names and not text.startswith("self."):
                yield node.lineno


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield top-level name and line of every import that runs; those for type checkers do not."""
    skipped = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for part in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def _normal(requirement: str) -> str:
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()
