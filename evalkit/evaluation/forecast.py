"""Rehearses an evaluation on a sample of its cases: real prompts, and nobody is asked."""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Sequence
from typing import Any, Final

from evalkit.engine.plan import Plan, seed_of
from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, TargetIdentity
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running.forecast import NOTHING, Forecast, Share, mean_of
from evalkit.evaluation.running.job import Job
from evalkit.evaluation.running.model_session import pending_folder, recorder_of
from evalkit.evaluation.running.rehearsal import Estimator, Noted, Rehearsal, UsageByKind
from evalkit.evaluation.running.request import Request
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.start import start
from evalkit.evaluation.running.thread import run_in_thread
from evalkit.llm.batch.carrier import key_of
from evalkit.llm.batch.promises import CHARACTERS_A_TOKEN, USUAL_OUTPUT_TOKENS
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.prices import Prices
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_output
from evalkit.llm.session import use_session
from evalkit.scoring.configured import unwrapped

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
    recorder = recorder_of(runtime, since=0, made=False)
    places = recorder.places
    try:
        recorded = [call for place in places for call in place.latest(_READ)]
        rehearser = _Rehearser(job, runtime, recorder, UsageByKind(recorded))
        return run_in_thread(rehearser.forecast, on_interrupt=lambda: None)
    finally:
        for place in places:
            place.abandon()


class _Rehearser:
    """One forecast on its way."""

    def __init__(
        self, job: Job[Any], runtime: Runtime, recorder: Recorder, usage: UsageByKind
    ) -> None:
        self._job = job
        self._plan: Plan = job.plan()
        self._recorder = recorder
        waiting = pending_folder(runtime).all() if runtime.mode == "auto" else ()
        keys = {key_of(line) for pending in waiting for line in pending.lines}
        self._session = Rehearsal(recorder=recorder, pending=keys)
        self._estimator = Estimator(
            n=job.spool.n,
            repeats=self._plan.repeats,
            usage=usage,
            prices=Prices(runtime.prices),
            batch=BatchSettings.of(runtime.batch),
        )
        self._notes: list[str] = []

    async def forecast(self) -> Forecast:
        """Rehearse the cells of a sample of the cases, and count."""
        n = self._job.spool.n
        drawn = random.Random(f"forecast/{self._plan.seed}")  # noqa: S311  no secret
        rows = sorted(drawn.sample(range(n), min(n, SAMPLE)))
        batch, shares = self._cells(rows), list[Share]()
        with use_session(self._session):
            async with self._session.open():
                if self._job.target is not None:
                    target_shares, batch = await self._target(self._job.target, batch)
                    shares += target_shares
                for scorer in self._job.scorers:
                    if getattr(unwrapped(scorer), "metered", False):
                        shares += await self._judge(scorer, batch)
        if any(share.role == "judge" for share in shares):
            self._notes.append(_REPAIRS)
        return Forecast(sampled=len(rows), cases=n, shares=tuple(shares), notes=tuple(self._notes))

    def _cells(self, cases: Sequence[int]) -> CaseBatch:
        """Return a row for each repeat of each of the *cases*."""
        stored = self._job.spool.cells_at(cases)
        repeats, each = self._plan.repeats, self._job.spool.n_repeats
        step, copies = (1, repeats // each) if self._job.target is None else (each, repeats)
        rows = [row for row in range(0, len(stored), step) for _ in range(copies)]
        return stored.take(rows).replacing(repeat=[place % repeats for place in range(len(rows))])

    async def _target(self, target: Any, batch: CaseBatch) -> tuple[list[Share], CaseBatch]:
        """Return what the target would ask, and *batch* with its answers, as far as known."""
        name = target.identity.name
        calls: list[list[Noted]] = []
        outputs: list[Any] = [None] * len(batch)
        metered = getattr(target, "metered", False)
        sessions = batch.column("session") if metered and batch.has("session") else ()
        if any(session is not None for session in sessions):
            self._notes.append(_LATER_TURNS)
        for row, repeat in enumerate(batch.column("repeat")):
            case = batch.case(row)
            seed = seed_of(self._plan.seed, case.id, repeat)
            invocation = Invocation(case=case, history=(), repeat=repeat, seed=seed)
            if not metered:
                recorded = self._is_recorded(target.identity, invocation)
                calls.append([Noted(role="target", model=None, recorded=recorded)])
                continue
            # What cannot be rendered has no output, nor has a recorded answer that failed.
            with contextlib.suppress(EvalkitError):
                outputs[row] = (await target.acall(invocation)).value
            calls.append(self._session.take())
            if not calls[-1] or not all(call.recorded for call in calls[-1]):
                outputs[row] = None
        # What is not there yet is a text of about the usual length; each is another one.
        call = next((call for cell in calls for call in cell), None)
        usage = None if call is None else self._estimator.usage.of(call.model, call.form)
        tokens = USUAL_OUTPUT_TOKENS if usage is None else mean_of(usage.output_tokens).value
        for row in (row for row, output in enumerate(outputs) if output is None):
            word = f"answer{row} "
            copies = max(1, round(tokens * CHARACTERS_A_TOKEN / len(word)))
            outputs[row] = (word * copies).strip()
        nothing = Share(
            role="target", name=name, model=None, calls=NOTHING, recorded=NOTHING, usd=NOTHING
        )
        return self._estimator.shares(name, calls) or [nothing], batch.replacing(outputs=outputs)

    def _is_recorded(self, identity: TargetIdentity, invocation: Invocation) -> bool:
        if identity.version is None or self._recorder.mode not in {"auto", "replay"}:
            return False
        key = recording_of_output(identity, invocation).key
        return any(place.get(key) is not None for place in self._recorder.places)

    async def _judge(self, scorer: Any, batch: CaseBatch) -> list[Share]:
        inner: Any = unwrapped(scorer)
        if getattr(inner, "canaries", ()):
            self._notes.append(f"The known-answer checks of {scorer.name} are not counted.")
            bare = dataclasses.replace(inner, canaries=())
            scorer = bare if scorer is inner else dataclasses.replace(scorer, inner=bare)
        calls: list[list[Noted]] = []
        for row in range(len(batch)):
            with contextlib.suppress(EvalkitError):
                await scorer.score(batch.case(row))
            calls.append(self._session.take())
        return self._estimator.shares(scorer.name, calls)
