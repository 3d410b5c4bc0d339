"""The cache file: shared by processes, bounded, and plain JSON."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import UsageError
from evalkit.llm.cache import Cache
from evalkit.llm.inventory import list_stale, prune
from evalkit.llm.recording import Recording, recording_of
from evalkit.llm.recordings import RecordingFolder

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def asked(number: int) -> Recording:
    """Return one of many recordings."""
    return recording_of({"model": "m", "messages": [number]}, label="m", subject=[number])


_WRITE = """
import sys
from pathlib import Path
from evalkit.llm.cache import Cache
from evalkit.llm.recording import recording_of

cache = Cache(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 60):
    asked = recording_of({"model": "m", "messages": [number]}, label="m", subject=[number])
    cache.put(asked, {"text": str(number)})
cache.close()
"""


def test_processes_write_and_read_one_cache(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    workers = [
        subprocess.Popen([sys.executable, "-c", _WRITE, str(path), str(50 * worker)])
        for worker in range(4)
    ]
    codes = [worker.wait(timeout=300) for worker in workers]

    cache = Cache(path)
    assert codes == [0] * 4
    assert len(cache) == 210
    assert all(cache.get(asked(n).key) == {"text": str(n)} for n in range(210))
    cache.close()


@given(json_values)
def test_what_is_put_is_what_is_got(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    cache = Cache(tmp_path_factory.mktemp("cache") / "calls.db")
    one = recording_of({"value": value}, label="m", subject=value)
    cache.put(one, {"text": value})
    found = cache.get(one.key)
    cache.close()

    assert found == {"text": value}


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    small = Cache(path, largest_bytes=200_000)
    for number in range(100):
        small.put(asked(number), {"text": "x" * 1000})
    assert small.get(asked(0).key) is not None
    small.close()

    again = Cache(path, largest_bytes=120_000)
    again.put(asked(1000), {"text": "new"})
    again.close()

    last = Cache(path)
    assert last.get(asked(0).key) is not None
    assert last.get(asked(1000).key) == {"text": "new"}
    assert last.get(asked(1).key) is None
    assert 0 < len(last) < 100
    last.close()


def test_a_file_that_is_no_cache_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    path.write_bytes(b"this is no database, and it is long enough to be taken for one" * 20)

    with pytest.raises(UsageError, match="cannot be used as the cache"):
        Cache(path)


def test_a_cache_that_cannot_be_written_does_not_lose_the_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path / "calls.db")
    other = sqlite3.connect(tmp_path / "calls.db")
    other.execute("DROP TABLE recordings")
    other.close()

    cache.put(asked(1), {"text": "a"})
    cache.put(asked(2), {"text": "a"})

    assert cache.get(asked(1).key) is None
    assert len(caplog.records) == 1
    cache.close()


def test_recordings_are_files_that_read_well_and_never_appear_half(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path)
    folder.put(asked(1), {"text": "Zürich"})

    (file,) = folder.files()
    assert file.read_text(encoding="utf-8").splitlines()[-4:] == [
        '  "reply": {',
        '    "text": "Zürich"',
        "  }",
        "}",
    ]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_no_run_uses_any_more_is_listed_and_pruned(tmp_path: Path) -> None:
    first = RecordingFolder(tmp_path)
    for number in range(3):
        first.put(asked(number), {"text": "a"})
    first.close()
    for note in (tmp_path / ".used").iterdir():
        note.unlink()
    second = RecordingFolder(tmp_path)
    second.get(asked(1).key)
    second.close()

    stale = [entry.key for entry in list_stale(tmp_path)]
    assert sorted(stale) == sorted([asked(0).key, asked(2).key])
    assert len(prune(tmp_path)) == 2
    assert [path.stem for path in RecordingFolder(tmp_path).files()] == [asked(1).key]


def test_staleness_cannot_be_told_before_any_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="list"):
        list_stale(tmp_path)
    with pytest.raises(UsageError, match="no recordings"):
        list_stale(tmp_path / "absent")


def test_a_cache_that_may_only_be_read_answers_and_notes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calls.db"
    cache = Cache(path)
    cache.put(asked(1), {"text": "4"})
    cache.close()
    content = path.read_bytes()
    monkeypatch.setattr("evalkit.llm.cache.only_readable", lambda _: True)
    cache = Cache(path, reading=True)
    reply = cache.get(asked(1).key)
    cache.close()

    assert reply == {"text": "4"}
    assert path.read_bytes() == content
    assert caplog.text == ""
