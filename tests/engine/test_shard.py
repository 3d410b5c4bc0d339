"""One shard is a function of plan, shard and session: everything it does comes out as records."""

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

import evalkit
from evalkit.data.spool import spool
from evalkit.engine.plan import Plan, cut_shards
from evalkit.engine.records import Begun, Called, CellScored, Charged, Record, Scored
from evalkit.engine.shard import run_shard
from evalkit.engine.state import Gathered, ShardResult
from evalkit.entities.score import Status
from evalkit.llm.budget import Budget
from evalkit.llm.session import ModelSession
from evalkit.targets.open import open_target
from evalkit.testing import ScriptedEndpoint

PROGRAM = Path(__file__).with_name("working.py")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A plan of three shards of ten cases, that pickles."""
    shutil.copy(PROGRAM, tmp_path / "working.py")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "working", raising=False)
    import working  # type: ignore[import-not-found]

    rows = [{"question": f"q{i}", "expected": f"answer to q{i}"} for i in range(30)]
    return Plan(
        spool=spool(rows, tmp_path / "data", has_model=True),
        target=open_target(working.bot),
        scorers=[working.slow_score, working.words],
        repeats=2,
        shards=cut_shards(30, 10),
    )


def _run(plan: Plan, shard: int = 1, **options: Any) -> tuple[ShardResult, list[Record]]:
    records: list[Record] = []

    async def main() -> ShardResult:
        return await run_shard(
            plan, plan.shards[shard], ModelSession(), emit=records.append, **options
        )

    return anyio.run(main), records


def _pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


def _columns(result: ShardResult) -> dict[Any, Any]:
    return {
        (place, key): (column.values.tobytes(), column.status.tobytes(), column.labels)
        for place, columns in result.gathered.scored.items()
        for key, column in columns.items()
    }


def test_a_result_is_the_sum_of_its_records(plan: Plan) -> None:
    result, records = _run(plan)

    total = Gathered()
    for record in records:
        total.take(record)
    assert total.calls == result.gathered.calls
    assert set(total.calls) == set(range(20, 40))
    assert total.failures == result.gathered.failures != {}
    assert total.cells == result.gathered.cells
    assert total.scored == result.gathered.scored
    assert total.ledger["target"] == result.gathered.ledger["target"]
    assert total.ledger["target"].calls == 20
    assert {type(record) for record in records} == {Begun, Called, CellScored, Scored}


def test_plan_and_result_pickle_and_come_to_the_same_elsewhere(plan: Plan) -> None:
    here, _ = _run(plan)
    there, _ = _run(_pickled(plan))

    again = _pickled(there)
    assert again.shard == here.shard
    assert _columns(again) == _columns(here)
    assert again.gathered.failures == here.gathered.failures


@pytest.mark.parametrize("kept", [1, 7, 30, 55])
def test_what_was_recorded_before_is_not_done_again(plan: Plan, kept: int) -> None:
    whole, records = _run(plan)
    before = Gathered()
    for record in records[:kept]:
        before.take(record)
    called = set(before.calls)

    result, again = _run(plan, before=before)

    assert called.isdisjoint(record.cell for record in again if isinstance(record, Called))
    assert _columns(result) == _columns(whole)


def test_charges_of_models_are_records_too(plan: Plan) -> None:
    with ScriptedEndpoint({"*": "ok"}) as endpoint:
        target = evalkit.chat("m", base_url=endpoint.base_url, auth_environment=None)
        asked = Plan(spool=plan.spool, target=target, scorers=[], shards=plan.shards)
        result, records = _run(asked, shard=0)

    charges = [record for record in records if isinstance(record, Charged)]
    assert len(charges) == endpoint.calls == 10
    assert result.gathered.ledger["target"].calls == 10


def test_a_shard_without_any_answer_has_scores_that_say_so(plan: Plan) -> None:
    def broken(question: str) -> str:
        raise ValueError(question)

    lost = Plan(
        spool=plan.spool, target=open_target(broken), scorers=plan.scorers, shards=plan.shards
    )

    result, _ = _run(lost)

    rows = [{"question": "q", "expected": "a"}]
    whole = evalkit.evaluate(broken, rows, plan.scorers, runtime=evalkit.Runtime(store=False))
    assert whole["slow_score"].n_failed == 1
    for columns in result.gathered.scored.values():
        assert [column.status.tolist() for column in columns.values()] == [[Status.FAILED] * 10]


def test_a_spent_budget_ends_the_shard_early_and_says_so(plan: Plan) -> None:
    async def main() -> ShardResult:
        session = ModelSession(budget=Budget.of({"calls": 0}))
        return await run_shard(plan, plan.shards[0], session)

    result = anyio.run(main)

    assert result.stopped == "budget"
    assert result.gathered.calls == {}
    statuses = {s for c in result.gathered.scored[0, 0].values() for s in c.status.tolist()}
    assert statuses == {Status.NOT_RUN}
