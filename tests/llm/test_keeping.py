"""Keeping replies together."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.llm.cache import Cache
from evalkit.llm.recorder import Keeper, Recorder
from evalkit.llm.recording import Recording, recording_of


def recording(number: int) -> Recording:
    """Return the recording of one of many questions."""
    return recording_of({"model": "m", "number": number}, label="m", subject=number)


class CountingCache(Cache):
    """A cache that counts its transactions."""

    writes = 0

    def put_all(self, kept: Sequence[tuple[Recording, Mapping[str, Any]]]) -> None:
        """Keep, and count."""
        self.writes += 1
        super().put_all(kept)


def test_replies_of_one_turn_are_written_at_once_and_all_are_kept(tmp_path: Path) -> None:
    cache = CountingCache(tmp_path / "calls.db")
    keeper = Keeper(Recorder(mode="auto", places=[cache]))

    async def all_at_once() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(keeper.keep(recording(number), {"text": str(number)}))

    asyncio.run(all_at_once())

    assert cache.writes == 1
    assert [cache.get(recording(number).key)["text"] for number in range(50)] == [
        str(number) for number in range(50)
    ]


def test_a_reply_is_recorded_when_keep_returns(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.db")
    keeper = Keeper(Recorder(mode="auto", places=[cache]))

    async def one_after_the_other() -> list[Any]:
        found: list[Any] = []
        for number in range(3):
            await keeper.keep(recording(number), {"text": "4"})
            found.append(Cache(tmp_path / "calls.db").get(recording(number).key)["text"])
        return found

    assert asyncio.run(one_after_the_other()) == ["4"] * 3


def test_who_is_cancelled_while_waiting_has_the_reply_recorded_too(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.db")
    keeper = Keeper(Recorder(mode="auto", places=[cache]))

    async def cancelled() -> None:
        waiting = asyncio.ensure_future(keeper.keep(recording(1), {"text": "4"}))
        other = asyncio.ensure_future(keeper.keep(recording(2), {"text": "5"}))
        await asyncio.sleep(0)
        waiting.cancel()
        await other
        assert waiting.cancelled()

    asyncio.run(cancelled())

    assert cache.get(recording(1).key)["text"] == "4"


def test_what_cannot_be_written_holds_up_nobody_and_is_noted() -> None:
    class Full:
        place = "full"

        def put_all(self, kept: object) -> None:
            raise OSError(f"No space left on device for {kept is not None}")

    full: Any = Full()
    recorder = Recorder(mode="auto", places=[full])
    keeper = Keeper(recorder)

    async def both() -> list[Any]:
        kept = (keeper.keep(recording(number), {}) for number in range(2))
        return await asyncio.gather(*kept, return_exceptions=True)

    assert asyncio.run(both()) == [None, None]
    assert recorder.broken == {"full": "No space left on device for True"}


def test_a_cache_that_holds_much_is_still_bounded_when_written_in_groups(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.db", largest_bytes=400_000)
    for group in range(20):
        cache.put_all([(recording(group * 100 + n), {"text": "x" * 1000}) for n in range(100)])

    assert 0 < len(cache) < 1000
    with pytest.raises(TypeError):
        cache.get(recording(0).key)["text"]
