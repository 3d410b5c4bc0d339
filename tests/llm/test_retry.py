"""When a call is tried again, and how long the wait is."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.clock import now_milliseconds
from evalkit.errors import UsageError
from evalkit.llm.headers import retry_after_seconds
from evalkit.llm.retry import RetryPolicy

ATTEMPTS = st.integers(0, 60)
SEEDS = st.integers(0, 2**64)


@given(attempt=ATTEMPTS, seed=SEEDS)
def test_waits_lie_between_half_and_all_of_the_exponential(attempt: int, seed: int) -> None:
    policy = RetryPolicy(first_seconds=0.5, longest_seconds=60.0)
    whole = min(0.5 * 2.0**attempt, 60.0)
    assert whole / 2 <= policy.delay(attempt, seed=seed) <= whole


@given(attempt=ATTEMPTS, seed=SEEDS)
def test_equal_seeds_wait_equally(attempt: int, seed: int) -> None:
    assert RetryPolicy().delay(attempt, seed=seed) == RetryPolicy().delay(attempt, seed=seed)


def test_different_seeds_do_not_come_back_together() -> None:
    waits = {RetryPolicy().delay(0, seed=seed) for seed in range(100)}
    assert len(waits) > 90


@given(attempt=ATTEMPTS, seed=SEEDS, asked=st.floats(0, 1000))
def test_the_servers_wait_is_kept_up_to_the_cap(attempt: int, seed: int, asked: float) -> None:
    wait = RetryPolicy(longest_seconds=60.0).delay(attempt, seed=seed, retry_after=asked)
    assert min(asked, 60.0) <= wait <= 60.0


HEADERS = [
    pytest.param({}, None, id="none"),
    pytest.param({"Retry-After": "2"}, 2.0, id="seconds"),
    pytest.param({"RETRY-AFTER": " 0.5 "}, 0.5, id="any case"),
    pytest.param({"retry-after-ms": "250", "retry-after": "9"}, 0.25, id="milliseconds first"),
    pytest.param({"retry-after": "soon"}, None, id="words"),
    pytest.param({"retry-after": "-1"}, None, id="negative"),
    pytest.param({"retry-after": "inf"}, None, id="infinite"),
    pytest.param({"retry-after": "nan"}, None, id="not a number"),
    pytest.param({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, id="a date gone by"),
]


@pytest.mark.parametrize(("headers", "expected"), HEADERS)
def test_the_servers_wait_is_read(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_seconds(headers) == expected


def test_a_date_to_come_is_counted_from_now() -> None:
    moment = datetime.fromtimestamp(now_milliseconds() / 1000, tz=UTC) + timedelta(seconds=100)
    found = retry_after_seconds({"retry-after": format_datetime(moment, usegmt=True)})
    assert found is not None
    assert 90 < found <= 100


@pytest.mark.parametrize("settings", [{"retries": -1}, {"first_seconds": -0.1}])
def test_negative_settings_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        RetryPolicy(**settings)
