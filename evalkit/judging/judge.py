"""A judge: a scorer that asks a language model to fill in a form."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from evalkit._internal.canonical import canonical_json
from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.judging.calibration import Calibrated
from evalkit.judging.harden import FENCE_VERSION
from evalkit.judging.prepared import Prepared, prepare, seen_by
from evalkit.judging.prompt import PROMPT_VERSION, Message
from evalkit.judging.settings import JudgeSettings, as_yaml
from evalkit.judging.traces.tools import tool_texts
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
        if self.prepared.trace_tools is not None:
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
