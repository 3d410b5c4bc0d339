"""The whole of which shards are the parts, as one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.data.snapshot import FILE_NAME, SnapshotWriter, Spool, widened


def join_shards(
    shards: Sequence[Spool], order: Sequence[tuple[int, int]], folder: Path | str
) -> Spool:
    """Write the whole of *shards* to ``cases.parquet`` in *folder*, as it is without ``shard=``.

    Args:
        shards: Snapshots of all parts.
        order: What `merged_order` says of them.
        folder: Where to write.

    Raises:
        UsageError: If the snapshot exists already.
        JournalError: If the disk is full or the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    each = shards[0].n_repeats
    tables = [pq.read_table(shard.path) for shard in shards]
    names = list(dict.fromkeys(name for table in tables for name in table.column_names))
    starts = [0]
    for shard in shards:
        starts.append(starts[-1] + shard.n)
    rows = [(starts[shard] + row) * each + repeat for shard, row in order for repeat in range(each)]
    whole = pa.concat_tables([widened(table, names) for table in tables]).take(pa.array(rows))
    facts = dict(shards[0].facts)
    of_all = facts.pop("shard")
    facts |= {name: value for name, value in of_all.items() if name in facts}
    facts["selection"] = {**facts["selection"], "shard": None}
    path = Path(folder) / FILE_NAME
    with SnapshotWriter(path) as writer:
        writer.write_table(whole)
        writer.commit(facts)
    return Spool.open(path)
