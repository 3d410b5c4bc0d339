"""How the tree looks: sizes, names, and what must not lie in it."""

import ast
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

LONGEST_FILE = 700
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
FOLDERS = {"evalkit", "scorers", "judges", "datasets", "tests", "benchmarks"}

# Hosts that the project may name: loopback, reserved examples, namespaces and literature.
KNOWN_HOSTS = re.compile(
    r"""(127\.0\.0\.1 | 0\.0\.0\.0
        | ([\w-]+\.)*example(\.(com|org|net))? | [\w.-]+\.(invalid|test|example|local)
        | api\.openai\.com | www\.apache\.org | www\.w3\.org | json-schema\.org | schemas\.[\w.]+
        | doi\.org | arxiv\.org | aclanthology\.org | datatracker\.ietf\.org
        | [\w.]+\.wikipedia\.org
        | keepachangelog\.com | semver\.org )""",
    re.VERBOSE,
)
URL = re.compile(r"https?://(?:[^\s/@\"'`]*@)?(\w[\w-]*(?:\.[\w-]+)+)")


def test_no_python_file_is_longer_than_seven_hundred_lines(root: Path, tracked: list[str]) -> None:
    lengths = {
        name: len((root / name).read_text(encoding="utf-8").splitlines())
        for name in tracked
        if name.endswith((".py", ".pyi"))
    }

    assert lengths
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_no_file_or_folder_has_a_vague_name(tracked: list[str]) -> None:
    vague = [
        name
        for name in tracked
        if VAGUE_NAMES & {part.partition(".")[0].lstrip("_") for part in PurePosixPath(name).parts}
    ]

    assert not vague


def test_no_class_or_function_has_a_vague_name(product: Mapping[str, ast.Module]) -> None:
    vague = re.compile(r"(Utils?|Helpers?|Manager|Base)$|^_?(utils?|helpers?|manager|common)$")
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in product.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and vague.search(node.name)
    ]

    assert not found


def test_the_root_holds_only_the_agreed_folders(tracked: list[str]) -> None:
    folders = {name.partition("/")[0] for name in tracked if "/" in name}

    assert {folder for folder in folders if not folder.startswith(".")} <= FOLDERS


def test_the_tests_mirror_the_tree(root: Path, tracked: list[str]) -> None:
    rooms = {
        path.name
        for path in (root / "evalkit").iterdir()
        if path.name.endswith(".py") or (path / "__init__.py").is_file()
    }
    mirrored = {name.removesuffix(".py") for name in rooms} | FOLDERS
    found = {name.split("/")[1] for name in tracked if re.match(r"tests/\w+/", name)}

    assert found <= mirrored | {"house", "conformance", "plugins", "wheel"}


@pytest.mark.parametrize("folder", ["scorers", "judges", "datasets"])
def test_a_plug_in_folder_is_not_itself_a_package(root: Path, folder: str) -> None:
    assert not (root / folder / "__init__.py").exists()


def test_a_package_init_only_exports_again(product: Mapping[str, ast.Module]) -> None:
    def is_export(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return [ast.unparse(target) for target in node.targets] == ["__all__"]
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        return docstring or isinstance(node, ast.Import | ast.ImportFrom)

    # Some are lazy tables: two of public names, which test_public_names.py checks, and of scorers.
    families = ("text", "classification", "regression", "operations")
    lazy = {"evalkit/__init__.py", "evalkit/stats/__init__.py"}
    lazy |= {f"scorers/evalkit_scorers/{family}/__init__.py" for family in families}
    inits = {path: tree for path, tree in product.items() if path.endswith("/__init__.py")}
    inits = {path: tree for path, tree in inits.items() if path not in lazy}
    found = [
        f"{path}:{node.lineno}"
        for path, tree in inits.items()
        for node in tree.body
        if not is_export(node)
    ]

    assert not found


def test_nothing_is_left_unfinished(root: Path, tracked: list[str]) -> None:
    marks = re.compile(
        r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + ")"
    )
    found = [
        f"{name}:{number}"
        for name in tracked
        if name.endswith((".py", ".pyi", ".md", ".toml", ".yaml", ".yml", ".html", ".js", ".css"))
        for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]

    assert not found


def test_no_lock_file_is_kept(tracked: list[str]) -> None:
    locks = re.compile(r"(\.lock|-lock\.(json|ya?ml)|\.lockb|npm-shrinkwrap\.json)$")

    assert not [name for name in tracked if locks.search(name)]


def test_no_unknown_network_host_is_named(root: Path, tracked: list[str]) -> None:
    found = {
        f"{name}: {host}"
        for name in tracked
        for host in URL.findall(_text(root / name))
        if not KNOWN_HOSTS.fullmatch(host)
    }

    assert not found


def test_no_path_of_one_machine_is_named(root: Path, tracked: list[str]) -> None:
    place = re.compile(r"(?<![\w.\]~-])/(?:home|root|Users|mnt)/\w")
    found = [name for name in tracked if place.search(_text(root / name))]

    assert not found


def test_no_packaged_file_is_ignored_by_git(root: Path) -> None:
    """The build leaves ignored files out of the wheel without a word."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        pytest.skip("not a git checkout")
    packages = ("evalkit", "scorers", "judges", "datasets")
    files = [
        path.relative_to(root).as_posix()
        for package in packages
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    ignored = subprocess.run(
        [git, "check-ignore", "--no-index", "--stdin"],
        cwd=root,
        input="\n".join(files),
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()

    assert files
    assert not ignored


def test_every_ignored_lint_rule_has_its_reason(root: Path, project: dict[str, Any]) -> None:
    lint = project["tool"]["ruff"]["lint"]
    ignored = {
        *lint["ignore"],
        *(code for codes in lint["per-file-ignores"].values() for code in codes),
    }
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    explained = set(re.findall(r'^\s+"([A-Z]+\d*)",\s+# \w.+$', text, re.MULTILINE))

    assert ignored == explained


def _text(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:4096] else data.decode("utf-8", errors="replace")
