"""What work has come to, as data: each record is an entry of the journal, if it is kept there.

An entry is a letter and bytes: ``C`` a finished call (JSON), ``B`` a scored batch (columns), ``S``
one cell of an asynchronous scorer (JSON), ``U`` what a call of a model has cost (JSON).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.engine.call import Call
from evalkit.engine.codec import decode_columns, encode_columns
from evalkit.engine.journal import BATCH, CALL, CELL, USAGE
from evalkit.engine.verdicts import Cells
from evalkit.entities.score import Score, Status
from evalkit.llm.secrets import masked_json
from evalkit.llm.usage import Charge, Spent
from evalkit.scoring.column import ScoreColumn

Columns = Mapping[str, ScoreColumn]

_UNMETERED = b'{"unmetered":true,'


@dataclass(frozen=True, slots=True)
class Begun:
    """A call of the target that is about to be made; kept nowhere."""

    cell: int
    kept: ClassVar[bool] = False

    def encoded(self) -> tuple[bytes, bytes]:
        """Return an entry that no journal holds."""
        return b"-", b""


@dataclass(frozen=True, slots=True)
class Called:
    """A finished call of the target, as it will be read back."""

    cell: int
    call: Call
    metered: bool
    """Whether the model session that it went through has counted it."""

    written: bytes
    kept: ClassVar[bool] = True

    @classmethod
    def of(cls, cell: int, call: Call, *, metered: bool = False) -> Called:
        """Return the record of *call*; what JSON cannot hold makes it a failure."""
        call, written = _as_written(cell, call)
        return cls(cell, call, metered, written if metered else _UNMETERED + written[1:])

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the entry: letter and bytes."""
        return CALL, self.written


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored batch: the columns of one scorer for the cells of one shard."""

    shard: int
    place: int
    """Place of the scorer in the plan."""

    columns: Columns
    kept: bool = True
    """Whether every cell was run; else it is for this process's result only."""

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the entry: letter and bytes."""
        header = self.shard.to_bytes(4, "little") + self.place.to_bytes(2, "little")
        return BATCH, header + encode_columns(self.columns)


@dataclass(frozen=True, slots=True)
class CellScored:
    """One cell of an asynchronous scorer."""

    place: int
    cell: str
    """Id of the case, a zero byte, and the repeat."""

    scores: Cells
    kept: ClassVar[bool] = True

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the entry: letter and bytes."""
        # A list of pairs: JSON sorts mappings, and metrics keep the order of their scorer.
        scores = [(key, _score_fields(score)) for key, score in self.scores.items()]
        return CELL, canonical_json({"scorer": self.place, "cell": self.cell, "scores": scores})


@dataclass(frozen=True, slots=True)
class Charged:
    """What a call through the model session has cost, or all that was spent in another run."""

    role: str
    charge: Charge | Spent

    @property
    def kept(self) -> bool:
        """Whether it cost anything: what was answered from a recording did not."""
        return isinstance(self.charge, Spent) or not self.charge.cached

    def encoded(self) -> tuple[bytes, bytes]:
        """Return the entry: letter and bytes."""
        fields = dataclasses.asdict(self.charge)
        if isinstance(self.charge, Spent):
            fields = {"spent": fields}
        else:
            plain = {"cached": False, "line": None}
            fields = {k: v for k, v in fields.items() if k not in plain or v != plain[k]}
        return USAGE, canonical_json({"role": self.role, **fields})


Record = Begun | Called | Scored | CellScored | Charged


def decoded(kind: bytes, payload: bytes) -> Record | None:
    """Return the record of an entry; ``None`` for a letter that a newer evalkit has written."""
    if kind == BATCH:
        shard, place = int.from_bytes(payload[:4], "little"), int.from_bytes(payload[4:6], "little")
        return Scored(shard, place, decode_columns(payload[6:]))
    if kind not in {CALL, CELL, USAGE}:
        return None
    fields = parse_json(payload)
    if kind == CALL:
        metered = not fields.get("unmetered")
        return Called(fields["cell"], Call.from_json(fields), metered, payload)
    if kind == CELL:
        scores = {key: _score(value) for key, value in fields["scores"]}
        return CellScored(fields["scorer"], fields["cell"], scores)
    role = fields.pop("role")
    return Charged(role, Spent(**fields["spent"]) if "spent" in fields else Charge(**fields))


def _as_written(cell: int, call: Call) -> tuple[Call, bytes]:
    """Return *call* as it is kept, without secrets of the environment, and its bytes."""
    try:
        plain = canonical_json({"cell": cell, **call.to_json()})
        written = masked_json(plain)
    except Exception as error:  # noqa: BLE001  a user's object may raise anything on the way
        explanation = f"The target's answer cannot be kept: {error}; return JSON values."
        call = Call.failed("invalid_response", explanation, call.latency_seconds)
        return call, canonical_json({"cell": cell, **call.to_json()})
    if written is plain and type(call.output) is str and call.output.isprintable():
        return call, written
    back = Call.from_json(parse_json(written))
    if back.status is Status.OK and back.output is None:
        explanation = f"The target returned {call.output!r:.60}, which is no value."
        back = Call.failed("empty", explanation, call.latency_seconds)
        return back, canonical_json({"cell": cell, **back.to_json()})
    return back, written


def _score_fields(score: Score) -> list[Any]:
    return [
        score.value,
        score.label,
        score.explanation,
        score.weight,
        score.metadata,
        int(score.status),
        score.reason,
    ]


def _score(fields: list[Any]) -> Score:
    value, label, explanation, weight, metadata, status, reason = fields
    return Score(value, label, explanation, weight, metadata, Status(status), reason)
