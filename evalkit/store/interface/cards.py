"""What a store promises about the cards of judges."""

from __future__ import annotations

from typing import Protocol


class Cards(Protocol):
    """Cards of judges: how each was found to agree with people."""

    def add(self, *, judge: str, signature: str, created: int, card: str) -> None:
        """Keep the card of a judge, beside those that it had before.

        Args:
            judge: Metric that the judge gives.
            signature: What made its verdicts.
            created: When the card was made.
            card: The card as a JSON text.
        """
        ...

    def newest(self, judge: str) -> list[str]:
        """Return the newest cards of a judge as JSON texts, newest first; at most 50."""
        ...
