"""What servers have shown to take: the format of an answer, and the settings sent along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from weakref import WeakKeyDictionary

from evalkit.llm.protocol import ChatModel

Format = Literal["schema", "tool", "json"]

FORMATS: Final[tuple[Format, ...]] = ("schema", "tool", "json")
"""Ways to have a form filled in, the best first."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a question is put: in which format, and without which settings."""

    format: Format = "schema"
    without: frozenset[str] = frozenset()
    """Sampling settings that are left out."""

    def beyond(self, other: Way) -> bool:
        """Say whether this way asks less of a server than *other*."""
        places = (FORMATS.index(self.format), FORMATS.index(other.format))
        return places[0] > places[1] or self.without > other.without

    def others(self) -> list[Way]:
        """Return the ways that ask less, as far as a recording may have needed them."""
        formats = FORMATS[FORMATS.index(self.format) :]
        less = [self.without, self.without | {"temperature"}]
        return [way for w in less for f in formats if (way := Way(f, w)) != self]


@dataclass(slots=True)
class Ability:
    """What one connection has shown to be able to do."""

    way: Way = field(default_factory=Way)
    confirmed: bool = False
    """Whether a call made in this way has been answered."""


class Abilities:
    """What the connections of one session have shown, so that each is tried out once.

    A session's own: another may meet another server at the same address.
    """

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._by_address: dict[tuple[str, str | None], Ability] = {}
        # The same by client, whose address takes longer to work out.
        self._by_client: WeakKeyDictionary[ChatModel, Ability] = WeakKeyDictionary()

    def of(self, client: ChatModel) -> Ability:
        """Return what is known of the connection of *client*."""
        ability = self._by_client.get(client)
        if ability is None:
            ability = self._by_address.setdefault((client.name, client.base_url), Ability())
            self._by_client[client] = ability
        return ability
