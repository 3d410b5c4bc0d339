"""What an audit asks: every case as it is, worse, attacked, and edited, as a list of trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evalkit.entities.case import Case
from evalkit.errors import UsageError, near_miss
from evalkit.judging.auditing.attacks import ATTACKS, GARBAGE
from evalkit.judging.auditing.edits import (
    BIAS_EDITS,
    INVARIANT_EDITS,
    TextEdit,
    authored,
    criteria_reversed,
    labels_renamed,
    labels_reversed,
)
from evalkit.judging.auditing.subject import Subject, with_text
from evalkit.judging.degradations import DEGRADATIONS
from evalkit.judging.judge import Judge
from evalkit.judging.pairwise import PairwiseJudge
from evalkit.scoring.reading import follow

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

_JUDGE_PROBES: Final = ("criteria_order", "label_order", "label_names", "retest", "identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One judgement."""

    probe: str
    """Battery and probe, such as ``degradation.negate``; ``base`` for what others compare with."""

    case: Case
    judge: Any
    """The judge, or a rewording of it."""

    control: int | None = None
    """Place of the trial that it is compared with."""

    origin: str = ""
    """The good case that it was made of, or its group: trials of one are not independent."""

    again: int = 0
    """Which asking of the same question this is."""

    labels: tuple[tuple[str, str], ...] = ()
    """The judge's own label for each label of its rewording."""


@dataclass(frozen=True, slots=True)
class Trials:
    """All judgements of an audit, in order."""

    subject: Subject
    listed: list[Trial] = field(default_factory=list[Trial])

    def add(self, trial: Trial) -> int:
        """Add *trial*; return its place."""
        self.listed.append(trial)
        return len(self.listed) - 1

    def ask(self, probe: str, control: int, case: Case | None, **settings: Any) -> None:
        """Add a trial of *case* unless there is none, or the judge would see no difference."""
        base = self.listed[control].case
        judge = settings.pop("judge", self.subject.judge)
        same_judge = judge is self.subject.judge and not settings.get("again")
        if case is not None and not (same_judge and not self.subject.sees(case, base)):
            origin = self.listed[control].origin
            trial = Trial(
                probe=probe, control=control, case=case, judge=judge, origin=origin, **settings
            )
            self.add(trial)

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
    edits = [edit.name for listed in BIAS_EDITS.values() for edit in listed]
    own = ["self_preference", "author", "position"]
    kinds = dict.fromkeys(attack.kind for attack in ATTACKS)
    named = [*BATTERIES, *DEGRADATIONS, *(edit.name for edit in INVARIANT_EDITS), *_JUDGE_PROBES]
    return tuple(dict.fromkeys([*named, *kinds, *BIAS_EDITS, *own, *edits]))


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

    def base(case: Case, place: int) -> int:
        origin = cases[place].group or f"case {place}"
        return trials.add(Trial(probe="base", case=case, judge=subject.judge, origin=origin))

    good = [base(case, place) for place, case in enumerate(cases)]
    bad = [base(case, place) for place, case in _bad(subject, cases)]
    _degraded(trials, cases)
    _invariant(trials, [*good, *bad])
    _attacked(trials, bad)
    _garbage(trials, cases)
    _biased(trials, [*good, *bad])
    return Trials(subject, _chosen(trials.listed, probes))


def _chosen(listed: Sequence[Trial], probes: Sequence[str]) -> list[Trial]:
    """Return the trials of *probes* and those that they are compared with."""
    if not probes:
        return list(listed)
    wanted = set(probes)
    kept = [n for n, t in enumerate(listed) if wanted & set(t.probe.split("."))]
    controls = {t.control for t in map(listed.__getitem__, kept)} - {None}
    if "position" in wanted or "bias" in wanted:
        controls |= {n for n, trial in enumerate(listed) if trial.probe == "base"}
    order = sorted({*kept, *(place for place in controls if place is not None)})
    place_of = {old: new for new, old in enumerate(order)}
    return [
        replace(listed[n], control=None if (c := listed[n].control) is None else place_of[c])
        for n in order
    ]


def _bad(subject: Subject, cases: Sequence[Case]) -> Iterator[tuple[int, Case]]:
    for place, case in enumerate(cases):
        other = cases[(place + 1) % len(cases)]
        for name in _CARRIERS:
            worse = DEGRADATIONS[name].apply(case, other) if name in subject.degradations else None
            if worse is not None and subject.sees(worse, case):
                yield place, worse
                break


def _degraded(trials: Trials, cases: Sequence[Case]) -> None:
    if trials.subject.direction == "none":
        return
    for name in trials.subject.degradations:
        for place, case in enumerate(cases):
            worse = DEGRADATIONS[name].apply(case, cases[(place + 1) % len(cases)])
            trials.ask(f"degradation.{name}", place, worse)


def _invariant(trials: Trials, base: Sequence[int]) -> None:
    judge = trials.subject.judge
    for edit in INVARIANT_EDITS:
        for place in base:
            trials.ask(f"invariance.{edit.name}", place, _edited(trials, place, edit))
    for place in base:
        case = trials.listed[place].case
        turned = criteria_reversed(case.expectations)
        case_turned = None if turned is None else replace(case, expectations=turned)
        trials.ask("invariance.criteria_order", place, case_turned)
    if isinstance(judge, Judge):
        _reworded(trials, base, judge)
    if isinstance(judge, PairwiseJudge) and judge.first == "outputs":
        for place in base:
            case = trials.listed[place].case
            second = follow(case, judge.second)
            same = None if second is None else replace(case, outputs=second)
            trials.ask("invariance.identity", place, same)


def _reworded(trials: Trials, base: Sequence[int], judge: Judge) -> None:
    turned, renamed = labels_reversed(judge), labels_renamed(judge)
    probes: list[tuple[str, dict[str, Any]]] = []
    if turned is not None:
        probes.append(("label_order", {"judge": turned}))
    if renamed is not None:
        other, old = renamed
        probes.append(("label_names", {"judge": other, "labels": tuple(old.items())}))
    probes.append(("retest", {"again": 1}))
    for probe, settings in probes:
        for place in base:
            case = trials.listed[place].case
            if probe != "retest" or not trials.subject.answers_unasked(case):
                trials.ask(f"invariance.{probe}", place, case, **settings)


def _attacked(trials: Trials, bad: Sequence[int]) -> None:
    if trials.subject.direction == "none":
        return
    for number, attack in enumerate(ATTACKS if bad else ()):
        place = bad[number % len(bad)]
        text = attack.ordering(trials.subject.order)
        # Before and after take turns, and cases do: each text is one call.
        first = (number // len(bad)) % 2 == 1
        attacked = with_text(trials.listed[place].case, trials.subject.field, text, first=first)
        trials.ask(f"injection.{attack.kind}", place, attacked)


def _garbage(trials: Trials, cases: Sequence[Case]) -> None:
    subject = trials.subject
    # Where silence and another case's answer need not be worse, neither need what says nothing.
    names = set(subject.degradations)
    answers = "other_answer" in names and names & {"empty", "echo"}
    if not answers or subject.field != "outputs":
        return
    places = [place for place, case in enumerate(cases) if isinstance(case.outputs, str)]
    each = min(_GARBAGE_CASES, len(places))
    for number, text in enumerate(GARBAGE):
        for turn in range(number * each, (number + 1) * each):
            place = places[turn % len(places)]  # cases take turns: the more, the more it shows
            trials.ask(f"garbage.{text!r}", place, replace(cases[place], outputs=text))


def _biased(trials: Trials, base: Sequence[int]) -> None:
    if trials.subject.direction == "none":
        return
    edits = [(bias, edit) for bias, listed in BIAS_EDITS.items() for edit in listed]
    model = getattr(trials.subject.asked, "model", None)
    if isinstance(model, str):
        edits.append(("self_preference", authored(model)))
    for bias, edit in edits:
        for place in base:
            control = place
            changed = _edited(trials, place, edit)
            if edit.control is not None and changed is not None:
                plain = replace(edit, apply=edit.control, control=None)
                case = _edited(trials, place, plain)
                if case is None:
                    continue
                control = trials.add(
                    replace(trials.listed[place], probe=f"control.{bias}.{edit.name}", case=case)
                )
            trials.ask(f"bias.{bias}.{edit.name}", control, changed)


def _edited(trials: Trials, place: int, edit: TextEdit) -> Case | None:
    case = trials.listed[place].case
    if trials.subject.field != "outputs" or not isinstance(case.outputs, str):
        return None
    text = edit.apply(case.outputs)
    return None if text is None else replace(case, outputs=text)
