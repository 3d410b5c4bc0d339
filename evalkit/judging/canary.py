"""Known answers: a judge that gets them wrong is not believed about anything else."""

from __future__ import annotations

import asyncio
import functools
from typing import Any
from weakref import WeakKeyDictionary

from evalkit.errors import TargetError
from evalkit.judging.prepared import Prepared, case_of, seen_by
from evalkit.judging.reading import read
from evalkit.judging.together import together
from evalkit.judging.verdict import Unreadable

_PROBES: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Any, ...], asyncio.Task[Any]]] = (
    WeakKeyDictionary()
)


async def alarm(judge: Prepared) -> str | None:
    """Return what *judge* gets wrong of its canaries; ``None`` if it knows them all.

    They are asked once in each event loop, however many cases wait for it, under the role
    ``canary``, so that their calls and price are counted apart.

    Raises:
        TargetError: If there is no answer.
    """
    probes = _PROBES.setdefault(asyncio.get_running_loop(), {})
    settings = judge.settings
    key = (judge.prompt_hash, settings.model, settings.base_url, repr(settings.canaries))
    task = probes.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = probes[key] = asyncio.create_task(_probe(judge))
    # One case that is given up must not take the others' probe with it.
    problem: str | None = await asyncio.shield(task)
    return problem


async def _probe(judge: Prepared) -> str | None:
    jobs = [functools.partial(_wrong, judge, n) for n in range(len(judge.settings.canaries))]
    wrong = [mistake for mistake in await together(jobs) if mistake is not None]
    if not wrong:
        return None
    return f"The judge fails {len(wrong)} of {len(jobs)} known answers: {'; '.join(wrong)}."


async def _wrong(judge: Prepared, place: int) -> str | None:
    canary = judge.settings.canaries[place]
    case = seen_by(judge.settings, case_of(canary))
    sent, _ = judge.messages(case)
    reading, _ = await read(judge, case, sent, judge.settings.sent, role="canary")
    if isinstance(reading, Unreadable):
        if reading.reason == "refusal":
            raise TargetError("refusal", reading.explanation)
        return f"no. {place + 1}: {reading.explanation}"
    label = judge.form.label
    right: Any = label(canary.get("choice"))
    verdict: Any = reading.label
    if judge.form.parts is not None:
        right = [label(p.get("verdict", p.get("choice"))) for p in canary.get("parts", ())]
        verdict = [part.label for part in reading.parts]
    return None if verdict == right else f"no. {place + 1} is {right}, and it says {verdict}"
