"""YAML: a list of mappings, or a mapping that holds one as ``cases``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.plugin import Chunk, DataError
from evalkit_datasets.encoding import read_text


@dataclass(frozen=True, slots=True)
class Yaml:
    """Reads a YAML file as a whole: YAML 1.2, in which ``no`` and ``12:30`` are texts."""

    name: str = "yaml"
    extensions: Sequence[str] = (".yaml", ".yml")
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the rows of the file.

        Raises:
            DataError: If it is not YAML, has a key twice or holds no list of mappings; names file
                and line.
        """
        import yaml

        path = Path(data)
        try:
            rows, lines = _items(read_text(path), str(path))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            said = getattr(error, "problem", None) or str(error)
            line = None if mark is None else mark.line + 1
            raise DataError(f"this is not YAML: {said}", file=str(path), line=line) from None
        except RecursionError:
            raise DataError("this is nested too deeply to be read", file=str(path)) from None
        for start in range(0, len(rows), chunk_rows):
            stop = start + chunk_rows
            yield Chunk(rows=rows[start:stop], file=str(path), lines=lines[start:stop])


def _items(text: str, name: str) -> tuple[list[Mapping[str, Any]], list[int]]:
    """Return the cases and the line that each starts in."""
    import yaml

    from evalkit.plugin import RowsLoader  # start-up: it imports yaml

    loader: Any = RowsLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise DataError("the file is empty", file=name)
        node = root
        if isinstance(root, yaml.MappingNode):
            found = [value for key, value in root.value if key.value == "cases"]
            node = found[0] if found else root
        if not isinstance(node, yaml.SequenceNode):
            raise DataError(
                "the file must hold a list of cases, or a mapping with such a list as 'cases'",
                file=name,
                line=node.start_mark.line + 1,
            )
        lines = [item.start_mark.line + 1 for item in node.value]
        rows = [loader.construct_object(item, deep=True) for item in node.value]
    finally:
        loader.dispose()
    for row, line in zip(rows, lines, strict=True):
        if not isinstance(row, Mapping):
            problem = f"a case must be a mapping, not {type(row).__name__}"
            raise DataError(problem, file=name, line=line)
    return rows, lines
