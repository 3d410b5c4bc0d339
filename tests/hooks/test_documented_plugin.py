"""The plug-in of ``docs/plugins.md``, installed as it is written there, works by every door."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import evalkit
from evalkit.errors import BindingError, DataError
from evalkit.hooks.catalog import Catalog, get_scorer, use_catalog
from evalkit.hooks.loader import load_plugins
from evalkit.targets.open import open_target, rebuild_target
from evalkit.testing import ScriptedEndpoint, check_scorer, check_source

if TYPE_CHECKING:
    from .conftest import Shelf

PAGE = files("evalkit") / "docs/plugins.md"
DIALOG = "Where is the key? => Under the mat, thank you.\nWhen? => NOW\n"


@pytest.fixture
def documented(shelf: "Shelf") -> Iterator[Catalog]:
    """A catalog of our plug-ins and of that of the page."""
    examples, _, _ = PAGE.read_text(encoding="utf-8").partition("## Check it")
    blocks = re.findall(r"^```python\n(.*?)^```$", examples, re.MULTILINE | re.DOTALL)
    ours = list(entry_points(group="evalkit"))
    shelf.install("manners", "\n".join(blocks), plugin="manners")
    with use_catalog(Catalog(load_plugins([*ours, *shelf.points()]))) as catalog:
        yield catalog


@pytest.fixture
def dialog(tmp_path: Path) -> Path:
    path = tmp_path / "day.dialog"
    path.write_text(DIALOG, encoding="utf-8")
    return path


def runtime() -> evalkit.Runtime:
    return evalkit.Runtime(store=False, progress=False)


def test_all_of_it_fits(documented: Catalog) -> None:
    kinds = (documented.scorers, documented.datasets, documented.targets, documented.reports)
    offered = [entry.name for kind in kinds for entry in kind.values() if not entry.provenance.ours]

    assert sorted(offered) == [
        "dialogs", "lines", "manners.politeness", "manners.shouting", "manners.thanks",
        "manners.tone", "polite",
    ]  # fmt: skip
    assert not documented.plugins.left_out


@pytest.mark.usefixtures("documented")
def test_its_source_its_scorers_and_its_report_work_together(dialog: Path, tmp_path: Path) -> None:
    names = ["manners.politeness", "manners.shouting"]
    result = evalkit.evaluate(data=dialog, scorers=names, runtime=runtime())
    written = result.report(tmp_path / "r.lines").read_text(encoding="utf-8")

    politeness, shouting = written.splitlines()
    assert politeness == "manners.politeness 0.5"
    assert shouting.startswith("manners.shouting 0.5")


@pytest.mark.usefixtures("documented")
def test_its_parts_keep_the_laws(dialog: Path, documented: Catalog) -> None:
    for name in ("manners.politeness", "manners.shouting", "manners.thanks"):
        check_scorer(get_scorer(name))
    check_source(documented.datasets["dialogs"].item, dialog)


@pytest.mark.usefixtures("documented")
def test_its_corpus_metric_is_no_mean_of_cells() -> None:
    outputs = ["thanks"] + ["no"] * 9 + ["thanks a lot, and all the best"]
    rows = [{"question": n, "output": text} for n, text in enumerate(outputs)]
    result = evalkit.evaluate(data=rows, scorers="manners.thanks", runtime=runtime())
    estimate = result["manners.thanks"]

    assert estimate.value == 2 / 17
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 2 / 17 < estimate.high


@pytest.mark.usefixtures("documented")
def test_its_source_names_the_line_that_is_wrong(dialog: Path) -> None:
    dialog.write_text(f"{DIALOG}nothing\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"day\.dialog, line 3: there is no ' => '"):
        evalkit.evaluate(data=dialog, scorers="manners.politeness", runtime=runtime())


@pytest.mark.usefixtures("documented")
def test_its_target_answers_and_can_be_made_anew() -> None:
    rows = [{"question": "the fish"}]
    result = evalkit.evaluate("polite://question", rows, "manners.politeness", runtime=runtime())
    target = open_target("polite://question")
    assert target is not None
    described = {
        name: getattr(target.identity, name)
        for name in ("kind", "name", "parameters", "reference", "version")
    }

    assert result["manners.politeness"].value == 1.0
    assert result.table()["outputs"].tolist() == ["Thank you for 'the fish'."]
    assert rebuild_target(described).identity == target.identity
    with pytest.raises(BindingError, match="polite: some case has no 'query'"):
        evalkit.evaluate("polite://query", rows, "manners.politeness", runtime=runtime())


@pytest.mark.usefixtures("documented")
def test_its_judge_asks_the_model_of_the_evaluation(
    dialog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedEndpoint(lambda _: '{"rationale": "It is.", "verdict": "yes"}') as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        result = evalkit.evaluate(
            data=dialog, scorers="manners.tone", judge_model="openai/m", runtime=runtime()
        )

    assert result["manners.tone"].value == 1.0
