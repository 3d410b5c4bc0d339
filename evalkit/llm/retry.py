"""When to try a call again, and how long to wait before."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import TypeVar

import anyio

from evalkit.errors import TargetError, UsageError
from evalkit.llm.limits import RATE_LIMITED_RETRIES, is_controlled

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential waits with jitter; a server's own ``Retry-After`` comes first.

    Examples:
        >>> RetryPolicy(first_seconds=1.0).delay(2, seed=7) <= 4.0
        True
        >>> RetryPolicy().delay(0, seed=7, retry_after=2.0) >= 2.0
        True
    """

    retries: int = 3
    """Attempts after the first."""

    first_seconds: float = 0.5
    """Longest wait before the first retry; doubled before each further one."""

    longest_seconds: float = 60.0
    """Longest wait of all, also where the server asks for more."""

    def __post_init__(self) -> None:
        """Refuse negative numbers.

        Raises:
            UsageError: If a number is negative.
        """
        if self.retries < 0 or self.first_seconds < 0 or self.longest_seconds < 0:
            raise UsageError("retries= and waits are at least 0.")

    def delay(self, attempt: int, *, seed: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after attempt *attempt*, counted from 0.

        Between half of the exponential wait and all of it, drawn by *seed* and *attempt*: equal
        arguments give an equal wait, and many callers do not come back at once.
        """
        share = 0.5 + 0.5 * random.Random(f"{seed}/{attempt}").random()  # noqa: S311  no secret
        wait = min(self.first_seconds * 2.0**attempt, self.longest_seconds) * share
        if retry_after is not None:
            # A little after the moment that the server named, spread so that not all come at once.
            wait = retry_after + 0.1 * wait
        return min(wait, self.longest_seconds)


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818  what a line of a batch says is data, and raised by nobody
    """Why an attempt has no answer, and what the server says of another one."""

    reason: str
    text: str
    _: KW_ONLY
    again: bool
    """Whether trying again can help."""

    retry_after: float | None = None
    status: int | None = None


async def persist(
    attempt: Callable[[bool], Awaitable[T]],
    policy: RetryPolicy,
    explain: Callable[[str], str],
    *,
    seed: int = 0,
    once: bool = False,
) -> T:
    """Return what *attempt* gives; tried again where that can help.

    Args:
        attempt: Makes one attempt; told whether there was one before.
        policy: How often to try again, and how long to wait before.
        explain: Makes the text of an error fit to be shown.
        seed: Seed of the jitter between attempts.
        once: Whether to try only once.

    Raises:
        TargetError: Once trying again cannot help, or was tried often enough.
    """
    number = refusals = 0
    while True:
        try:
            return await attempt(number + refusals > 0)
        except Refusal as error:
            failure = error
        except TargetError as error:
            failure = Refusal(error.reason, error.explanation, again=False)
        again = failure.again and not once
        # Where a controller decides when to try again, refusals have a number of their own.
        in_turn = failure.reason == "rate_limited" and policy.retries > 0 and is_controlled()
        if again and in_turn and refusals < RATE_LIMITED_RETRIES:
            refusals += 1
            continue
        if not again or number >= policy.retries:
            # Outside the handler, so that nothing is chained: the causes carry the request's
            # headers, or what the server said of them.
            attempts = number + refusals + 1
            text = explain(failure.text) + (f" ({attempts} attempts)" if attempts > 1 else "")
            raise TargetError(failure.reason, text, status=failure.status)
        await anyio.sleep(policy.delay(number, seed=seed, retry_after=failure.retry_after))
        number += 1
