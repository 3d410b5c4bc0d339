"""A judge of the library: its prompt is a file, read when it is first needed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from evalkit.plugin import Case, Judge, UsageError, checked_parameters, load_judge, parameter_types
from evalkit_judges.degradations import DEGRADED_BY
from evalkit_judges.good_cases import good_cases

PROMPTS: Final = Path(__file__).parent / "prompts"
PREFIX: Final = "judge."

_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Judge))
_EXPECTED: Final = re.compile(r"\{\{ expectations\.(\w+) \}\}")


class LibraryJudge(Judge):
    """Score each case by asking a language model, with a prompt that comes with evalkit.

    What its prompt reads from the expectations of a case can be given for all cases at once:
    ``get_scorer("judge.guidelines", guidelines=["Be polite."])``.
    """

    __slots__ = ()

    @classmethod
    def named(cls, name: str, folder: Path = PROMPTS) -> Self:
        """Return the judge whose prompt is the file *name* in *folder*, which is not read yet."""
        judge = object.__new__(cls)
        object.__setattr__(judge, "name", PREFIX + name)
        object.__setattr__(judge, "_memo", {"file": folder / f"{name}.md"})
        return judge

    def __getattr__(self, setting: str) -> Any:
        """Read the file: Python asks here for a setting that is not there yet."""
        if setting not in _FIELDS:
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {setting!r}", obj=self)
        read = load_judge(self._memo["file"])
        for name in _FIELDS:
            if name not in {"name", "_memo"}:
                object.__setattr__(self, name, getattr(read, name))
        return getattr(self, setting)

    @property
    def degradations(self) -> tuple[str, ...] | None:
        """Names of the ways to make a case worse that this judge must not reward.

        Examples:
            >>> LibraryJudge.named("context_relevance").degradations
            ('other_context',)
        """
        return DEGRADED_BY.get(self.name.removeprefix(PREFIX))

    @property
    def good_cases(self) -> tuple[Case, ...]:
        """Cases whose outputs deserve the best verdict, for audits without other data."""
        return good_cases(self.name.removeprefix(PREFIX))

    def configured(self, **parameters: Any) -> Self:
        """Return this judge with other settings, or with an expectation that all cases share.

        An expectation given here stands in the prompt itself.  The examples of the prompt, which
        show other ones, are then left out.

        Raises:
            UsageError: If there is no such setting, or the prompt reads no such expectation.

        Examples:
            >>> polite = LibraryJudge.named("guidelines").configured(guidelines="Be polite.")
            >>> "Be polite." in polite.instructions, sorted(polite.requires)
            (True, ['outputs'])
        """
        shared = tuple(dict.fromkeys(_EXPECTED.findall(self.instructions)))
        accepts = {**dict.fromkeys(shared, Any), **parameter_types(self)}
        parameters = checked_parameters(self.name, parameters, accepts)
        given = {name: value for name, value in parameters.items() if name in shared}
        changes = {name: value for name, value in parameters.items() if name not in shared}
        return dataclasses.replace(self, **{**self._with_shared(given), **changes})

    def _with_shared(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings in which the expectations *given* differ from those of the cases."""
        if not given:
            return {}
        text = self.instructions
        for name, value in given.items():
            text = text.replace(f"{{{{ expectations.{name} }}}}", _verbatim(name, value))
        changes: dict[str, Any] = {"instructions": text, "examples": ()}
        if self.each in {f"expectations.{name}" for name in given}:
            changes["each"] = None  # the items stand in the prompt, and in no case
        return changes


def _verbatim(name: str, value: Any) -> str:
    """Return *value* for a template that is to show it as it is; lists are numbered."""
    items = value if isinstance(value, (list, tuple)) else None
    text = str(value) if items is None else "\n".join(f"{n}. {i}" for n, i in enumerate(items, 1))
    if not text.strip():
        raise UsageError(f"{name}= is empty.")
    if re.search(r"\{%-?\s*endraw", text):
        raise UsageError(f"{name}= holds a tag of templates, endraw, which cannot be shown.")
    return f"{{% raw %}}{text}{{% endraw %}}"
