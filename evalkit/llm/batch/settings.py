"""What goes through batch endpoints, and on which terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit.errors import UsageError, near_miss

BATCHED_ROLES: Final = ("target", "judge")
"""Roles whose calls may go through batches."""

_NUMBERS: Final = ("requests", "megabytes", "price_share", "retries", "poll_seconds")
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """Whose calls go through batch endpoints, and how.

    Examples:
        >>> BatchSettings.of(True).roles
        ('target', 'judge')
        >>> BatchSettings.of("judge").roles
        ('judge',)
        >>> BatchSettings.of({"judge": True, "requests": 1000}).requests
        1000
        >>> BatchSettings.of(False) is None
        True
    """

    roles: tuple[str, ...] = BATCHED_ROLES
    requests: int = 50_000
    """Most requests in a batch; OpenAI takes 50,000."""

    megabytes: float = 200.0
    """Largest file of requests; OpenAI takes 200."""

    price_share: float = 0.5
    """What a batched call costs, as a share of the price of a live one."""

    retries: int = 3
    """How many further batches a request goes into that a batch has not answered."""

    poll_seconds: float = 60.0
    """Longest wait between two looks at a batch; the first ones are shorter."""

    @property
    def bytes(self) -> int:
        """Largest file of requests, in bytes."""
        return int(self.megabytes * _MEGABYTE)

    @classmethod
    def of(cls, given: Any) -> BatchSettings | None:
        """Read what a user gives: yes or no, roles, or a mapping of roles and settings.

        Raises:
            UsageError: If a word is unknown, or a number makes no sense.
        """
        if given is None or given is False:
            return None
        if given is True:
            return cls()
        if isinstance(given, str):
            given = [word.strip() for word in given.split(",") if word.strip()]
            given = [] if given == ["all"] else given
        if isinstance(given, Mapping):
            return cls._of_mapping(given)
        if not isinstance(given, Iterable):
            raise UsageError(f"batch= is True, roles, or a mapping; got {given!r}.")
        roles = tuple(dict.fromkeys(_role(role) for role in given))
        return cls(roles=roles or BATCHED_ROLES)

    @classmethod
    def _of_mapping(cls, given: Mapping[Any, Any]) -> BatchSettings | None:
        numbers = {str(word): value for word, value in given.items() if word in _NUMBERS}
        choices = {
            _role(word): bool(value) for word, value in given.items() if word not in _NUMBERS
        }
        roles = tuple(role for role, wanted in choices.items() if wanted)
        if choices and not roles:
            return None
        for word, value in numbers.items():
            least_open = word in {"requests", "megabytes", "poll_seconds"}
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not numeric or value < 0 or (least_open and value == 0):
                least = "above 0" if least_open else "at least 0"
                raise UsageError(f"batch= of {word} must be {least}, got {value!r}.")
        for word in {"requests", "retries"} & numbers.keys():
            numbers[word] = int(numbers[word])
        return cls(roles=roles or BATCHED_ROLES, **numbers)

    def to_json(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return {
            **dict.fromkeys(self.roles, True),
            **{word: getattr(self, word) for word in _NUMBERS},
        }


def _role(word: Any) -> str:
    if word not in BATCHED_ROLES:
        words = (*BATCHED_ROLES, *_NUMBERS)
        raise UsageError(
            f"batch= has no role {word!r}.{near_miss(str(word), words)} Batches are for: "
            f"{', '.join(BATCHED_ROLES)}."
        )
    return str(word)
