"""Templates of judges: Jinja2 in a sandbox, where every value that is written is kept apart."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from evalkit.errors import BindingError, UsageError, near_miss
from evalkit.judging.harden import fence, neutralised, nonce_of
from evalkit.judging.traces.views import shown_in_prompt
from evalkit.scoring.decorator import OFFERED as ARGUMENTS
from evalkit.scoring.reading import as_text, passage_text

if TYPE_CHECKING:
    import jinja2

OFFERED: Final = tuple(name for name in ARGUMENTS if name != "conversation")
"""What a template may read."""

NEEDED: Final = frozenset({"outputs", "expectations", "retrieved_context", "tool_calls", "trace"})
"""Of these, what a case can lack."""

_PIECES: Final = " pieces"  # no template can spell a name with a space
_PLACE: Final = re.compile("\x00(\\d+)\x00")
_ALONE: Final = re.compile("\\s*\x00(\\d+)\x00\\s*")


class MissingValueError(BindingError):
    """A case lacks what the template reads."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message for the judge."""

    text: str
    """The template's own words, and the values in fences."""

    pieces: Sequence[tuple[str, str]]
    """Name and text of each fence, in order."""

    changes: Mapping[str, int]
    """What had to be neutralised, by kind."""


class JudgeTemplate:
    """A template whose values never mingle with its words.

    An expression alone on its line becomes a fenced block there; one within a line becomes a
    reference such as ``[outputs]``, and its block follows at the end.  Numbers and truth values
    are written plainly.

    Examples:
        >>> template = JudgeTemplate("Is {{ outputs }} polite?")
        >>> template.render({"outputs": "Thanks"}).text.splitlines()[0]
        'Is [outputs] polite?'
        >>> sorted(template.needs)
        ['outputs']
    """

    def __init__(self, text: str, *, source: str = "instructions=") -> None:
        """Compile *text*, called *source* in errors.

        Raises:
            UsageError: If it does not compile, reads what no case has, or captures output.
        """
        import jinja2

        self.source = source
        environment = _environment()
        try:
            tree = environment.parse(text.replace("\x00", ""))
            shows_trace = _names_trace(tree)
            self._template = environment.from_string(cast("Any", tree))
        except jinja2.TemplateSyntaxError as error:
            raise UsageError(
                f"{source} is no Jinja2 template: line {error.lineno}: {_message(error)}."
            ) from error
        self.names = frozenset(_names(tree, source))
        self.needs = frozenset(_needs(tree))
        self.paths = frozenset(_unconditional(tree))
        self.shows_trace = shows_trace
        """Whether it names the trace as a whole, which is then read by tools."""

    def render(self, values: Mapping[str, Any]) -> Rendered:
        """Return the message with *values* in their fences.

        Raises:
            MissingValueError: If they lack something that the template reads.
            BindingError: If it does what the sandbox refuses.
        """
        import jinja2

        collected: list[tuple[str, str]] = []
        try:
            text = self._template.render({**values, _PIECES: collected})
        except MissingValueError:
            raise
        except jinja2.UndefinedError as error:
            raise MissingValueError(f"The case lacks what is read: {_message(error)}.") from None
        except jinja2.TemplateError as error:
            raise BindingError(f"{self.source}: {_message(error)}.") from None
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise BindingError(f"{self.source}: {type(error).__name__}: {error}.") from None
        return _laid_out(text, collected)


def _laid_out(text: str, collected: Sequence[tuple[str, str]]) -> Rendered:
    """Put the fences of *collected* where *text* has places for them."""
    changes: Counter[str] = Counter()
    by_name: dict[str, str] = {}
    names: dict[tuple[str, str], str] = {}
    numbers: dict[str, int] = {}
    named: list[str] = []
    for label, raw in collected:
        clean = neutralised(raw)
        changes.update(clean.changes)
        name = names.get((label, clean.text))
        if name is None:
            name = names[label, clean.text] = _free_name(label, clean.text, by_name, numbers)
            by_name[name] = clean.text
        named.append(name)
    pieces = list(by_name.items())
    nonce = nonce_of(pieces)
    blocks = {name: fence(name, text, nonce) for name, text in pieces}
    placed: set[str] = set()
    lines: list[str] = []
    for line in text.split("\n"):
        alone = _ALONE.fullmatch(line)
        name = named[int(alone[1])] if alone else ""
        if name and name not in placed:
            placed.add(name)
            lines.append(blocks[name])
        else:
            lines.append(_PLACE.sub(lambda place: f"[{named[int(place[1])]}]", line))
    rest = [block for name, block in blocks.items() if name not in placed]
    return Rendered("\n\n".join(["\n".join(lines).strip("\n"), *rest]), pieces, dict(changes))


def _free_name(label: str, text: str, taken: Mapping[str, str], numbers: dict[str, int]) -> str:
    """Return *label*, numbered where it stands for another text already.

    *numbers* keeps how far each label has come: a loop of many items must not count anew for each.
    """
    number = numbers.get(label, 1)
    name = label if number == 1 else f"{label}-{number}"
    while taken.get(name, text) != text:
        number += 1
        name = f"{label}-{number}"
    numbers[label] = number
    return name


class Passage(dict[str, Any]):
    """A retrieved passage that is written as its text alone; a template may read its fields.

    The retriever's score, and where the passage came from, would sway a judge.
    """

    @classmethod
    def of(cls, passage: Any) -> Any:
        """Return *passage* as one, if it is a mapping that holds a text, or an object of such."""
        if isinstance(passage, str) or passage_text(passage) is None:
            return passage
        return cls(passage if isinstance(passage, Mapping) else vars(passage))


def shown_value(value: Any) -> str | None:
    r"""Return *value* as a judge reads it: texts as they are, lists numbered, the rest as JSON.

    Examples:
        >>> shown_value(["one", "two"])
        '[1] one\n[2] two'
    """
    if isinstance(value, (list, tuple)) and value:
        texts = [_shown(item) or "" for item in cast("Sequence[Any]", value)]
        return "\n".join(f"[{number}] {text}" for number, text in enumerate(texts, 1))
    return _shown(value)


def _shown(value: Any) -> str | None:
    return passage_text(value) if isinstance(value, Passage) else as_text(value)


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        """Prefers a mapping's keys to its methods, and sends every value through `fenced`."""

        def getattr(self, obj: Any, attribute: str) -> Any:
            if isinstance(obj, Mapping) and attribute in obj:
                return cast("Mapping[str, Any]", obj)[attribute]
            return super().getattr(obj, attribute)

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            return _fencing(super()._parse(source, name, filename))

    @jinja2.pass_context
    def fenced(context: jinja2.runtime.Context, value: Any, label: str) -> str:
        if isinstance(value, jinja2.Undefined):
            return str(value)  # which raises
        if type(value) in {int, float, bool}:
            return str(value)
        text = shown_in_prompt(value) or shown_value(value)
        if text is None:
            raise MissingValueError(f"The case has no {label}.")
        collected: list[tuple[str, str]] = context[_PIECES]
        collected.append((label, text))
        return f"\x00{len(collected) - 1}\x00"

    environment = Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # a prompt is text, not HTML
        keep_trailing_newline=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({"fenced": cast("Any", fenced)})
    return environment


def _fencing(tree: Any) -> Any:
    """Send the value of each expression that is written through the filter `fenced`."""
    from jinja2 import nodes

    refused = (
        nodes.AssignBlock,
        nodes.FilterBlock,
        nodes.Macro,
        nodes.CallBlock,
        nodes.Include,
        nodes.Import,
        nodes.FromImport,
        nodes.Extends,
        nodes.Block,
    )
    for node in tree.find_all(refused):
        raise UsageError(
            f"A judge's template, line {node.lineno}: {type(node).__name__} would mingle what is "
            "judged with the instructions; use expressions, if, for and set."
        )
    for output in tree.find_all(nodes.Output):
        output.nodes = [
            part
            if isinstance(part, nodes.TemplateData)
            else nodes.Filter(
                part, "fenced", [nodes.Const(_label(part))], [], None, None, lineno=part.lineno
            )
            for part in output.nodes
        ]
    return tree


def _label(node: Any) -> str:
    """Return a name for the value of an expression: its dotted path, as far as it has one."""
    label = ".".join(_path(node)) or "value"
    return re.sub(r"[^\w.-]+", "_", label, flags=re.ASCII)


def _path(node: Any) -> list[str]:
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return [node.name]
    if isinstance(node, nodes.Getattr):
        return [*_path(node.node), node.attr]
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return [*_path(node.node), str(node.arg.value)]
    first = next(node.find_all(nodes.Name), None)
    return [first.name] if first is not None else []


def _names_trace(node: Any) -> bool:
    """Say whether the trace is written as a whole, rather than a field of it or a test for it."""
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        return bool(node.name == "trace")
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return _path(node) == ["case", "trace"]
    skipped = node.test if isinstance(node, (nodes.If, nodes.CondExpr)) else None
    return any(_names_trace(child) for child in node.iter_child_nodes() if child is not skipped)


def _names(tree: Any, source: str) -> Iterator[str]:
    from jinja2 import meta

    for name in meta.find_undeclared_variables(tree):
        if name not in OFFERED:
            raise UsageError(
                f"{source} reads {name!r}; a judge may read: {', '.join(OFFERED)}."
                f"{near_miss(name, OFFERED)}"
            )
        yield name


def _needs(tree: Any) -> Iterator[str]:
    """Yield the fields that a case must have; what a condition asks for may be absent."""
    from jinja2 import meta, nodes

    read = set(meta.find_undeclared_variables(tree))
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "case":
            read.add(node.attr)
    optional: set[str] = set()
    for node in tree.find_all((nodes.If, nodes.CondExpr)):
        optional.update(_tested(node.test))
    for node in tree.find_all(nodes.Filter):
        if node.name in {"default", "d"}:
            optional.update(_tested(node.node))
    yield from (read & NEEDED) - optional


def _unconditional(node: Any) -> Iterator[tuple[str, str]]:
    """Yield field and key of what is read of inputs and expectations, whatever the case has."""
    from jinja2 import nodes

    if isinstance(node, (nodes.If, nodes.CondExpr, nodes.Test)):
        return
    if isinstance(node, nodes.Filter) and node.name in {"default", "d"}:
        return
    path = _path(node) if isinstance(node, (nodes.Getattr, nodes.Getitem)) else []
    if len(path) > 1 and path[0] in {"inputs", "expectations"} and not hasattr(dict, path[1]):
        yield path[0], path[1]
    for child in node.iter_child_nodes():
        yield from _unconditional(child)


def _tested(test: Any) -> Iterator[str]:
    from jinja2 import nodes

    if isinstance(test, nodes.Name):
        yield test.name
    for name in test.find_all(nodes.Name):
        yield name.name
    for node in test.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "case":
            yield node.attr


def _message(error: Any) -> str:
    return str(error.message).rstrip(".")
