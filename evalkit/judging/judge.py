"""A judge: a scorer that asks a language model to fill in a form, and how a user makes one."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evalkit._internal.canonical import canonical_json
from evalkit.entities.case import Case
from evalkit.entities.estimate import Direction
from evalkit.entities.score import Score
from evalkit.judging.calibration import Calibrated
from evalkit.judging.harden import FENCE_VERSION
from evalkit.judging.precheck import CHECKS
from evalkit.judging.prepared import Prepared, prepare, seen_by
from evalkit.judging.prompt import PROMPT_VERSION
from evalkit.judging.settings import JudgeSettings, as_yaml, read_judge
from evalkit.judging.traces.tools import Message, tool_texts
from evalkit.llm.template import open_template
from evalkit.scoring.facts import MetricFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(JudgeSettings, Calibrated):
    """Score each case by asking a language model; `make_judge` makes one."""

    _memo: dict[str, Any] = field(
        default_factory=dict[str, Any], init=False, repr=False, compare=False
    )

    metered: ClassVar[bool] = True
    """Its calls go through the model session, which counts, paces and records them."""

    @property
    def prepared(self) -> Prepared:
        """Template, form and examples, compiled when they are first needed."""
        prepared: Prepared | None = self._memo.get("prepared")
        if prepared is None:
            prepared = self._memo["prepared"] = prepare(self)
        return prepared

    @property
    def described_by(self) -> Any:
        """Function whose docstring says what each setting means."""
        return make_judge

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
        return self.prepared.judges_session

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the signature shows: model, prompt, form and settings."""
        facts: dict[str, Any] = {"model": self.model, "base_url": self.base_url}
        facts |= {"prompt": self.prepared.prompt_hash, "schema": self.prepared.schema_hash}
        facts |= {"temperature": self.temperature, **self.sampling}
        facts |= {"samples": self.samples if self.samples > 1 else None}
        facts |= {"method": self.method if self.method != "verdict" else None}
        facts |= {"format": f"fence {FENCE_VERSION}, prompt {PROMPT_VERSION}"}
        return {key: value for key, value in facts.items() if value is not None}

    def with_model(self, model: str, *, base_url: str | None = None) -> Self:
        """Return this judge asking *model*; an evaluation calls it on judges that name none."""
        return dataclasses.replace(self, model=model, base_url=base_url or self.base_url)

    def check(self) -> None:
        """Refuse to start with a template, an example or a model that cannot work.

        Raises:
            UsageError: Saying what is wrong; naming the environment variable of a missing key.
        """
        # start-up: what asks models takes long to import
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
        return self.prepared.messages(seen_by(self, case))[0]

    def explain(self, case: Case) -> list[Message]:
        """Print, and return, the exact messages that are sent for *case*.

        Of a judge that reads a trace, these are the first ones; its tools are printed below them.
        """
        sent = self.messages(case)
        for message in sent:
            text = message["content"] or canonical_json(message.get("tool_calls")).decode()
            sys.stdout.write(f"--- {message['role']}\n{text}\n")
        if self.prepared.tool_rounds is not None:
            sys.stdout.write("--- tools\n" + "\n".join(tool_texts()) + "\n")
        return sent

    def to_yaml(self) -> str:
        """Return the judge as YAML; `load_judge` reads it."""
        return as_yaml(self)

    async def score(self, case: Case, /) -> Score:
        """Return the verdict on *case*.

        Raises:
            UsageError: If no model is known.
            BudgetSpentError: If nothing may be spent any more.
            NotRecordedError: If only recordings may answer, and none does.
        """
        from evalkit.judging.run import run  # start-up: what asks models takes long to import

        return await run(self.prepared, case)


def make_judge(
    name: str,
    instructions: str | PathLike[str],
    *,
    choices: Mapping[str, float | bool | None] | Sequence[str] | None = None,
    scale: Mapping[int, str] | Mapping[float, str] | range | tuple[float, float] | None = None,
    value_type: type | str | None = None,
    direction: Direction = "higher",
    model: str | None = None,
    base_url: str | None = None,
    auth_environment: str | None = None,
    reads: Mapping[str, str] | None = None,
    examples: Iterable[Mapping[str, Any]] = (),
    samples: int = 1,
    temperature: float | None = 0.0,
    method: Literal["verdict", "logprobs"] = "verdict",
    fallback_samples: int = 20,
    parts: str | None = None,
    each: str | None = None,
    aggregate: str | Callable[[Sequence[float]], float] = "mean",
    prechecks: Iterable[str] = CHECKS,
    canaries: Iterable[Mapping[str, Any]] = (),
    tool_rounds: int = 16,
    timeout_seconds: float = 600.0,
    version: str | None = None,
    **sampling: Any,
) -> Judge:
    """Make a scorer that asks a language model.

    Args:
        name: Metric name.
        instructions: Jinja2 template over ``inputs, outputs, expectations, retrieved_context,
            tool_calls, tags, metadata, trace, session, case``, or a file of one (``.md``, ``.txt``,
            ``.j2``).  Every value reaches the model in a fence.
        choices: Label to value, in the order in which they are shown; or labels alone.
        scale: Anchors by whole number (``{1: "useless", 5: "perfect"}``), a range, or both ends.
        value_type: ``bool`` (the default without the two above), ``int`` or ``float`` with a scale,
            ``str`` for a free label.
        direction: Which way is better: ``higher``, ``lower`` or ``none``.
        model: litellm's model string; by default the evaluation's ``judge_model``, or
            ``EVALKIT_JUDGE_MODEL``.
        base_url: Address of an OpenAI-compatible server, up to ``/v1``.
        auth_environment: Environment variable of the key; the provider's own by default.
        reads: Field to dotted path, such as ``{"outputs": "answer.text"}``.
        examples: Cases with the verdict on each: ``inputs``, ``outputs`` (and any field of a case),
            ``choice`` and ``explanation``.
        samples: How often each case is judged; values are averaged, agreement is recorded.
        temperature: Sent where the model accepts one; ``None`` sends none.
        method: ``logprobs`` weighs the values by the probabilities of their tokens (G-Eval).
        fallback_samples: Judgements at temperature 1 whose mean stands in where the server gives
            no probabilities, or they add up to less than 0.9.
        parts: Name of what gets a verdict each, such as ``claims``; rows of evidence are kept.
        each: Path of a list in the case that is judged item by item.
        aggregate: From the values of parts to the score: ``mean``, ``min``, ``max``,
            ``average_precision``, or a function.
        prechecks: Outputs that get the worst verdict without asking: ``empty``, ``master_key``,
            ``echo``.
        canaries: Examples with a known verdict.  They are asked first, under a role of their own;
            unless all are right, every score fails with reason ``canary_alarm``.
        tool_rounds: Of a judge that reads ``{{ trace }}``: most answers that call tools.
        timeout_seconds: Longest wait for one answer.
        version: Change it when verdicts change for a reason that no other setting shows.
        **sampling: Sent unchanged, such as ``max_tokens=300``; part of the signature.

    Raises:
        UsageError: If the template does not compile or reads what no case has, the settings
            contradict each other, or an example does not fit.

    Examples:
        >>> polite = make_judge("polite", "Is {{ outputs }} polite?", model="openai/gpt-5-mini")
        >>> polite.facts.binary, sorted(polite.requires)
        (True, ['outputs'])
    """
    text = instructions if isinstance(instructions, str) else Path(fspath(instructions))
    judge = Judge(
        name=name,
        instructions=open_template(text, what="instructions").text,
        choices=choices or (),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        scale=scale,
        value_type=value_type,
        direction=direction,
        model=model,
        base_url=base_url,
        auth_environment=auth_environment,
        reads=reads or {},
        examples=tuple(examples),
        samples=samples,
        temperature=temperature,
        sampling=sampling,
        method=method,
        fallback_samples=fallback_samples,
        parts=parts,
        each=each,
        aggregate=aggregate,
        prechecks=tuple(prechecks),
        canaries=tuple(canaries),
        tool_rounds=tool_rounds,
        timeout_seconds=timeout_seconds,
        version=version,
    )
    _ = judge.prepared  # what is wrong is told here, not in the middle of a run
    return judge


def load_judge(path: str | PathLike[str]) -> Judge:
    """Return the judge that a file describes.

    A ``.yaml`` file holds the settings of `Judge` by name.  In a ``.md`` file they stand between
    two lines of ``---``, and what follows is the instructions.  The name is the file's by default.

    Raises:
        SpecificationError: If the file cannot be read, or holds a wrong word or value.
    """
    return read_judge(path, Judge)
