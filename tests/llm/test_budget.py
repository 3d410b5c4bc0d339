"""Prices, budgets and ledgers."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import BudgetSpentError, NotRecordedError, UsageError
from evalkit.llm.budget import Budget, limits_of
from evalkit.llm.prices import Prices
from evalkit.llm.session import ModelSession
from evalkit.llm.usage import Charge, Ledger


def spending(**roles: Charge) -> Ledger:
    """Return a ledger with one charge a role."""
    ledger = Ledger()
    for role, charge in roles.items():
        ledger.add(role, charge)
    return ledger


@pytest.mark.parametrize(
    ("given", "role", "spent"),
    [
        pytest.param(1.0, "judge", True, id="dollars-of-all"),
        pytest.param({"usd": 2.0}, "judge", False, id="enough-left"),
        pytest.param({"judge": {"usd": 0.5}}, "judge", True, id="the-role"),
        pytest.param({"judge": {"usd": 0.5}}, "target", False, id="another-role"),
        pytest.param({"judge": 0.5}, "judge", True, id="a-bare-number-is-dollars"),
        pytest.param({"tokens": 30}, "target", True, id="tokens"),
        pytest.param({"calls": 2}, "target", True, id="calls"),
        pytest.param("calls=2", "target", True, id="calls-as-on-the-command-line"),
        pytest.param("judge.usd=0.5", "judge", True, id="the-role-as-on-the-command-line"),
        pytest.param({"seconds": 10}, "target", True, id="seconds"),
        pytest.param({"seconds": 11}, "target", False, id="seconds-left"),
    ],
)
def test_a_budget_is_spent_in_all_or_by_role(given: object, role: str, spent: bool) -> None:
    ledger = spending(
        judge=Charge(tokens={"input_tokens": 20}, cost=0.6),
        target=Charge(tokens={"input_tokens": 10}, cost=0.4),
    )
    budget = Budget.of(given)  # type: ignore[arg-type]

    if spent:
        with pytest.raises(BudgetSpentError, match="is spent"):
            budget.check(ledger, role, 10.0)
    else:
        budget.check(ledger, role, 10.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"dollars": 1}, "no unit 'dollars'", id="unit"),
        pytest.param({"judges": {"usd": 1}}, "Did you mean 'judge'", id="role"),
        pytest.param({"usd": -1}, "at least 0", id="negative"),
        pytest.param("calls:2", "'calls:2' is neither US dollars nor UNIT=NUMBER", id="text"),
        pytest.param("embedder.calls=1", "no unit 'embedder'", id="a-role-that-nothing-has"),
        pytest.param({"judge": {"usdd": 1}}, "Did you mean 'usd'", id="unit-of-role"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(given: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Budget.of(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("second", ["judge.calls=5", "judge.usd=1"])
@pytest.mark.parametrize("turned", [False, True])
def test_limits_of_one_role_add_up_in_any_order(second: str, *, turned: bool) -> None:
    texts = ["judge=1", second][:: -1 if turned else 1]

    assert limits_of(texts) == {"judge": {"usd": 1.0} | limits_of([second])["judge"]}


def test_a_budget_is_written_as_it_is_read() -> None:
    given = {"usd": 1.0, "judge": {"calls": 5.0}}

    assert Budget.of(given).to_json() == given


def test_cached_calls_cost_nothing_and_unknown_prices_stay_unknown() -> None:
    ledger = Ledger()
    ledger.add("judge", Charge(cost=0.5, tokens={"input_tokens": 3}))
    ledger.add("judge", Charge(cached=True))
    ledger.add("judge", Charge(failed=True))
    assert ledger["judge"].price == 0.5

    ledger.add("judge", Charge())

    spent = ledger["judge"]
    assert (spent.calls, spent.cached, spent.failed, spent.price) == (3, 1, 1, None)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_price_is_the_sum_of_its_parts(asked: int, answered: int, read: int) -> None:
    prices = Prices({"m": (2.0, 8.0, 0.5)})
    usage = {"input_tokens": asked, "output_tokens": answered, "cached_tokens": min(read, asked)}

    fresh = asked - min(read, asked)
    expected = (2.0 * fresh + 0.5 * min(read, asked) + 8.0 * answered) / 1e6
    assert prices.cost("m", usage) == pytest.approx(expected)


@pytest.mark.parametrize(
    "usage", [None, {}, {"output_tokens": 3}], ids=["none", "empty", "no-input"]
)
def test_without_counts_the_price_is_unknown(usage: dict[str, int] | None) -> None:
    assert Prices({"m": (1.0, 1.0)}).cost("m", usage) is None


@pytest.mark.parametrize("price", [(1.0,), (1.0, -1.0), (1.0,) * 5])
def test_a_price_of_another_form_is_refused(price: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="dollars for a million"):
        Prices({"m": price})


def test_prices_come_from_the_map_that_litellm_ships() -> None:
    pytest.importorskip("litellm")
    prices = Prices()
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}

    assert prices.cost("openai/gpt-4o-mini", usage) == pytest.approx(0.15)
    assert prices.cost("hosted_vllm/gpt-4o-mini", usage) is None


@pytest.mark.parametrize(
    "error", [BudgetSpentError("$1", "$1.2"), NotRecordedError("This call of m", "why", "case-1")]
)
def test_the_errors_pickle(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own

    assert str(again) == str(error)


@pytest.mark.parametrize(
    ("tokens", "spent"),
    [
        pytest.param({"input_tokens": 6, "output_tokens": 4, "total_tokens": 10}, False, id="both"),
        pytest.param({"prompt_tokens": 6, "total_tokens": 6}, False, id="an-embedder"),
        pytest.param({"input_tokens": 8, "cached_tokens": 8}, False, id="a-part-of-another"),
        pytest.param({"total_tokens": 15}, True, id="only-the-total"),
        pytest.param({"input_tokens": 9, "output_tokens": 6}, True, id="enough"),
    ],
)
def test_no_token_counts_twice(tokens: dict[str, int], spent: bool) -> None:
    ledger = spending(target=Charge(tokens=tokens))
    budget = Budget.of({"tokens": 15})

    if spent:
        with pytest.raises(BudgetSpentError):
            budget.check(ledger, "target", 0.0)
    else:
        budget.check(ledger, "target", 0.0)


def test_a_call_under_way_counts_and_its_own_retry_does_not() -> None:
    session = ModelSession(budget=Budget.of({"judge": {"calls": 1}}))
    session.check("judge")

    with session.under_way("judge"):
        session.check("judge", own=1)
        session.check("target")
        with pytest.raises(BudgetSpentError):
            session.check("judge")
    session.check("judge")
