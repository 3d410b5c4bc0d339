"""What the processes of a session share: turns, money and the suites that ran."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import EvalkitError
from evalkit.suites.ledger import SessionLedger, SuiteRecord
from evalkit.suites.options import SuiteOptions
from evalkit.suites.run import SuiteRun
from evalkit.suites.target import SuiteTarget

ROWS = [{"id": f"x{i}", "question": str(i), "expected": "a"} for i in range(4)]


@pytest.fixture
def ledger(tmp_path: Path) -> SessionLedger:
    return SessionLedger(tmp_path)


def suite_run(ledger: SessionLedger, body: Any, *, budget: float | None = None) -> SuiteRun:
    runtime = evalkit.Runtime(concurrency=1, store=False)
    suite = evalkit.suite(ROWS, ["text.exact_match"], name="priced", runtime=runtime)
    suite.cases()(body)
    target = SuiteTarget(body=body)
    options = SuiteOptions(budget=budget)
    return SuiteRun(suite=suite, key="priced", ledger=ledger, options=options, target=target)


def answer(case: evalkit.Case) -> evalkit.Output:
    return evalkit.Output(case.id, cost=1.0)


def test_what_is_left_of_a_budget_is_never_below_zero(ledger: SessionLedger) -> None:
    with ledger.allowance(1.5) as left:
        assert left == 1.5
    ledger.charge(0.5)
    ledger.charge(0.75)
    with SessionLedger(ledger.folder).allowance(1.5) as left:
        assert left == 0.25
    ledger.charge(4.0)

    with ledger.allowance(1.5) as left:
        assert left == 0.0
    with ledger.allowance(None) as left:
        assert left is None


def test_a_turn_is_waited_for(ledger: SessionLedger) -> None:
    order: list[str] = []

    def wait() -> None:
        with SessionLedger(ledger.folder).turn("suite"):
            order.append("second")

    with ledger.turn("suite"), ledger.turn("other"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(timeout=0.05)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


def test_suites_are_found_by_their_digest_in_the_order_they_ran(ledger: SessionLedger) -> None:
    records = [
        SuiteRecord(
            digest=f"all of {key}", key=key, name="qa", folder="f", partial=False, baseline=file
        )
        for key, file in (("b", None), ("a", "file.json"))
    ]
    for record in records:
        ledger.enter(record)
        ledger.charge(1.0)

    assert ledger.suites() == records
    assert ledger.suite("all of a") == records[1]
    assert ledger.suite("some of a") is None


def test_another_process_reads_the_evaluation_that_ran(ledger: SessionLedger) -> None:
    first = suite_run(ledger, answer).result({})
    second = suite_run(SessionLedger(ledger.folder), answer).result({})

    assert second.folder.path == first.folder.path
    assert [record.name for record in ledger.suites()] == ["priced"]
    assert ledger.spent == 4.0


def test_a_rerun_is_charged_and_keeps_to_the_budget(ledger: SessionLedger) -> None:
    run = suite_run(ledger, answer, budget=5.0)
    run.result({})
    run.again("x0", {})
    unpaid = run.again("x1", {})

    assert ledger.spent == 5.0
    assert unpaid.facts.status == "budget"


def test_an_evaluation_that_raises_is_charged(ledger: SessionLedger) -> None:
    def body(case: evalkit.Case) -> evalkit.Output:
        if case.id == "x3":  # the disk goes away
            for folder in ledger.folder.rglob("evaluation"):
                shutil.rmtree(folder)
        return answer(case)

    with pytest.raises((OSError, EvalkitError)):
        suite_run(ledger, body, budget=9.0).result({})

    assert ledger.spent == 4.0
    assert ledger.suites() == []
