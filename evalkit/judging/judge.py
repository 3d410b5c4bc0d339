"""A judge: a scorer that asks a language model to fill in a form."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from evalkit._internal.canonical import canonical_json
from evalkit.entities.case import Case
from evalkit.entities.estimate import Direction
from evalkit.entities.score import Score
from evalkit.judging.calibrating import Calibrated
from evalkit.judging.harden import FENCE_VERSION
from evalkit.judging.precheck import CHECKS
from evalkit.judging.prepared import Prepared, prepare
from evalkit.judging.prompt import PROMPT_VERSION, Message
from evalkit.judging.settled import settled
from evalkit.scoring.facts import MetricFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(Calibrated):
    """Score each case by asking a language model; `make_judge` makes one."""

    name: str = "judge"
    instructions: str
    """Jinja2 template over the case: what is asked."""

    choices: tuple[tuple[str, float | bool | None], ...] = ()
    """Labels and what each is worth, in the order in which they are shown."""

    scale: Any = None
    """Anchors by whole number, a range, or both ends; in place of *choices*."""

    value_type: str | None = None
    """``bool``, ``int``, ``float`` or ``str``, in place of *choices*."""

    direction: Direction = "higher"
    """Which way is better."""

    model: str | None = None
    """Model string; the evaluation's ``judge_model`` by default."""

    base_url: str | None = None
    """Address of an OpenAI-compatible server, up to ``/v1``."""

    auth_environment: str | None = None
    """Environment variable of the key; the provider's own by default."""

    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    """Field to dotted path, such as ``{"outputs": "answer.text"}``."""

    examples: tuple[Mapping[str, Any], ...] = ()
    """Cases with the verdict on each: ``inputs``, ``outputs``, ``choice``, ``explanation``."""

    samples: int = 1
    """How often each case is judged."""

    temperature: float | None = 0.0
    """Sent where the model accepts one; ``None`` sends none."""

    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further settings, sent unchanged, such as ``max_tokens``."""

    method: Literal["verdict", "logprobs"] = "verdict"
    """``logprobs`` weighs the values by the probabilities of their tokens."""

    fallback_samples: int = 20
    """Judgements at temperature 1 whose mean stands in where the probabilities are not known."""

    parts: str | None = None
    """Name of the parts that get a verdict each, such as ``claims``."""

    each: str | None = None
    """Path of a list in the case that is judged item by item; then *parts* names the items."""

    aggregate: str | Callable[[Sequence[float]], float] = "mean"
    """From the values of parts to the score: ``mean``, ``min``, ``max``, ``average_precision``."""

    prechecks: tuple[str, ...] = CHECKS
    """Outputs that get the worst verdict unasked: ``empty``, ``master_key``, ``echo``."""

    canaries: tuple[Mapping[str, Any], ...] = ()
    """Examples whose verdict is known; the judge has to get them right before it is believed."""

    tool_rounds: int = 16
    """Of a judge that reads a trace: most answers that call tools, before it has to decide."""

    timeout_seconds: float = 600.0
    """Longest wait for one answer."""

    version: str | None = None
    """Changes when verdicts may change."""

    _memo: dict[str, Any] = field(
        default_factory=dict[str, Any], init=False, repr=False, compare=False
    )

    metered: ClassVar[bool] = True
    """Its calls go through the model session, which counts, paces and records them."""

    def __post_init__(self) -> None:
        for setting, value in settled(self).items():
            object.__setattr__(self, setting, value)

    def __reduce__(self) -> tuple[Any, ...]:
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}
        return _unpickled, (type(self), given)

    @property
    def prepared(self) -> Prepared:
        """Template, form and examples, compiled when they are first needed."""
        found: Prepared | None = self._memo.get("prepared")
        if found is None:
            found = self._memo["prepared"] = prepare(self)
        return found

    @property
    def facts(self) -> MetricFacts:
        """Direction and range; yes or no where every verdict is worth 0 or 1."""
        single = self.samples == 1 and self.method == "verdict"
        return self.prepared.form.facts(self.direction, single=single)

    @property
    def requires(self) -> frozenset[str]:
        """What a case must have: what the template reads unconditionally, unless rerouted."""
        return self.prepared.template.needs - set(self.reads)

    @property
    def paths(self) -> frozenset[tuple[str, str]]:
        """Field and key of what the template reads of inputs and expectations in every case."""
        return frozenset(path for path in self.prepared.template.paths if path[0] not in self.reads)

    @property
    def reads_session(self) -> bool:
        """Whether it reads conversations, so that a case has to come with those of its session."""
        return "session" in self.prepared.template.names

    @property
    def judges_session(self) -> bool:
        """Whether it judges a conversation as a whole, once, rather than a turn of it."""
        turn = {"inputs", "outputs", "case"} & self.prepared.template.names
        return self.reads_session and not turn

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the signature shows: model, prompt, form and settings."""
        shown: dict[str, Any] = {"model": self.model, "base_url": self.base_url}
        shown |= {"prompt": self.prepared.prompt_hash, "schema": self.prepared.schema_hash}
        shown |= {"temperature": self.temperature, **self.sampling}
        shown |= {"samples": self.samples if self.samples > 1 else None}
        shown |= {"method": self.method if self.method != "verdict" else None}
        shown |= {"format": f"fence {FENCE_VERSION}, prompt {PROMPT_VERSION}"}
        return {key: value for key, value in shown.items() if value is not None}

    def with_model(self, model: str, *, base_url: str | None = None) -> Self:
        """Return this judge asking *model*; an evaluation calls it on judges that name none."""
        return dataclasses.replace(self, model=model, base_url=base_url or self.base_url)

    def check(self) -> None:
        """Refuse to start with a template, an example or a model that cannot work.

        Raises:
            UsageError: Saying what is wrong; naming the environment variable of a missing key.
        """
        from evalkit.llm.open import open_chat_model
        from evalkit.llm.session import current_session

        _ = self.prepared
        # What is only replayed is asked of nobody, and needs no key.
        if self.model is not None and current_session().recorder.mode != "replay":
            open_chat_model(
                self.model, base_url=self.base_url, auth_environment=self.auth_environment
            ).check()

    def messages(self, case: Case) -> list[Message]:
        """Return the messages that are sent for *case*.

        Raises:
            MissingValueError: If the case lacks something that the template reads.
        """
        from evalkit.judging.run import seen_by

        return self.prepared.messages(seen_by(self, case))[0]

    def explain(self, case: Case) -> list[Message]:
        """Print, and return, the exact messages that are sent for *case*.

        Of a judge that reads a trace, these are the first ones; its tools are printed below them.
        """
        sent = self.messages(case)
        for message in sent:
            shown = message["content"] or canonical_json(message.get("tool_calls")).decode()
            sys.stdout.write(f"--- {message['role']}\n{shown}\n")
        if self.prepared.reading is not None:
            from evalkit.judging.traces.consulting import tool_texts

            sys.stdout.write("--- tools\n" + "\n".join(tool_texts()) + "\n")
        return sent

    def to_yaml(self) -> str:
        """Return the judge as YAML; `load_judge` reads it."""
        from evalkit.judging.document import written

        return written(self)

    async def score(self, case: Case, /) -> Score:
        """Return the verdict on *case*.

        Raises:
            UsageError: If no model is known.
            BudgetSpentError: If nothing may be spent any more.
            NotRecordedError: If only recordings may answer, and none does.
        """
        from evalkit.judging.run import run

        return await run(self, case)


def _unpickled(kind: type[Judge], settings: Mapping[str, Any]) -> Judge:
    return kind(**settings)
