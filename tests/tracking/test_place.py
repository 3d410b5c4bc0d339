"""Where a process, or a part of it, keeps its runs."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit import tracking
from evalkit.errors import AlreadyExistsError


@pytest.fixture
def place() -> Iterator[tracking.Place]:
    made = tracking.Place("sqlite://", experiment="nightly")
    yield made
    made.close()


def test_a_place_holds_within_its_block(place: tracking.Place) -> None:
    with tracking.use_place(place):
        with tracking.start_run(run_name="apart"):
            tracking.log_metric("m", 1.0)
        assert tracking.current_store() is place.store
        assert [run.run_name for run in tracking.search_runs("nightly")] == ["apart"]

    assert tracking.search_runs() == []
    assert [run.run_name for run in place.store.runs.search()] == ["apart"]


def test_what_is_set_within_the_block_is_of_that_place(
    place: tracking.Place, tmp_path: Path
) -> None:
    before = tracking.get_tracking_uri()
    with tracking.use_place(place):
        tracking.set_tracking_uri(f"sqlite:///{tmp_path}/other.db")
        tracking.set_experiment("weekly")
        with tracking.start_run():
            pass
        assert len(tracking.search_runs("weekly")) == 1

    assert tracking.get_tracking_uri() == before
    assert [e.name for e in tracking.search_experiments()] == ["Default"]


def test_tasks_and_threads_have_places_of_their_own() -> None:
    seen: dict[str, list[str]] = {}

    async def work(name: str) -> None:
        place = tracking.Place("sqlite://")
        with tracking.use_place(place):
            await asyncio.sleep(0)
            with tracking.start_run(run_name=name):
                await asyncio.sleep(0)
            await asyncio.to_thread(note, name)
        place.close()

    def note(name: str) -> None:
        seen[name] = [run.run_name for run in tracking.search_runs()]

    async def both() -> None:
        await asyncio.gather(work("a"), work("b"))

    asyncio.run(both())
    with tracking.use_place(tracking.Place("sqlite://")):
        thread = threading.Thread(target=note, args=["bare thread"])
        thread.start()
        thread.join()

    assert seen == {"a": ["a"], "b": ["b"], "bare thread": []}


def test_a_run_stays_in_the_place_in_which_it_began(place: tracking.Place) -> None:
    with tracking.start_run(run_name="outer") as outer, tracking.use_place(place):
        tracking.log_metric("m", 1.0)

    assert outer.store is not place.store
    assert tracking.get_run("outer").data.metrics == {"m": 1.0}


def test_an_experiment_that_cannot_be_set_leaves_the_one_before(place: tracking.Place) -> None:
    with tracking.use_place(place):
        gone = tracking.set_experiment("gone")
        tracking.set_experiment("here")
        place.store.experiments.delete(gone.experiment_id)
        with pytest.raises(AlreadyExistsError):
            tracking.set_experiment("gone")
        with tracking.start_run():
            pass

        assert len(tracking.search_runs("here")) == 1


def test_a_closed_place_opens_again(tmp_path: Path) -> None:
    place = tracking.Place(f"sqlite:///{tmp_path}/runs.db")
    run_id = place.store.runs.create().run_id
    place.close()
    place.close()

    assert place.store.runs.get(run_id).run_id == run_id
    place.close()
