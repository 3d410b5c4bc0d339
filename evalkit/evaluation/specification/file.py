"""Reading a specification from YAML, with errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from evalkit._internal.plain_yaml import PlainLoader
from evalkit.errors import SpecificationError, near_miss
from evalkit.evaluation.specification.words import JUDGE_FILES, Specification
from evalkit.llm.template import SUFFIXES

_SCHEME: Final = ":"
_GIT: Final = "git:"
_SQLITE: Final = "sqlite:///"
_RUN_FILES: Final = frozenset({".json", ".jsonl", ".eval"})


def read_specification(path: str | Path) -> Specification:
    """Return the specification in the YAML file *path*; paths in it are relative to the file.

    Raises:
        SpecificationError: If the file cannot be read or a word or value is wrong; names the file,
            the line and the key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        hint = near_miss(path.name, [file.name for file in path.parent.glob("*.y*ml")])
        raise SpecificationError(f"{path}: cannot be read: {why}.{hint}") from error
    try:
        loader = PlainLoader(text)
        root = loader.get_single_node()
        content = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise SpecificationError(f"{path}{line}: this is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise SpecificationError(f"{path}: this is not YAML: {error}.") from error
    if not isinstance(content, dict):
        raise SpecificationError(
            f"{path}: a specification is a mapping of words such as data and scorers."
        )
    try:
        read = Specification.model_validate(content)
    except ValidationError as error:
        raise SpecificationError(_format_error(path, error, root)) from None
    return _placed(read, path.parent)


def _format_error(path: Path, error: ValidationError, root: yaml.Node | None) -> str:
    """Return the first problem with its place, and how many others there are."""
    # A word that is unknown is the likeliest cause of the others.
    problems = sorted(
        error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden"
    )
    word = problems[0]["loc"][:1]
    # Of a union pydantic tells the problems of every branch: the deepest one fits what is there.
    first = max(
        (problem for problem in problems if problem["loc"][:1] == word),
        key=lambda problem: len(_steps(problem["loc"], root)),
    )
    where = _steps(first["loc"], root)
    line = _line(where, root)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)[1:]
    if first["type"] == "extra_forbidden":
        words = list(Specification.model_fields)
        hint = near_miss(str(where[-1]), words) or f" The words are: {', '.join(words)}."
        message = f"there is no such word.{hint}"
    else:
        message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        message += "" if first["type"] == "value_error" else f", not {first['input']!r}"
        message += "."
    places = {tuple(_steps(problem["loc"], root)) for problem in problems}
    more = f" (Of {len(places)} problems, the first.)" if len(places) > 1 else ""
    return f"{path}, line {line}: {key}: {message}{more}"


def _steps(place: Sequence[str | int], root: yaml.Node | None) -> list[str | int]:
    """Return the steps of *place* that are in the file, without pydantic's names of types."""
    kept: list[str | int] = []
    node = root
    for step in place:
        child = _child(node, step)
        if child is not None:
            kept.append(step)
            node = child
    return kept or list(place[:1])


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None


def _line(steps: Sequence[str | int], root: yaml.Node | None) -> int:
    line, node = 1, root
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            keys = (key for key, _ in node.value if key.value == str(step))
            line = next((key.start_mark.line + 1 for key in keys), line)
        node = _child(node, step)
        if node is not None and isinstance(step, int):
            line = node.start_mark.line + 1
    return line


def _placed(read: Specification, folder: Path) -> Specification:
    """Return *read* with its relative paths below *folder*."""

    def below(name: str | None) -> str | None:
        if name is None or _is_uri(name):
            return name
        return str(folder / Path(name).expanduser())

    def template(text: str | None) -> str | None:
        return below(text) if text is not None and text.endswith(SUFFIXES) else text

    def run(name: str | None) -> str | None:
        """Place what may also be the name of a run: only the disk tells them apart."""
        if name is None:
            return None
        if name.startswith(_GIT):
            ref, _, path = name.removeprefix(_GIT).partition(":")
            return f"{_GIT}{ref}:{below(path)}"
        here = folder / name
        is_path = here.is_file() or (here / "plan.json").is_file()
        is_path |= name.startswith((".", "~")) or here.suffix.lower() in _RUN_FILES
        return below(name) if is_path else name

    def scorer(item: Any) -> Any:
        is_file = isinstance(item, str) and Path(item).suffix.lower() in JUDGE_FILES
        return below(item) if is_file else item

    changes: Mapping[str, Any] = {
        "data": [below(name) for name in read.data]
        if isinstance(read.data, list)
        else below(read.data),
        "prompt": template(read.prompt),
        "system": template(read.system),
        "scorers": [scorer(item) for item in read.scorers],
        "baseline": run(read.baseline),
        "resume": run(read.resume),
        "recordings": below(read.recordings),
        "cards": below(read.cards),
        "store": _store(read.store, folder),
        "report": [below(file) for file in read.report],
    }
    return read.model_copy(update=dict(changes))


def _store(uri: str | bool | None, folder: Path) -> str | bool | None:
    """Return *uri* with the path of a database below *folder*, if it is relative."""
    if not isinstance(uri, str) or not uri.startswith(_SQLITE):
        return uri
    path = uri.removeprefix(_SQLITE)
    is_placed = path in {"", ":memory:"} or path.startswith("~") or Path(path).is_absolute()
    return uri if is_placed else f"{_SQLITE}{folder / path}"


def _is_uri(name: str) -> bool:
    scheme, colon, _ = name.partition(_SCHEME)
    return bool(colon) and len(scheme) > 1 and scheme.isalnum()
