"""Build the source archive and the wheel, and test the wheel in a fresh environment.

The tests run from a copy outside the checkout, in pytest's importlib mode, so that nothing of the
checkout can be imported by accident.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "evalkit": ROOT / "evalkit",
    "evalkit_scorers": ROOT / "scorers/evalkit_scorers",
    "evalkit_judges": ROOT / "judges/evalkit_judges",
    "evalkit_datasets": ROOT / "datasets/evalkit_datasets",
}
TESTS = ["wheel", "entities", "scoring", "hooks"]
"""Folders of ``tests/`` that need nothing but the package and its ``testing`` extra."""

OPEN_RESOURCES = """
import json, sys
from importlib.resources import files
import evalkit
where = str(files("evalkit"))
assert where.startswith(sys.prefix), f"evalkit was imported from {where}, not from the wheel"
missing = []
for package, names in json.load(sys.stdin).items():
    for name in names:
        resource = files(package).joinpath(name)
        if not resource.is_file():
            missing.append(f"{package}/{name}")
        else:
            resource.read_bytes()
sys.exit("not in the wheel: " + ", ".join(missing) if missing else 0)
"""


def main() -> None:
    """Build, install, compare and test; the exit code is that of the first step that fails."""
    with tempfile.TemporaryDirectory(prefix="evalkit-wheel-") as folder:
        place = Path(folder)
        wheel = build(place / "dist")
        python = install(wheel, place / "venv")
        commands = python.parent
        resources = {package: packaged_files(path) for package, path in PACKAGES.items()}
        run(python, "-I", "-c", OPEN_RESOURCES, cwd=place, given=json.dumps(resources))
        run(commands / "evalkit", "--version", cwd=place, shown=True)
        listed = json.loads(run(commands / "evalkit", "scorers", "list", "--json", cwd=place))
        if not listed:
            sys.exit("the installed wheel lists no scorer")
        sys.stdout.write(f"{wheel.name}: lists {len(listed)} scorers\n")
        copy_tests(place / "checks")
        run(commands / "pytest", "-q", "-p", "no:cacheprovider", cwd=place / "checks", shown=True)


def build(target: Path) -> Path:
    """Return the wheel, built from the source archive as a stranger would build it."""
    log = run(sys.executable, "-m", "build", "--outdir", target, cwd=ROOT)
    wheels = list(target.glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"expected one wheel, found {wheels}\n{log}")
    return wheels[0]


def install(wheel: Path, target: Path) -> Path:
    """Return the interpreter of a fresh environment that holds *wheel*."""
    venv.create(target, with_pip=True)
    python = target / "bin" / "python"
    options = ["-qq", "--disable-pip-version-check"]
    run(python, "-m", "pip", "install", *options, f"{wheel}[testing]", cwd=target)
    return python


def packaged_files(package: Path) -> list[str]:
    """Return every file of *package* that the wheel must hold, relative to it."""
    found = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if "__pycache__" not in path.parts)


def copy_tests(target: Path) -> None:
    """Copy the wheel's part of the tests, with the project's pytest settings, to *target*."""
    target.mkdir()
    shutil.copy(ROOT / "pyproject.toml", target)
    (target / "tests").mkdir()
    shutil.copy(ROOT / "tests/conftest.py", target / "tests")
    for name in TESTS:
        if (ROOT / "tests" / name).is_dir():
            shutil.copytree(ROOT / "tests" / name, target / "tests" / name)


def run(*command: str | Path, cwd: Path, given: str | None = None, shown: bool = False) -> str:
    """Run *command* and return its standard output; end with all it said if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603  our own commands
        [str(part) for part in command],
        cwd=cwd,
        input=given,
        env=environment,
        text=True,
        check=False,
        capture_output=True,
    )
    if shown or done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:3]))} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main()
