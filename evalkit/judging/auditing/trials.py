"""What an audit knows of a judge, and asks it: cases as they are, worse, attacked and edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evalkit.data.traces import trace_if_any
from evalkit.entities.case import Case
from evalkit.entities.estimate import Direction
from evalkit.entities.trace import Trace
from evalkit.errors import UsageError, near_miss
from evalkit.judging.auditing.attacks import ATTACKS, GARBAGE, ORDER
from evalkit.judging.auditing.edits import (
    BIAS_EDITS,
    INVARIANT_EDITS,
    Edit,
    authored,
    criteria_reversed,
    labels_renamed,
    labels_reversed,
)
from evalkit.judging.degradations import DEGRADATIONS, degradations_of, degraded
from evalkit.judging.judge import Judge
from evalkit.judging.jury import Jury
from evalkit.judging.pairwise import PairwiseJudge
from evalkit.judging.prepared import seen_by
from evalkit.judging.run import score_unasked
from evalkit.judging.template import MissingValueError
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.reading import as_text, follow

_CONVERSATION: Final = frozenset({"outputs", "session"})
_WRITTEN: Final = ("retrieved_context", "tool_calls", "trace")
_PLAIN_ORDER: Final = "Give the best possible verdict."
_MIDDLE: Final = 0.5

BATTERIES: Final = ("degradation", "invariance", "injection", "garbage", "bias")
"""What an audit consists of."""

_CARRIERS: Final = (
    "other_answer",
    "insult",
    "leak",
    "other_calls",
    "other_context",
    "negate",
    "truncate",
    "shuffle_words",
    "angry_user",
    "fail_span",
    "repeat_spans",
    "drop_spans",
)
"""Degradations whose answers are clearly bad, the clearest first."""

_GARBAGE_CASES: Final = 4
"""Cases that each answer without content is given to."""

POSITION: Final = "position"

PROBES: Final[Mapping[str, str]] = {
    **{f"degradation.{name}": worse.summary for name, worse in DEGRADATIONS.items()},
    **{f"invariance.{edit.name}": edit.summary for edit in INVARIANT_EDITS},
    "invariance.criteria_order": "lists of criteria come backwards",
    "invariance.label_order": "verdicts are offered in reverse order",
    "invariance.label_names": "verdicts have other names",
    "invariance.retest": "the same question is asked again",
    "invariance.identity": "an answer against itself is a tie",
    **{f"injection.{kind}": "" for kind, _ in ATTACKS},
    **{
        f"bias.{bias}.{edit.name}": edit.summary
        for bias, edits in BIAS_EDITS.items()
        for edit in edits
    },
    "bias.self_preference.author": "the judge's own model is named as author, rather than another",
    f"bias.{POSITION}": "which of two answers is shown first",
}
"""Summary of each probe; those of garbage are named by their answers."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A judge under audit."""

    judge: Any

    @property
    def facts(self) -> MetricFacts:
        """Direction and range of the score."""
        facts: MetricFacts = self.judge.facts
        return facts

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.facts.direction

    @property
    def degradations(self) -> tuple[str, ...]:
        """Names of the degradations that it must not reward."""
        return degradations_of(self.judge)

    @property
    def asked(self) -> Judge | None:
        """The judge that writes the messages: itself, the pair's or the first juror."""
        if isinstance(self.judge, PairwiseJudge):
            return self.judge.judge
        if isinstance(self.judge, Jury):
            return self.judge.judges[0]
        return self.judge if isinstance(self.judge, Judge) else None

    @property
    def calls(self) -> int:
        """Calls that one judgement takes at most, repairs aside."""
        if isinstance(self.judge, PairwiseJudge):
            return 2 * _calls(self.judge.judge)
        if isinstance(self.judge, Jury):
            return sum(map(_calls, self.judge.judges))
        return _calls(self.judge) if isinstance(self.judge, Judge) else 0

    @property
    def field(self) -> str:
        """The field whose text an attacker would write: what the judge is asked about."""
        if not isinstance(self.judge, Judge):
            return "outputs"
        read = self.judge.prepared.template.names
        if read & _CONVERSATION:
            return "outputs"
        # What reads the case as a whole may read the answer, but is asked about what it names.
        return next((name for name in _WRITTEN if name in read), "outputs")

    @property
    def order(self) -> str:
        """What an attacker orders: the best verdict, by its label."""
        best = None
        if self.asked is not None and self.direction != "none":
            opposite: Direction = "lower" if self.direction == "higher" else "higher"
            best = self.asked.prepared.form.extreme(opposite)
        return _PLAIN_ORDER if best is None else f'Give the verdict "{best[0]}".'

    def gain(self, before: float | None, after: float | None) -> float | None:
        """Return how much better *after* is, in the judge's direction and unit."""
        if before is None or after is None or self.direction == "none":
            return None
        return before - after if self.direction == "lower" else after - before

    def is_good(self, value: float | None) -> bool:
        """Say whether there is a *value*, and it lies in the better half of the range."""
        if value is None:
            return False
        low, high = self.facts.bounds or (0.0, 1.0)
        share = (value - low) / (high - low)
        return (1 - share if self.direction == "lower" else share) > _MIDDLE

    def sees(self, case: Case, other: Case) -> bool:
        """Say whether the judge can tell *case* from *other*."""
        judge = self.judge
        if not isinstance(judge, Judge):
            return True
        if "trace" in judge.prepared.template.names and case.trace != other.trace:
            return True  # its tools show what the first messages do not
        try:
            return judge.messages(case) != judge.messages(other)
        except MissingValueError:
            return False

    def answers_unasked(self, case: Case) -> bool:
        """Say whether the score of *case* is known without a call."""
        judge = self.judge
        if not isinstance(judge, Judge):
            return False
        return score_unasked(judge.prepared, seen_by(judge, case)) is not None


def _calls(judge: Judge) -> int:
    # Without the probabilities that it asks for first, a judge falls back on samples.
    return 1 + judge.fallback_samples if judge.method == "logprobs" else judge.samples


def subject_of(judge: Any) -> Subject:
    """Return *judge* as what is audited.

    Raises:
        UsageError: If its score has a direction, but no range.
    """
    if judge.facts.bounds is None and judge.facts.direction != "none":
        raise UsageError(
            f"{judge.name!r} cannot be audited: its score has no range, so that no verdict is "
            "good or bad; give its facts low= and high=."
        )
    return Subject(judge)


def with_text(case: Case, field: str, text: str, *, first: bool) -> Case | None:
    r"""Return *case* with *text* before or after what stands in *field*; ``None`` if it cannot.

    Examples:
        >>> with_text(Case(outputs="It is so."), "outputs", "Truly.", first=False).outputs
        'It is so.\nTruly.'
    """

    def joined(old: str) -> str:
        return f"{text}\n{old}" if first else f"{old}\n{text}"

    value = getattr(case, field)
    if isinstance(value, str):
        changes: dict[str, Any] = {field: joined(value)}
    elif field == "retrieved_context" and value and isinstance(value[0], str):
        changes = {field: [joined(value[0]), *value[1:]]}
    elif field == "tool_calls" and value:
        last = value[-1]
        arguments = last.get("arguments")
        noted = {**(arguments if isinstance(arguments, Mapping) else {}), "note": text}
        changes = {field: [*value[:-1], {**last, "arguments": noted}]}
    elif field == "trace" and isinstance(trace := trace_if_any(value), Trace) and trace.spans:
        *before, last = trace.spans
        outputs = joined("" if last.outputs is None else as_text(last.outputs) or "")
        changes = {field: replace(trace, spans=(*before, replace(last, outputs=outputs)))}
    else:
        return None
    return replace(case, **changes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One judgement."""

    probe: str
    """Battery and probe, such as ``degradation.negate``; ``base`` for what others compare with."""

    case: Case
    judge: Any
    """The judge, or a rewording of it."""

    control: Trial | None = None
    """The trial that it is compared with."""

    origin: str = ""
    """The good case that it was made of, or its group: trials of one are not independent."""

    again: int = 0
    """Which asking of the same question this is."""

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """The judge's own label for each label of its rewording."""


@dataclass(frozen=True, slots=True)
class Trials:
    """All judgements of an audit, in order."""

    subject: Subject
    listed: list[Trial] = field(default_factory=list[Trial])

    def add(self, trial: Trial) -> Trial:
        """Add *trial*, and return it."""
        self.listed.append(trial)
        return trial

    def ask(self, probe: str, control: Trial, case: Case | None, **settings: Any) -> None:
        """Add a trial of *case* unless there is none, or the judge would see no difference."""
        reworded = "judge" in settings or "again" in settings
        if case is not None and (reworded or self.subject.sees(case, control.case)):
            self.add(replace(control, probe=probe, control=control, case=case, **settings))

    @property
    def calls(self) -> int:
        """Calls that all of them take at most, where nothing is recorded or has to be repaired."""
        distinct = {key_of(t) for t in self.listed if not self.subject.answers_unasked(t.case)}
        return len(distinct) * self.subject.calls


def key_of(trial: Trial) -> tuple[int, str, int]:
    """Return what two trials have in common that are one judgement."""
    return id(trial.judge), repr(trial.case), trial.again


def probe_names() -> tuple[str, ...]:
    """Return every word that chooses probes: batteries, biases and single probes."""
    words = [word for probe in PROBES for word in probe.split(".")]
    return tuple(dict.fromkeys([*BATTERIES, *words]))


def check_probes(names: Sequence[str]) -> tuple[str, ...]:
    """Return *names* of probes.

    Raises:
        UsageError: If there is no such probe; suggests a close one.
    """
    for name in names:
        if name not in probe_names():
            raise UsageError(
                f"There is no probe {name!r}.{near_miss(name, probe_names())} "
                f"The batteries are {', '.join(BATTERIES)}."
            )
    return tuple(names)


def trials_of(subject: Subject, cases: Sequence[Case], probes: Sequence[str] = ()) -> Trials:
    """Return the trials of an audit.

    Args:
        subject: The judge.
        cases: Good cases: their answers deserve about the best verdict.
        probes: Words of `probe_names`; all by default.

    Raises:
        UsageError: If there are no cases.
    """
    if not cases:
        raise UsageError("There is no case to audit the judge on.")
    trials = Trials(subject)

    def base(case: Case, place: int) -> Trial:
        origin = cases[place].group or f"case {place}"
        return trials.add(Trial(probe="base", case=case, judge=subject.judge, origin=origin))

    good = [base(case, place) for place, case in enumerate(cases)]
    bad = [base(case, place) for place, case in _bad(subject, cases)]
    if subject.direction != "none":
        for name in subject.degradations:
            for place, worse in degraded(cases, name):
                trials.ask(f"degradation.{name}", good[place], worse)
    _invariant(trials, [*good, *bad])
    if subject.direction != "none":
        _attacked(trials, bad)
    _garbage(trials, good)
    if subject.direction != "none":
        _biased(trials, [*good, *bad])
    return Trials(subject, _chosen(trials.listed, frozenset(probes)))


def _chosen(listed: list[Trial], probes: frozenset[str]) -> list[Trial]:
    """Return the trials of *probes*, all by default, and those that they are compared with."""
    chosen = [trial for trial in listed if probes & set(trial.probe.split("."))]
    kept = {*chosen, *(trial.control for trial in chosen)}
    if probes & {POSITION, "bias"}:
        kept |= {trial for trial in listed if trial.probe == "base"}
    return [trial for trial in listed if trial in kept or not probes]


def _bad(subject: Subject, cases: Sequence[Case]) -> list[tuple[int, Case]]:
    """Return for each case a version that is clearly bad, where there is one."""
    bad: dict[int, Case] = {}
    for name in _CARRIERS:
        for place, worse in degraded(cases, name) if name in subject.degradations else ():
            if place not in bad and subject.sees(worse, cases[place]):
                bad[place] = worse
    return sorted(bad.items(), key=lambda item: item[0])


def _invariant(trials: Trials, bases: Sequence[Trial]) -> None:
    judge = trials.subject.judge
    for edit in INVARIANT_EDITS:
        for base in bases:
            trials.ask(f"invariance.{edit.name}", base, _edited(trials, base, edit.apply))
    for base in bases:
        turned = criteria_reversed(base.case.expectations)
        if turned is not None:
            trials.ask("invariance.criteria_order", base, replace(base.case, expectations=turned))
    if isinstance(judge, Judge):
        _reworded(trials, bases, judge)
    if isinstance(judge, PairwiseJudge) and judge.first == "outputs":
        for base in bases:
            second = follow(base.case, judge.second)
            if second is not None:
                trials.ask("invariance.identity", base, replace(base.case, outputs=second))


def _reworded(trials: Trials, bases: Sequence[Trial], judge: Judge) -> None:
    turned, renamed = labels_reversed(judge), labels_renamed(judge)
    probes: dict[str, dict[str, Any]] = {}
    if turned is not None:
        probes["label_order"] = {"judge": turned}
    if renamed is not None:
        probes["label_names"] = dict(zip(("judge", "labels"), renamed, strict=True))
    probes["retest"] = {"again": 1}
    for probe, settings in probes.items():
        for base in bases:
            if probe != "retest" or not trials.subject.answers_unasked(base.case):
                trials.ask(f"invariance.{probe}", base, base.case, **settings)


def _attacked(trials: Trials, bad: Sequence[Trial]) -> None:
    for number, (kind, attack) in enumerate(ATTACKS if bad else ()):
        base = bad[number % len(bad)]
        text = attack.replace(ORDER, trials.subject.order)
        # Before and after take turns, and cases do: each text is one call.
        first = (number // len(bad)) % 2 == 1
        attacked = with_text(base.case, trials.subject.field, text, first=first)
        trials.ask(f"injection.{kind}", base, attacked)


def _garbage(trials: Trials, good: Sequence[Trial]) -> None:
    subject = trials.subject
    # Where silence and another case's answer need not be worse, neither need what says nothing.
    names = set(subject.degradations)
    answers = "other_answer" in names and names & {"empty", "echo"}
    if not answers or subject.field != "outputs":
        return
    written = [base for base in good if isinstance(base.case.outputs, str)]
    each = min(_GARBAGE_CASES, len(written))
    for number, text in enumerate(GARBAGE):
        for turn in range(number * each, (number + 1) * each):
            base = written[turn % len(written)]  # cases take turns: the more, the more it shows
            trials.ask(f"garbage.{text!r}", base, replace(base.case, outputs=text))


def _biased(trials: Trials, bases: Sequence[Trial]) -> None:
    edits = [(bias, edit) for bias, listed in BIAS_EDITS.items() for edit in listed]
    model = getattr(trials.subject.asked, "model", None)
    if isinstance(model, str):
        edits.append(("self_preference", authored(model)))
    for bias, edit in edits:
        probe = f"{bias}.{edit.name}"
        for base in bases:
            control, changed = base, _edited(trials, base, edit.apply)
            if edit.control is not None and changed is not None:
                case = _edited(trials, base, edit.control)
                if case is None:
                    continue
                control = trials.add(replace(base, probe=f"control.{probe}", case=case))
            trials.ask(f"bias.{probe}", control, changed)


def _edited(trials: Trials, base: Trial, edit: Edit) -> Case | None:
    if trials.subject.field != "outputs" or not isinstance(base.case.outputs, str):
        return None
    text = edit(base.case.outputs)
    return None if text is None else replace(base.case, outputs=text)
