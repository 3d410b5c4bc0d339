"""The words of `evaluate` as a YAML file, and as the command line gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from evalkit.errors import SpecificationError, UsageError
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import ScorerLike
from evalkit.judging.judge import load_judge
from evalkit.targets.chat import chat
from evalkit.targets.open import located, names_chat_model

CHAT: Final = ("prompt", "system", "base_url", "sampling")
"""Words that configure a chat model."""

RUNTIME: Final = tuple(Runtime.__dataclass_fields__)
"""Words that are fields of `Runtime`."""

_JUDGE_FILES: Final = frozenset({".yaml", ".yml", ".md"})


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


class Specification(BaseModel):
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

    model: str | None = Field(
        default=None,
        description="'module:function', a URL, or a chat model; none scores stored answers.",
    )
    prompt: str | None = Field(
        default=None, description="Chat models: Jinja2 template, or its file."
    )
    system: str | None = Field(
        default=None, description="Chat models: system message, or its file."
    )
    base_url: str | None = Field(
        default=None, description="Chat models: an OpenAI-compatible server."
    )
    sampling: dict[str, Any] = Field(
        default={}, description="Chat models: settings such as temperature."
    )
    data: str | None = Field(default=None, description="File, pattern or URI of the data.")
    cases: list[dict[str, Any]] | None = Field(
        default=None,
        description="The data itself, a mapping a case, each perhaps with its own 'must'.",
    )
    columns: dict[str, Any] = Field(
        default={}, description="Case field to column, dotted path or list."
    )
    limit: int | None = Field(default=None, description="Take the first so many cases.")
    sample: int | float | None = Field(
        default=None, description="Draw a share (0.1) or a count (100)."
    )
    split: str | None = Field(default=None, description="Take only cases of this split.")
    scorers: Scorers = Field(
        default=[], description="Names, {name: parameters}, 'module:object', judges' files."
    )
    judge_model: str | None = Field(default=None, description="Model of judges that name none.")
    repeats: int = Field(default=1, description="Times to run each case.")
    reducer: Texts = Field(default=["mean"], description="How repeats become one value.")
    gates: Texts = Field(default=[], description="Conditions, such as 'text.token_f1 >= 0.6'.")
    baseline: str | None = Field(
        default=None, description="Run or file that gates such as no_regression(m) compare with."
    )
    stop: str | None = Field(
        default=None, description="'when decided' ends the run once every gate is decided."
    )
    level: float = Field(default=0.95, description="Confidence level of intervals.")
    seed: int = Field(default=0, description="Seed of every draw.")
    name: str | None = Field(default=None, description="Name of the run.")
    experiment: str | None = Field(default=None, description="Experiment to put the run in.")
    tags: dict[str, str] = Field(default={}, description="Tags of the run.")
    run: str | None = Field(default=None, description="Run to join.")
    report: Texts = Field(
        default=[], description="Files to write, each in the format of its extension."
    )
    concurrency: int = Field(default=8, description="Calls in flight at once.")
    timeout_seconds: float | None = Field(
        default=None, description="Longest time of one call or score."
    )
    requests_per_minute: float | None = Field(default=None, description="Most calls in a minute.")
    tokens_per_minute: float | None = Field(
        default=None, description="Most tokens in a minute for each server of models."
    )
    mode: str = Field(default="auto", description="Recordings: auto, replay, live or none.")
    recordings: str | None = Field(default=None, description="Folder of recordings to commit.")
    cards: str | None = Field(default=None, description="Folder of judges' cards to commit.")
    budget: float | dict[str, float | dict[str, float]] | None = Field(
        default=None,
        description="Most to spend: US dollars, or usd, tokens, calls, seconds; also by role.",
    )
    prices: dict[str, list[float]] | None = Field(
        default=None, description="Dollars for a million tokens in and out, by model."
    )
    batch: bool | str | list[str] | dict[str, Any] = Field(
        default=False,
        description="Whose model calls go by batches: true, judge, target, or also settings.",
    )
    backend: str = Field(default="local", description="Where cases run: local, or processes:4.")
    progress: bool | None = Field(default=None, description="Whether to draw a progress bar.")
    store: bool | str | None = Field(default=None, description="Store's URI; false keeps nothing.")
    resume: str | None = Field(default=None, description="Interrupted run to finish.")
    durable: bool = Field(default=False, description="Force each record to disk.")

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `evaluate`; imports what they name.

        Raises:
            UsageError: If something does not import, or words contradict each other.
        """
        if self.data is not None and self.cases is not None:
            raise SpecificationError("Give data or cases, not both.")
        left = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name not in {*RUNTIME, *CHAT, "cases", "report", "model", "data", "gates"}
        }
        return left | {
            "model": self.target(),
            "data": self.cases if self.data is None else self.data,
            "scorers": [read_scorer(item) for item in self.scorers],
            "gates": self.all_gates(),
            "columns": self.columns or None,
            "tags": self.tags or None,
            "runtime": self.runtime(),
        }

    def all_gates(self) -> list[str]:
        """Return the gates; ``must_pass`` is one of them where cases have conditions."""
        asked = any(case.get("must") for case in self.cases or ())
        if asked and not any("must_pass" in gate for gate in self.gates):
            return [*self.gates, "must_pass"]
        return self.gates

    def runtime(self) -> Runtime:
        """Return how to run."""
        return Runtime(**{name: getattr(self, name) for name in RUNTIME})

    def target(self) -> Any:
        """Return the model as `evaluate` takes it: a text, or a configured chat model.

        Raises:
            UsageError: If settings of chat models are given with another model, or none.
        """
        given = [word for word in CHAT if getattr(self, word)]
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
            **self.sampling,
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
    if Path(item).suffix.lower() in _JUDGE_FILES:
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
