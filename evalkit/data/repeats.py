"""Repeats that came with the data: several rows of one case, as in a log of several epochs."""

from __future__ import annotations

import json
from pathlib import Path

from evalkit._internal.canonical import parse_json
from evalkit.data.writing import METADATA_KEY, ROW_GROUP, publish, storage_errors


def settle_repeats(path: Path) -> None:
    """Put the rows of each case side by side, where every case has equally many.

    The snapshot then knows its number of repeats, so that estimates count cases and not rows.
    Where cases have different numbers of rows, the snapshot stays as it is.

    Args:
        path: A snapshot with a ``repeat`` column; it is replaced as a whole.

    Raises:
        JournalError: If the disk is full or the folder cannot be written.
    """
    import pyarrow as pa
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
    order = [row for rows in places.values() for _, row in sorted(rows)]
    facts = parse_json(metadata[METADATA_KEY]) | {"n_repeats": count}
    ordered = table.take(pa.array(order)).replace_schema_metadata(
        {METADATA_KEY: json.dumps(facts).encode()}
    )
    fresh = path.with_name(f"{path.name}.ordered")
    with storage_errors(path):
        pq.write_table(ordered, fresh, compression="zstd", row_group_size=ROW_GROUP)
        path.unlink()
        publish(fresh, path)
