"""Rehearses an evaluation on a sample of its cases: real prompts, and nobody is asked."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Generator, Sequence
from typing import Any, Final, cast

from evalkit.engine.plan import Plan, seed_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, TargetIdentity
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.forecast import Forecast, Share
from evalkit.evaluation.running.forecast_shares import Counted, share_of, unpriced_share
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.model_session import pending_folder, recorder_of
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.start import start
from evalkit.evaluation.running.thread import run_in_thread
from evalkit.llm.batch.pending import key_of
from evalkit.llm.batch.promises import CHARACTERS_A_TOKEN, USUAL_OUTPUT_TOKENS
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.cache import Cache
from evalkit.llm.known_usage import KnownUsage
from evalkit.llm.prices import Prices
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_output
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.rehearsal import Noted, Rehearsal
from evalkit.llm.session import use_session
from evalkit.scoring.configured import unwrapped
from evalkit.scoring.protocol import Scorer

SAMPLE: Final = 200
"""Cases that are rehearsed; all of them where there are no more."""

_READ: Final = 2000
"""Recordings that are read to learn how long answers are."""

_LATER_TURNS: Final = (
    "Turns of a session are rehearsed without the turns before them, so their prompts are longer "
    "than was counted."
)
_REPAIRS: Final = "Second calls, as for a verdict that cannot be read, are not counted."


def forecast(model: Any = None, data: Any = None, scorers: Any = (), **options: Any) -> Forecast:
    """Return what an evaluation would ask of models, and cost, without asking any.

    Takes the arguments of `evaluate`.  The prompts of a sample of cases, drawn by ``seed``, are
    rendered by the target and the judges themselves.

    Raises:
        EvalkitError: As `evaluate` does before its first call.

    Examples:
        >>> import evalkit
        >>> rows = [{"question": f"{n} + 1?", "expected": str(n + 1)} for n in range(10)]
        >>> target = evalkit.chat("ollama/qwen3", base_url="http://127.0.0.1:9/v1")
        >>> expected = forecast(target, rows, "text.exact_match",
        ...                     runtime=evalkit.Runtime(store=False))
        >>> expected.of("target", "calls").value, expected.of("target", "usd") is None
        (10.0, True)
    """
    runtime: Runtime = options.pop("runtime", None) or Runtime()
    request = Request(model=model, data=data, scorers=scorers, runtime=quiet(runtime), **options)
    job = start(request, Result)
    try:
        return forecast_of(job, runtime)
    finally:
        job.spool.close()


def quiet(runtime: Runtime) -> Runtime:
    """Return *runtime* for a job that is only looked at: it keeps nothing."""
    return dataclasses.replace(runtime, store=False, recordings=None, resume=None)


def forecast_of(job: Job[Any], runtime: Runtime) -> Forecast:
    """Return what *job*, which is kept nowhere, would ask if it ran under *runtime*."""
    with _opened(runtime) as recorder:
        return _Rehearser(job, runtime, recorder).forecast()


@contextlib.contextmanager
def _opened(runtime: Runtime) -> Generator[Recorder]:
    """Open the recordings that are there; none is made, and none counts as used."""
    recorder = recorder_of(runtime, since=0, made=False)
    try:
        yield recorder
    finally:
        for place in recorder.places:
            if isinstance(place, (Cache, RecordingFolder)):
                place.abandon()


class _Rehearser:
    """One forecast on its way."""

    def __init__(self, job: Job[Any], runtime: Runtime, recorder: Recorder) -> None:
        self._job = job
        self._plan: Plan = job.plan()
        self._recorder = recorder
        waiting = pending_folder(runtime).all() if runtime.mode == "auto" else ()
        keys = {key_of(line) for pending in waiting for line in pending.lines}
        self._session = Rehearsal(recorder=recorder, pending=keys)
        self._usage = KnownUsage(_recorded(recorder))
        self._prices = Prices(runtime.prices)
        self._batch = BatchSettings.of(runtime.batch)
        self._notes: list[str] = []
        n = job.spool.n
        drawn = random.Random(f"forecast/{self._plan.seed}")  # noqa: S311  no secret
        self._rows = sorted(drawn.sample(range(n), min(n, SAMPLE)))

    def forecast(self) -> Forecast:
        """Rehearse, and count."""
        batch = self._sampled()
        shares = run_in_thread(lambda: self._rehearsed(batch), on_interrupt=lambda: None)
        if any(share.role == "judge" for share in shares):
            self._notes.append(_REPAIRS)
        return Forecast(
            sampled=len(self._rows),
            cases=self._job.spool.n,
            shares=tuple(shares),
            notes=tuple(self._notes),
        )

    def _sampled(self) -> CaseBatch:
        """Return the cells of the sampled cases: a row for each repeat."""
        stored = self._job.spool.cells_at(self._rows)
        repeats, each = self._plan.repeats, self._job.spool.n_repeats
        copies = repeats // each if self._job.target is None else repeats
        rows = [
            row
            for row in range(0, len(stored), 1 if self._job.target is None else each)
            for _ in range(copies)
        ]
        cells = stored.take(rows)
        return cells.replacing(repeat=[place % repeats for place in range(len(rows))])

    async def _rehearsed(self, batch: CaseBatch) -> list[Share]:
        shares: list[Share] = []
        with use_session(self._session):
            if self._job.target is not None:
                share, batch = await self._target(batch)
                shares.append(share)
            for scorer in self._job.scorers:
                if getattr(unwrapped(scorer), "metered", False):
                    shares += await self._judge(scorer, batch)
        return shares

    async def _target(self, batch: CaseBatch) -> tuple[Share, CaseBatch]:
        target: Any = self._job.target
        if not getattr(target, "metered", False):
            found = [self._known_output(target.identity, inv) for inv in self._invocations(batch)]
            share = unpriced_share(target.identity.name, self._per_case(found), self._job.spool.n)
            return share, _answered(batch, [placeholder(row) for row in range(len(batch))])
        if batch.has("session") and any(name is not None for name in batch.column("session")):
            self._notes.append(_LATER_TURNS)
        noted: list[list[Noted]] = []
        outputs: list[Any] = []
        for invocation in self._invocations(batch):
            try:
                output: Any = (await target.acall(invocation)).value
            except EvalkitError:
                output = None  # what cannot be rendered, or a recorded answer that failed
            calls = self._session.taken()
            answered = bool(calls) and all(call.recorded for call in calls)
            known = answered and output is not None
            outputs.append(output if known else None)
            noted.append(calls)
        name = target.identity.name
        (share,) = self._shares(name, noted) or (unpriced_share(name, [[]], 1),)
        length = self._answer_characters(noted)
        filled = [placeholder(n, length) if o is None else o for n, o in enumerate(outputs)]
        return share, _answered(batch, filled)

    def _answer_characters(self, noted: Sequence[Sequence[Noted]]) -> int:
        """Return about how long an answer of the target is."""
        calls = [call for calls in noted for call in calls]
        seen = self._usage.of(calls[0].model, calls[0].form) if calls else None
        if seen is None:
            return USUAL_OUTPUT_TOKENS * CHARACTERS_A_TOKEN
        return round(CHARACTERS_A_TOKEN * sum(seen.output_tokens) / len(seen))

    def _invocations(self, batch: CaseBatch) -> list[Invocation]:
        repeats = batch.column("repeat")
        cases = [batch.case(row) for row in range(len(batch))]
        return [
            Invocation(case=c, history=(), repeat=r, seed=seed_of(self._plan.seed, c.id, r))
            for c, r in zip(cases, repeats, strict=True)
        ]

    def _known_output(self, identity: TargetIdentity, invocation: Invocation) -> bool:
        if identity.version is None or self._recorder.mode not in {"auto", "replay"}:
            return False
        recording = recording_of_output(identity, invocation)
        return any(place.get(recording.key) is not None for place in self._recorder.places)

    async def _judge(self, scorer: Scorer, batch: CaseBatch) -> list[Share]:
        judge: Any = scorer
        if getattr(unwrapped(scorer), "canaries", ()):
            self._notes.append(f"The known-answer checks of {scorer.name} are not counted.")
            bare: Any = dataclasses.replace(cast("Any", unwrapped(scorer)), canaries=())
            judge = bare if scorer is unwrapped(scorer) else _rewrapped(scorer, bare)
        noted: list[list[Noted]] = []
        for row in range(len(batch)):
            with contextlib.suppress(EvalkitError):
                await judge.score(batch.case(row))
            noted.append(self._session.taken())
        return self._shares(scorer.name, noted)

    def _shares(self, name: str, noted: Sequence[Sequence[Noted]]) -> list[Share]:
        """Return one share for each model that was asked."""
        cases = self._per_case(noted)
        models = dict.fromkeys((call.role, call.model) for calls in noted for call in calls)
        counted = [
            Counted(
                role=role,
                name=name,
                model=model,
                cases=[
                    [c for calls in case for c in calls if (c.role, c.model) == (role, model)]
                    for case in cases
                ],
            )
            for role, model in models
        ]
        return [
            share_of(
                one,
                n=self._job.spool.n,
                usage=self._usage,
                prices=self._prices,
                batch=self._batch,
            )
            for one in counted
        ]

    def _per_case(self, cells: Sequence[Any]) -> list[list[Any]]:
        each = self._plan.repeats
        return [list(cells[start : start + each]) for start in range(0, len(cells), each)]


def _rewrapped(scorer: Any, inner: Any) -> Any:
    return dataclasses.replace(scorer, inner=inner)


def placeholder(number: int, length: int = USUAL_OUTPUT_TOKENS * CHARACTERS_A_TOKEN) -> str:
    """Return a text in the place of an answer that is not there yet; each is another one."""
    word = f"answer{number} "
    return (word * max(1, round(length / len(word)))).strip()


def _answered(batch: CaseBatch, outputs: list[Any]) -> CaseBatch:
    return batch.replacing(outputs=outputs)


def _recorded(recorder: Recorder) -> list[tuple[Any, Any]]:
    """Return the latest recordings: what was asked, and what came back."""
    found: list[tuple[Any, Any]] = []
    for place in recorder.places:
        if isinstance(place, (Cache, RecordingFolder)):
            found += place.latest(_READ)
    return found
