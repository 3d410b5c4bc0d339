"""Known answers: a judge that gets them wrong is not believed about anything else."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from evalkit.errors import TargetError
from evalkit.judging.prepared import case_of
from evalkit.judging.run import judged, sampling_of, seen_by, together
from evalkit.judging.verdict import Unreadable

if TYPE_CHECKING:
    from evalkit.judging.judge import Judge

_PROBES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], asyncio.Task[Any]]] = (
    WeakKeyDictionary()
)


async def alarm(judge: Judge) -> str | None:
    """Return what *judge* gets wrong of its canaries; ``None`` if it knows them all.

    They are asked once in each event loop, however many cases wait for it, under the role
    ``canary``, so that their calls and price are counted apart.

    Raises:
        TargetError: If there is no answer.
    """
    probes = _PROBES.setdefault(asyncio.get_running_loop(), {})
    key = (judge.prepared.prompt_hash, judge.model, judge.base_url, repr(judge.canaries))
    task = probes.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = probes[key] = asyncio.create_task(_probe(judge))
    # One case that is given up must not take the others' probe with it.
    found: str | None = await asyncio.shield(task)
    return found


async def _probe(judge: Judge) -> str | None:
    jobs = [functools.partial(_wrong, judge, place) for place in range(len(judge.canaries))]
    wrong = [told for told in await together(jobs) if told is not None]
    if not wrong:
        return None
    return f"The judge fails {len(wrong)} of {len(jobs)} known answers: {'; '.join(wrong)}."


async def _wrong(judge: Judge, place: int) -> str | None:
    canary = judge.canaries[place]
    case = seen_by(judge, case_of(canary))
    sent, _ = judge.prepared.messages(case)
    reading, _ = await judged(judge, case, sent, sampling_of(judge), role="canary")
    if isinstance(reading, Unreadable):
        if reading.reason == "refusal":
            raise TargetError("refusal", reading.explanation)
        return f"no. {place + 1}: {reading.explanation}"
    form = judge.prepared.form
    if form.parts is not None:
        wanted = [form.label(p.get("verdict", p.get("choice"))) for p in canary.get("parts", ())]
        said = [part.label for part in reading.parts]
        return None if said == wanted else f"no. {place + 1} is {wanted}, and it says {said}"
    known = form.label(canary.get("choice"))
    return (
        None
        if reading.label == known
        else f"no. {place + 1} is {known}, and it says {reading.label}"
    )
