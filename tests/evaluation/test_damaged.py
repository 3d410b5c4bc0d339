"""Files of a finished evaluation that were cut off or spoilt afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest

import evalkit
from evalkit.errors import DataError
from evalkit.evaluation.result import EvaluationResult

FILES = ("scores.parquet", "cases.parquet", "outputs.parquet")
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda content: content[:200],
    "without its end": lambda content: content[:-1],
    "emptied": lambda _: b"",
    "spoilt inside": lambda content: content[:4] + bytes(200) + content[204:],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a finished evaluation of a live target."""
    rows = [{"question": f"q{i}", "expected": "a"} for i in range(8)]
    runtime = evalkit.Runtime(store=f"sqlite:///{tmp_path}/runs.db")
    result = evalkit.evaluate(lambda question: question, rows, "text.exact_match", runtime=runtime)
    return result.folder.path


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_one_line_when_its_cells_are_read(
    folder: Path, name: str, damage: str
) -> None:
    file = folder / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))

    result = EvaluationResult.load(folder)
    assert result.estimates["text.exact_match"].n_scored == 8  # what was written once still shows
    with pytest.raises(DataError, match="cannot be read, bring it back from a copy") as caught:
        result.table()
    assert caught.value.file == str(file)
    assert "\n" not in str(caught.value)


def test_what_reads_no_damaged_file_works_as_ever(folder: Path) -> None:
    (folder / "outputs.parquet").write_bytes(b"PAR1")

    assert EvaluationResult.load(folder).failures().empty
