"""Which of two answers is better, asked in both orders: the place of an answer cannot win."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Self, cast

from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.judging.calibration import Calibrated
from evalkit.judging.judge import Judge
from evalkit.judging.template import MissingValueError
from evalkit.judging.together import together
from evalkit.judging.traces.tools import Message
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.reading import follow

QUESTION: Final = """\
Two answers were given to the same request. Which is better? Judge how well each does what was \
asked; neither length, nor style, nor the order of the two matters. If they are equally good, say \
tie.

Request:
{{ inputs }}

Answer a:
{{ outputs.a }}

Answer b:
{{ outputs.b }}"""

CHOICES: Final = {"a": 1.0, "tie": 0.5, "b": 0.0}

Inconsistent = Literal["tie", "average"]


@dataclass(frozen=True, slots=True)
class Preference:
    """What two orders say of the first answer against the second."""

    value: float
    """1 if the first answer wins, 0 if it loses, 0.5 for a tie."""

    consistent: bool
    """Whether both orders say the same."""

    position_bias: float
    """1 if the answer shown first won both times, -1 if the one shown last did, 0 if neither."""


def preference(forward: float, backward: float, *, inconsistent: Inconsistent) -> Preference:
    """Return what two judgements with swapped places say together.

    Args:
        forward: Value of the answer shown first, in [0, 1], where that is the first answer.
        backward: The same where the second answer is shown first.
        inconsistent: What to make of orders that disagree: a ``tie``, or their ``average``.

    Examples:
        >>> preference(1.0, 0.0, inconsistent="tie")
        Preference(value=1.0, consistent=True, position_bias=0.0)
        >>> preference(1.0, 1.0, inconsistent="tie")
        Preference(value=0.5, consistent=False, position_bias=1.0)

    References:
        Zheng et al. (2023), *Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena*, arXiv
        2306.05685, section 3.4.
    """
    turned = 1.0 - backward
    consistent = forward == turned
    value = forward if consistent else 0.5 if inconsistent == "tie" else (forward + turned) / 2
    return Preference(value, consistent, forward + backward - 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseJudge(Calibrated):
    """Score how often one answer of a case is preferred to another.

    Three metrics come of it: ``preference`` (1 for the first answer, 0 for the second, 0.5 for a
    tie), ``position_bias`` (in [-1, 1], 0 is none) and ``consistent`` (whether both orders agree).

    Examples:
        >>> judge = PairwiseJudge(second="expectations.baseline")
        >>> sorted(judge.requires)
        ['expectations', 'outputs']
    """

    name: str = "pairwise"
    judge: Judge = field(
        default_factory=lambda: Judge(
            name="pairwise", instructions=QUESTION, choices=tuple(CHOICES.items()), prechecks=()
        )
    )
    """Reads ``outputs.a`` and ``outputs.b``, and chooses among ``a``, ``tie`` and ``b``."""

    first: str = "outputs"
    """Path of the answer that wins with 1."""

    second: str = "expectations.expected_response"
    """Path of the answer that it is compared with."""

    inconsistent: Inconsistent = "tie"
    """What to make of orders that disagree: a ``tie``, or their ``average``."""

    metric_facts: ClassVar[Mapping[str, MetricFacts]] = {
        "preference": MetricFacts(low=0.0, high=1.0),
        "position_bias": MetricFacts(direction="none", low=-1.0, high=1.0),
        "consistent": MetricFacts(low=0.0, high=1.0, binary=True),
    }
    metered: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.judge, Mapping):  # from a stored specification
            object.__setattr__(self, "judge", Judge(**cast("dict[str, Any]", self.judge)))
        if dict(self.judge.choices) != CHOICES:
            raise UsageError(f"A pairwise judge chooses among {', '.join(CHOICES)}.")
        if self.inconsistent not in {"tie", "average"}:
            raise UsageError(f"inconsistent= is 'tie' or 'average'; got {self.inconsistent!r}.")

    @property
    def facts(self) -> MetricFacts:
        """Facts of the preference."""
        return self.metric_facts["preference"]

    @property
    def reads_session(self) -> bool:
        """Whether the judge reads conversations."""
        return self.judge.reads_session

    @property
    def model(self) -> str | None:
        """Model string of the judge."""
        return self.judge.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the signature shows."""
        places = {"first": self.first, "second": self.second, "inconsistent": self.inconsistent}
        return {**self.judge.identity, **places}

    @property
    def requires(self) -> frozenset[str]:
        """What a case must have: both answers, and what the template reads besides."""
        fields = {self.first.partition(".")[0], self.second.partition(".")[0]} - {"inputs", "tags"}
        return self.judge.requires - {"outputs"} | fields

    def with_model(self, model: str, *, base_url: str | None = None) -> Self:
        """Return this judge asking *model*."""
        return dataclasses.replace(self, judge=self.judge.with_model(model, base_url=base_url))

    def check(self) -> None:
        """Refuse to start with a template or model that cannot work.

        Raises:
            UsageError: Saying what is wrong.
        """
        self.judge.check()

    def messages(self, case: Case) -> list[Message]:
        """Return the messages of the first order; in the second one the answers change places.

        Raises:
            MissingValueError: If the case lacks an answer, or what else the template reads.
        """
        return self.judge.messages(self._orders(case)[0])

    def explain(self, case: Case) -> list[Message]:
        """Print, and return, the exact messages of the first order; nobody is asked."""
        return self.judge.explain(self._orders(case)[0])

    def _orders(self, case: Case) -> list[Case]:
        first, second = follow(case, self.first), follow(case, self.second)
        if first is None or second is None:
            raise MissingValueError(
                f"The case has no {self.first if first is None else self.second}."
            )
        return [
            dataclasses.replace(case, outputs={"a": x, "b": y})
            for x, y in ((first, second), (second, first))
        ]

    async def score(self, case: Case, /) -> Mapping[str, Score] | Score:
        """Return the preference, the bias and whether both orders agree."""
        try:
            orders = self._orders(case)
        except MissingValueError as error:
            return Score.skipped(str(error))
        scores = await together([functools.partial(self.judge.score, order) for order in orders])
        for score in scores:
            if score.status is not Status.OK or score.value is None:
                return score
        forward, backward = (float(score.value or 0.0) for score in scores)
        both = preference(forward, backward, inconsistent=self.inconsistent)
        evidence = {
            "verdicts": [score.label for score in scores],
            "rationales": [score.explanation for score in scores],
        }
        explanation = scores[0].explanation if both.consistent else "The two orders disagree."
        return {
            "preference": Score(both.value, explanation=explanation, metadata=evidence),
            "position_bias": Score(both.position_bias),
            "consistent": Score(both.consistent),
        }
