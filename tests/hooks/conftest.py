"""Plug-ins as distributions installed in a folder: real metadata, real entry points."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

Install = Callable[..., None]


class Shelf:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, distribution: str, code: str, *, plugin: str, version: str = "1.0") -> None:
        """Install a distribution whose only module holds *code*, as entry point *plugin*."""
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(code, encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        points = f"[evalkit]\n{plugin} = {module}\n"
        (info / "entry_points.txt").write_text(points, encoding="utf-8")

    def points(self) -> list[EntryPoint]:
        """Return the entry points of what is installed here."""
        found = distributions(path=[str(self.folder)])
        return [point for one in found for point in one.entry_points if point.group == "evalkit"]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    yield Shelf(tmp_path)
    import sys

    for file in tmp_path.glob("*.py"):
        sys.modules.pop(file.stem, None)
