from pathlib import Path

import pytest

from evalkit.errors import UsageError
from evalkit.store import open_store


def test_the_newest_cards_of_a_judge_come_first(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        for created, card in ((2, "second"), (1, "first"), (2, "third")):
            store.cards.add(judge="grounded", signature="s", created=created, card=card)
        store.cards.add(judge="polite", signature="s", created=9, card="other")

        assert store.cards.newest("grounded") == ["third", "second", "first"]
        assert store.cards.newest("unknown") == []


def test_a_card_is_there_for_the_next_process(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    with open_store(uri) as store:
        store.cards.add(judge="grounded", signature="s", created=1, card="{}")

    with open_store(uri) as store:
        assert store.cards.newest("grounded") == ["{}"]


def test_a_name_that_no_column_holds_is_refused(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/runs.db") as store:
        with pytest.raises(UsageError, match="judge's name"):
            store.cards.add(judge="g" * 501, signature="s", created=1, card="{}")

        assert store.cards.newest("g" * 501) == []
