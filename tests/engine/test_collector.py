"""What the garbage collector looks through while an evaluation runs."""

import gc
import weakref

import evalkit
from evalkit._internal.collector import without_old_objects


class Knot:
    """Something that refers to itself, which only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_old_objects_are_left_out_inside_alone_and_however_deep() -> None:
    with without_old_objects():
        with without_old_objects():
            assert gc.get_freeze_count() > 0
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_new_objects_are_collected_inside() -> None:
    with without_old_objects():
        gone = weakref.ref(Knot())
        gc.collect()
        assert gone() is None


def test_what_a_process_has_frozen_by_itself_stays_frozen() -> None:
    gc.freeze()
    try:
        with without_old_objects():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_an_evaluation_leaves_the_collector_as_it_was() -> None:
    counted: list[int] = []

    @evalkit.scorer
    def counting(outputs: str) -> bool:
        counted.append(gc.get_freeze_count())
        return bool(outputs)

    rows = [{"question": "q", "outputs": "a"}]
    evalkit.evaluate(data=rows, scorers=[counting], runtime=evalkit.Runtime(store=False))

    assert counted[0] > 0
    assert gc.get_freeze_count() == 0
