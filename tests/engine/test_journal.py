"""The journal keeps whole records, cuts broken tails, and says clearly when it cannot write."""

import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.engine.journal import (
    BATCH,
    CALL,
    FRAME,
    Journal,
    RunLock,
    is_being_written,
    read_journal,
)
from evalkit.errors import JournalError, RunLockedError


def _payloads(path: Path) -> list[bytes]:
    return [record.payload for record in read_journal(path)]


def test_records_come_back_in_order(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal", durable=True)) as journal:
        journal.append(CALL, b"one")
        journal.append(BATCH, b"")

    found = list(read_journal(tmp_path / "journal"))

    assert [(record.kind, record.payload) for record in found] == [(CALL, b"one"), (BATCH, b"")]
    assert (tmp_path / "journal").read_bytes()[found[0].offset :][:3] == b"one"


def test_no_journal_has_no_records(tmp_path: Path) -> None:
    assert _payloads(tmp_path / "absent") == []


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.data())
def test_a_journal_cut_anywhere_keeps_its_whole_records(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal"
    with closing(Journal(path)) as journal:
        for payload in payloads:
            journal.append(CALL, payload)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    ends = [0]
    for payload in payloads:
        ends.append(ends[-1] + FRAME.size + 1 + len(payload))
    kept = sum(end <= cut for end in ends[1:])

    assert _payloads(path) == payloads[:kept]
    with closing(Journal(path)) as journal:
        journal.append(CALL, b"after")
    assert _payloads(path) == [*payloads[:kept], b"after"]


@given(st.data())
def test_a_flipped_bit_spoils_its_own_record_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flip") / "journal"
    records = [b"record 0", b"record 1", b"record 2"]
    with closing(Journal(path)) as journal:
        for record in records:
            journal.append(CALL, record)
    content = bytearray(path.read_bytes())
    size = len(content) // 3
    spoilt, place = data.draw(st.integers(0, 2)), data.draw(st.integers(0, size - 1))
    content[spoilt * size + place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    kept = [record for number, record in enumerate(records) if number != spoilt]

    assert _payloads(path) == kept
    with closing(Journal(path)) as journal:
        journal.append(CALL, b"after")
    assert _payloads(path) == [*kept, b"after"]


def test_a_spoilt_length_costs_one_record_and_opening_cuts_none(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with closing(Journal(path)) as journal:
        for number in range(100):
            journal.append(CALL, b'{"answer": %d}' % number)
    content = bytearray(path.read_bytes())
    starts = [record.offset - 1 - FRAME.size for record in read_journal(path)]
    content[starts[10] + FRAME.size + 5] ^= 0x40  # in its body
    content[starts[20] + 3] ^= 0x40  # a length of a gigabyte
    content[starts[30]] ^= 0x01  # a length that is a byte off
    path.write_bytes(content)
    kept = [b'{"answer": %d}' % number for number in range(100) if number not in {10, 20, 30}]

    assert _payloads(path) == kept
    with closing(Journal(path)):
        pass
    assert path.stat().st_size == len(content)
    assert _payloads(path) == kept


def test_a_spoilt_record_longer_than_what_is_looked_through_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with closing(Journal(path)) as journal:
        journal.append(CALL, b"C" * 3_000_000)
        journal.append(CALL, b"after")
    content = bytearray(path.read_bytes())
    content[2] ^= 0x40
    path.write_bytes(content)

    assert _payloads(path) == [b"after"]


def _with_file_limit() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_a_full_disk_is_one_clear_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from evalkit.engine.journal import CALL, Journal\n"
        "from evalkit.errors import JournalError\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "try:\n    for n in range(10): journal.append(CALL, b'x' * 30)\n"
        "except JournalError as error: print(n, error)\n"
    )
    program = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=_with_file_limit,
    )

    assert program.stdout.startswith("2 Cannot write")
    assert "then resume" in program.stdout
    assert _payloads(path) == [b"x" * 30] * 2


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(JournalError, match="Cannot write"):
        Journal(tmp_path / "file" / "journal")


def test_a_lock_is_held_once_and_freed_by_the_death_of_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from evalkit.engine.journal import RunLock\n"
        "lock = RunLock(Path(sys.argv[1]), 'r')\nprint('held', flush=True)\ntime.sleep(600)\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    program.stdout.readline()
    with pytest.raises(RunLockedError, match=f"process {program.pid}"):
        RunLock(tmp_path, "r")
    os.kill(program.pid, signal.SIGKILL)
    program.communicate()

    RunLock(tmp_path, "r").release()


def test_looking_at_a_lock_says_whether_it_is_held_and_leaves_it(tmp_path: Path) -> None:
    assert is_being_written(tmp_path) is None
    lock = RunLock(tmp_path, "r")
    assert is_being_written(tmp_path) is True
    lock.release()
    assert is_being_written(tmp_path) is False
    RunLock(tmp_path, "r").release()


def test_who_looks_at_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    RunLock(tmp_path, "r").release()
    end = threading.Event()

    def look() -> None:
        while not end.is_set():
            is_being_written(tmp_path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(300):
            RunLock(tmp_path, "r").release()
    finally:
        end.set()
        for watcher in watchers:
            watcher.join()
