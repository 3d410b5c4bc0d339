"""The words of `evaluate` as a YAML file, and as the command line gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from evalkit.errors import SpecificationError, UsageError
from evalkit.evaluation.running.request import CHAT_WORDS, RUNTIME_WORDS, WORDS, Request, ScorerLike
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.words import words_of
from evalkit.judging.judge import load_judge
from evalkit.targets.chat import chat
from evalkit.targets.open import located, names_chat_model

JUDGE_FILES: Final = frozenset({".yaml", ".yml", ".md"})
"""Endings of scorers that are judges' files."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _listed_scorers(value: Any) -> Any:
    return [value] if isinstance(value, (str, dict)) else value


def _checked_scorer(item: Any) -> Any:
    """Refuse what is neither a name nor a mapping of names to their parameters."""
    problem = f"should be a name or {{name: parameters}}, not {item!r}"
    if isinstance(item, str):
        return item
    if not isinstance(item, dict) or not all(isinstance(name, str) for name in item):
        raise ValueError(problem)
    for name, parameters in item.items():
        if parameters is not None and not isinstance(parameters, dict):
            problem = f"the parameters of {name} should be a mapping, not {parameters!r}"
            raise ValueError(problem)
    return item


_TEXT_OR_LIST: Final = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}
_SCORER: Final = {"anyOf": [{"type": "string"}, {"type": "object"}]}
Texts = Annotated[list[str], BeforeValidator(_listed), WithJsonSchema(_TEXT_OR_LIST)]
Scorers = Annotated[
    list[Annotated[Any, BeforeValidator(_checked_scorer)]],
    BeforeValidator(_listed_scorers),
    WithJsonSchema({"anyOf": [*_SCORER["anyOf"], {"type": "array", "items": _SCORER}]}),
]


_IN_YAML: Final[Mapping[str, Any]] = {
    "data": str | list[str] | None,
    "model": str | None,
    "scorers": Scorers,
    "columns": dict[str, Any],
    "sample": int | float | None,
    "gates": Texts,
    "baseline": str | None,
    "reducer": Texts,
    "tags": dict[str, str],
    "sampling": dict[str, Any],
    "budget": float | dict[str, float | dict[str, float]] | None,
    "prices": dict[str, list[float]] | None,
    "batch": bool | str | list[str] | dict[str, Any],
}
"""Types of words that hold less in YAML than in Python, or are written in more ways."""

_TYPES: Final = {**get_type_hints(Request, localns={"ScorerLike": Any}), **get_type_hints(Runtime)}

if TYPE_CHECKING:
    _Fields = BaseModel
else:
    _Fields = create_model(
        "_Fields",
        **{
            name: (
                _IN_YAML.get(name) or _TYPES.get(name, str | None),
                Field(default=word.default, description=word.help),
            )
            for name, word in WORDS.items()
        },
    )


class Specification(_Fields):
    """An evaluation in words that YAML can hold; each is a keyword of `evaluate` or `Runtime`.

    Examples:
        >>> words = Specification(
        ...     cases=[{"question": "1+1?", "expected": "2", "output": "2"}],
        ...     scorers="text.exact_match", store=False)
        >>> from evalkit.evaluation.evaluate import evaluate
        >>> evaluate(**words.arguments())["text.exact_match"].value
        1.0
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        title="Specification of an evaluation",
        json_schema_extra={"description": "The words of `evalkit evaluate`, for YAML files."},
    )

    cases: list[dict[str, Any]] | None = Field(
        default=None,
        description="The data itself, a mapping a case, each perhaps with its own 'must'.",
    )
    report: Texts = Field(
        default=[], description="Files to write, each in the format of its extension."
    )

    if TYPE_CHECKING:  # what is made from a list, checkers do not see

        def __init__(self, **words: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `evaluate`; imports what they name.

        Raises:
            UsageError: If something does not import, or words contradict each other.
        """
        if self.data is not None and self.cases is not None:
            raise SpecificationError("Give data or cases, not both.")
        plain = {name: getattr(self, name) for name in words_of(Request)}
        return plain | {
            "model": self.target(),
            "data": self.cases if self.data is None else self.data,
            "scorers": [read_scorer(item) for item in self.scorers],
            "gates": self.all_gates(),
            "runtime": self.runtime(),
        }

    def all_gates(self) -> list[str]:
        """Return the gates; ``must_pass`` is one of them where cases have conditions."""
        musts = any(case.get("must") for case in self.cases or ())
        if musts and not any("must_pass" in gate for gate in self.gates):
            return [*self.gates, "must_pass"]
        return list(self.gates)

    def runtime(self) -> Runtime:
        """Return how to run."""
        return Runtime(**{name: getattr(self, name) for name in RUNTIME_WORDS})

    def target(self) -> Any:
        """Return the model as `evaluate` takes it: a text, or a configured chat model.

        Raises:
            UsageError: If settings of chat models are given with another model, or none.
        """
        given = [word for word in CHAT_WORDS if getattr(self, word)]
        if not given:
            return self.model
        if self.model is None or not names_chat_model(self.model):
            what = "there is no model" if self.model is None else f"{self.model!r} is none"
            raise UsageError(f"{', '.join(given)}: these configure chat models, and {what}.")
        return chat(
            self.model,
            prompt=self.prompt,
            system=self.system,
            base_url=self.base_url,
            **(self.sampling or {}),
        )


def read_scorer(item: str | Mapping[str, Any]) -> ScorerLike:
    """Return the scorer that a name, ``name:{json}``, ``module:object`` or a mapping means.

    A text that ends in ``.yaml``, ``.yml`` or ``.md`` is the file of a judge.

    Raises:
        UsageError: If the JSON does not parse, or the object cannot be imported.
        SpecificationError: If the file cannot be read, or describes no judge.

    Examples:
        >>> read_scorer('text.rouge:{"stemmer": true}')
        {'text.rouge': {'stemmer': True}}
        >>> read_scorer("text.rouge")
        'text.rouge'
    """
    if isinstance(item, Mapping):
        if len(item) == 1:
            ((name, parameters),) = item.items()
            found: ScorerLike = _located(name, parameters) if ":" in name else {name: parameters}
            return found
        return dict(item)
    if Path(item).suffix.lower() in JUDGE_FILES:
        return load_judge(item)
    name, colon, rest = item.partition(":")
    if not colon:
        return item
    if not rest.lstrip().startswith("{"):
        named: ScorerLike = _located(item, None)
        return named
    try:
        parameters = json.loads(rest)
    except json.JSONDecodeError as error:
        place = len(name) + 1 + error.pos
        raise UsageError(
            f"Scorer {item!r}: the parameters are no JSON ({error.msg}, character {place + 1})."
        ) from None
    return {name: parameters}


def _located(path: str, parameters: Mapping[str, Any] | None) -> Any:
    found = located(path)
    if parameters is None:
        return found
    if not isinstance(found, type):
        raise UsageError(f"{path!r} takes no parameters: only a class does.")
    try:
        return found(**parameters)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path!r} refuses {dict(parameters)}: {error}.") from error
