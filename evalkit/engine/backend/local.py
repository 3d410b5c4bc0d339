"""The local backend: all shards in this process, calls and scores overlapping."""

from __future__ import annotations

from evalkit.engine.plan import Plan, Shard
from evalkit.engine.shard import workbench
from evalkit.engine.state import Gathered, RunState, ShardResult
from evalkit.llm.session import ModelSession


async def run_local(plan: Plan, state: RunState, session: ModelSession) -> None:
    """Call and score whatever of *plan* is not in *state* yet.

    Returns early, with what is done recorded, once an end is asked for.

    Raises:
        JournalError: If the journal cannot be written.
    """
    shards = state.unfinished(plan)

    async def following() -> tuple[Shard, Gathered] | None:
        shard = next(shards, None)
        return None if shard is None else (shard, state.part(plan, shard))

    def finish(result: ShardResult) -> None:
        state.forget(plan, result.shard)

    async with workbench(plan, session, state.record, state.cancel) as bench:
        try:
            await bench.run_all(following, finish)
        finally:
            state.note_abandoned(bench.abandoned)
