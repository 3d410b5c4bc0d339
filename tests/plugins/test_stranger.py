"""A stranger's plug-in, built as its own wheel and installed apart, has every right of ours."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

POEM = "the cat / on the mat\nthe dog / on the mat\nthe hat / a bat\n"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the plug-in's wheel is installed; nothing is fetched."""
    pytest.importorskip("pip")
    pytest.importorskip("hatchling")
    work = tmp_path_factory.mktemp("stranger")
    source = shutil.copytree(Path(__file__).parent / "stranger", work / "source")
    pip("wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", str(work), str(source))
    (wheel,) = work.glob("*.whl")
    pip("install", "--no-deps", "--no-index", "--target", str(work / "site"), str(wheel))
    return work / "site"


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    path = tmp_path / "verses.poem"
    path.write_text(POEM, encoding="utf-8")
    return path


def run(site: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site), **environment},
    )


def evalkit(site: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    call = "from evalkit.cli.main import main; main()"
    return run(site, "-c", call, *arguments, **environment)


def test_its_scorer_is_listed_with_its_provenance(site: Path) -> None:
    done = evalkit(site, "scorers", "list", "stranger.", "--json")

    assert done.returncode == 0, done.stderr
    (listed,) = json.loads(done.stdout)
    assert listed["name"] == "stranger.rhyme"
    assert listed["plugin"] == "stranger"
    assert (listed["distribution"], listed["version"]) == ("evalkit-stranger", "3.2.1")
    assert (listed["direction"], listed["low"], listed["high"]) == ("higher", 0.0, 1.0)
    assert listed["needs"] == ["expectations", "outputs"]


def test_a_blocked_plug_in_is_not_listed(site: Path) -> None:
    done = evalkit(
        site, "scorers", "list", "stranger.", "--json", EVALKIT_DISABLE_PLUGINS="stranger"
    )

    assert json.loads(done.stdout) == []


def test_its_data_are_read_and_its_scorer_scores(site: Path, poem: Path) -> None:
    code = f"""
import json
from evalkit.data.open import open_data
from evalkit.hooks.catalog import get_scorer
from evalkit.plugin import Case, CaseBatch

opened = open_data({str(poem)!r})
cases = [Case(**row) for chunk in opened.chunks for row in chunk.rows]
column = get_scorer("stranger.rhyme", letters=2).score_batch(CaseBatch.of(cases))
print(json.dumps([opened.source, column.values.tolist()]))
"""
    done = run(site, "-c", code)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["poem", [1.0, 0.0, 1.0]]


def test_an_evaluation_uses_it_from_the_command_line(
    site: Path, poem: Path, tmp_path: Path
) -> None:
    done = evalkit(
        site,
        "evaluate",
        "--data",
        str(poem),
        "--scorer",
        "stranger.rhyme",
        "--no-store",
        "--json",
        EVALKIT_TRACKING_URI=f"sqlite:///{tmp_path}/evalkit.db",
    )

    assert done.returncode == 0, done.stderr
    estimate = json.loads(done.stdout)["estimates"]["stranger.rhyme"]
    assert estimate["value"] == pytest.approx(2 / 3)
    assert estimate["n_scored"] == 3


def test_the_contract_suites_pass_it_and_find_its_broken_twin(site: Path, poem: Path) -> None:
    code = f"""
from evalkit.hooks.catalog import catalog
from evalkit.testing import check_scorer, check_source
from evalkit_stranger.rhyme import BrokenRhyme
from pathlib import Path

check_scorer(catalog().scorers["stranger.rhyme"].item)
check_source(catalog().datasets["poem"].item, Path({str(poem)!r}))
try:
    check_scorer(BrokenRhyme())
except AssertionError as error:
    print(error)
"""
    done = run(site, "-c", code)

    assert done.returncode == 0, done.stderr
    assert "'stranger.broken_rhyme' breaks the law 'stays in its bounds'" in done.stdout
