"""One pass over the data: validate, map, hash and write the snapshot."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, compress
from pathlib import Path
from typing import Any

from evalkit._internal.arrow import number_array
from evalkit._internal.canonical import parse_json
from evalkit.data.fields import JSON_FIELDS
from evalkit.data.identity import hashed_forms
from evalkit.data.intake import DuplicateIdError, Intake, Rows, Tally, duplicate_id
from evalkit.data.open import OpenedData, open_data
from evalkit.data.plan import Leftover
from evalkit.data.selection import Division, Draw, Selection, parse_shard
from evalkit.data.snapshot import (
    FILE_NAME,
    FORMAT,
    METADATA_KEY,
    ROW_GROUP,
    SnapshotWriter,
    Spool,
    publish,
    storage_errors,
    stored_cells,
)
from evalkit.data.traces.rows import with_joined_exports
from evalkit.errors import DataError, UsageError, near_miss
from evalkit.llm.prices import Prices
from evalkit.llm.secrets import masked_cells


def spool(
    data: object,
    folder: Path | str,
    *,
    columns: Mapping[str, Any] | None = None,
    limit: int | None = None,
    sample: float | None = None,
    split: str | None = None,
    seed: int = 0,
    shard: str | None = None,
    has_model: bool = False,
    leftover: Leftover = "tags",
    prices: Prices | None = None,
    chunk_rows: int = 8192,
) -> Spool:
    """Read *data* once and write its cases to ``cases.parquet`` in *folder*.

    Memory stays bounded however long the data is, apart from some tens of bytes a row for ids.
    The file appears when it is complete; an error leaves nothing behind.  *data* is not changed.

    Args:
        data: Whatever `open_data` takes.
        folder: Where to write; made if it does not exist.
        columns: Case field to the data's column, a dotted path, a list of columns, or ``None`` to
            leave the field empty.
        limit: Take the first so many rows.
        sample: Draw a share (float) or a count (integer) of the cases, by *seed*, in order.
        split: Take only rows whose ``split`` is this.
        seed: Seed of *sample*.
        shard: Take only this part of what would be taken without it, such as ``1/4``; sessions stay
            whole.  ``facts["shard"]`` then tells of the whole, for `merged_order`.
        has_model: Whether a live target will make the outputs.
        leftover: Where columns go that no field claims: ``inputs`` for an estimator, else ``tags``.
        prices: What tokens of traces cost; by default those of the installed litellm.
        chunk_rows: Rows to hold at a time.

    Raises:
        DataError: If the data is wrong; names file, line and column.
        UnknownSourceError: If no source reads such data.
        UsageError: If an argument makes no sense, or the snapshot exists already.
        JournalError: If the disk is full or the folder cannot be written.
    """
    part = None if shard is None else parse_shard(shard)
    selection = Selection(split=split, limit=limit, sample=sample, seed=seed, shard=part)
    opened = open_data(data, chunk_rows=min(chunk_rows, limit or chunk_rows))
    opened = replace(opened, chunks=with_joined_exports(opened.chunks))
    folder = Path(folder)
    path = folder / FILE_NAME
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
    intake = Intake(columns, selection, has_model=has_model, leftover=leftover, prices=prices)
    tally, whole = Tally(), dict[str, Any]()
    with SnapshotWriter(path) as writer:
        taken = _taken if sample is None else _drawn
        chosen = taken(opened, intake, writer)
        if shard is not None:
            chosen = _divided(taken, opened, intake, writer, whole)
        for rows in chosen:
            tally.add(rows)
            writer.write(rows.cells if has_model else _without_secrets(rows.cells))
        facts = _facts(opened, intake, tally) | whole
        writer.commit(facts)
    if "repeat" in facts["fields"]:
        _settle_repeats(path)
    return Spool.open(path)


def _without_secrets(cells: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return what an application has said; what a live target gets stays as it was given."""
    said = JSON_FIELDS | {"error"}
    return {name: masked_cells(of) if name in said else of for name, of in cells.items()}


def _taken(opened: OpenedData, intake: Intake, writer: SnapshotWriter) -> Iterator[Rows]:
    """Yield the selected rows of each chunk.

    Raises:
        DataError: If the data is wrong, has no rows at all, or none of the split asked for.
    """
    for chunk in opened.chunks:
        if not chunk.rows:
            continue
        try:
            rows = intake.take(chunk)
        except DuplicateIdError as error:
            raise _with_first_line(error, writer) from None
        if rows.new:
            yield rows
        if intake.is_full:
            break
    if intake.kept == 0:
        raise _nothing(opened, intake)


def _nothing(opened: OpenedData, intake: Intake) -> DataError:
    file = opened.files[0] if len(opened.files) == 1 else opened.name
    split = intake.selection.split
    if intake.read == 0 or split is None:
        return DataError("there are no rows", file=file)
    if not intake.splits:
        return DataError(
            f"split={split!r} was asked for, and no row has a split", file=file, column="split"
        )
    known = ", ".join(map(repr, intake.splits))
    hint = near_miss(split, intake.splits)
    return DataError(f"no row is of split {split!r}.{hint} There are: {known}", file=file)


def _with_first_line(error: DuplicateIdError, writer: SnapshotWriter) -> DataError:
    file, line = None, None
    for table in writer.tables():
        kept = stored_cells(table)
        repeats = kept.get("repeat") or [0] * len(table)
        keys = list(zip(kept["id"], repeats, strict=True))
        if (error.case_id, error.repeat) in keys:
            row = keys.index((error.case_id, error.repeat))
            line = kept["line"][row]
            file = kept["file"][row] if "file" in kept else None
            break
    problem = duplicate_id(error.case_id, file, line)
    return DataError(problem, file=error.file, line=error.line, column=error.column)


def _facts(opened: OpenedData, intake: Intake, tally: Tally) -> dict[str, Any]:
    plan = intake.mapper.plan
    return {
        "format": FORMAT,
        **tally.facts(),
        "dtypes": intake.dtypes,
        "input_names": list(intake.mapper.input_names),
        "late": plan.late,
        "mapping": plan.describe(),
        "source": opened.source,
        "name": opened.name,
        "selection": asdict(intake.selection),
    }


def _drawn(opened: OpenedData, intake: Intake, writer: SnapshotWriter) -> Iterator[Rows]:
    """Write all rows to a draft, then yield those that are drawn."""
    draw = Draw(intake.selection)
    new = array("B")
    with SnapshotWriter(writer.path.with_suffix(".draft")) as draft:
        for rows in _taken(opened, intake, draft):
            draw.add(rows.cells["id"], rows.cells.get("session"), rows.new)
            new.extend(rows.new)
            draft.write(rows.cells)
        yield from _kept(draft, draw.chosen(), new)


def _kept(draft: SnapshotWriter, keep: Any, new: Sequence[int]) -> Iterator[Rows]:
    """Yield the rows of *draft* that are to be kept."""
    start = 0
    for table in draft.tables():
        stop = start + len(table)
        chosen = table.filter(number_array(keep[start:stop]))
        if len(chosen):
            first = [bool(flag) for flag in compress(new[start:stop], keep[start:stop])]
            made = stored_cells(chosen)
            yield Rows(made, hashed_forms(made), first)
        start = stop


def _divided(
    taken: Callable[[OpenedData, Intake, SnapshotWriter], Iterator[Rows]],
    opened: OpenedData,
    intake: Intake,
    writer: SnapshotWriter,
    whole: dict[str, Any],
) -> Iterator[Rows]:
    """Write all rows *taken* to a draft, then yield those of the part; *whole* tells of all."""
    import numpy as np

    shard = intake.selection.shard
    assert shard is not None  # noqa: S101  the caller looked
    division, tally, new = Division(shard), Tally(), array("B")
    with SnapshotWriter(writer.path.with_suffix(".whole")) as draft:
        for rows in taken(opened, intake, draft):
            division.add(rows.cells["id"], rows.cells.get("session"))
            tally.add(rows)
            new.extend(rows.new)
            draft.write(rows.cells)
        keep = division.chosen()
        first = np.array(new, dtype=np.bool_)
        whole["shard"] = {
            "part": shard[0],
            "of": shard[1],
            **tally.facts(),
            "rows": _ranges(keep),
            "cases": _ranges(keep[first]),
        }
        yield from _kept(draft, keep, new)


def _ranges(keep: Any) -> list[list[int]]:
    """Return the places of true values, as ranges: a part has few, however long it is."""
    import numpy as np

    edges = np.flatnonzero(np.diff(keep, prepend=False, append=False))
    return edges.reshape(-1, 2).tolist()


def merged_order(shards: Sequence[Spool]) -> list[tuple[int, int]]:
    """Return where the cases of a whole lie among its *shards*, in the order of the whole.

    Args:
        shards: Snapshots made with ``shard=``, one for each part.

    Returns:
        For each case of the whole, the place of its snapshot in *shards*, and its row there.

    Raises:
        UsageError: If they are not all the parts of one whole, each of them once.
    """
    facts = [snapshot.facts.get("shard") for snapshot in shards]
    known = [fact for fact in facts if fact is not None]
    digests = {(fact["of"], fact["dataset_digest"], fact["outputs_digest"]) for fact in known}
    if len(known) != len(facts) or len(digests) != 1:
        raise UsageError("These are no shards of one evaluation: their data differ.")
    of, parts = known[0]["of"], sorted(fact["part"] for fact in known)
    if parts != list(range(1, of + 1)):
        given = ", ".join(f"{part}/{of}" for part in parts)
        raise UsageError(f"Merging takes each of the {of} shards once; there are {given}.")
    field = "rows" if all(snapshot.n_repeats == 1 for snapshot in shards) else "cases"
    places = [
        (place, shard, row)
        for shard, fact in enumerate(known)
        for row, place in enumerate(chain.from_iterable(range(*pair) for pair in fact[field]))
    ]
    return [(shard, row) for _, shard, row in sorted(places)]


def _settle_repeats(path: Path) -> None:
    """Put the rows of each case side by side, where every case has equally many.

    The snapshot then knows its number of repeats, so that estimates count cases and not rows.
    Where cases have different numbers of rows, the snapshot stays as it is.
    """
    import numpy as np
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table, metadata = file.read(), file.metadata.metadata
    places: dict[str, list[tuple[int, int]]] = {}
    ids, repeats = table.column("id").to_pylist(), table.column("repeat").to_pylist()
    for row, (case_id, repeat) in enumerate(zip(ids, repeats, strict=True)):
        places.setdefault(case_id, []).append((repeat or 0, row))
    count = len(next(iter(places.values())))
    if count < 2 or any(len(rows) != count for rows in places.values()):  # noqa: PLR2004
        return
    facts = parse_json(metadata[METADATA_KEY])
    whole = facts.get("shard", facts)
    if whole["n"] != count * whole["n_cases"]:  # other parts have other numbers of rows
        return
    order = [row for rows in places.values() for _, row in sorted(rows)]
    facts["n_repeats"] = count
    ordered = table.take(number_array(np.array(order))).replace_schema_metadata(
        {METADATA_KEY: json.dumps(facts).encode()}
    )
    fresh = path.with_name(f"{path.name}.ordered")
    with storage_errors(path):
        pq.write_table(ordered, fresh, compression="zstd", row_group_size=ROW_GROUP)
        path.unlink()
        publish(fresh, path)
