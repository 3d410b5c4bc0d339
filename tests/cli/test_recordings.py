"""``evalkit recordings``: what need not be paid again is listed, shown and pruned."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit._internal.clock import now_milliseconds
from evalkit.llm.cache import Cache
from evalkit.llm.recording import recording_of
from evalkit.llm.recordings import DAY, RecordingFolder

Type = Callable[..., Any]


@pytest.fixture
def cache(folder: Path) -> Path:
    """A cache beside the store, with three calls of two models, one of them long unused."""
    path = folder / "evalkit-cache" / "calls.db"
    made, keys = Cache(path), list[str]()
    for number, model in enumerate(["openai/m", "openai/m", "openai/j"]):
        asked = {
            "model": model,
            "messages": [{"role": "user", "content": f"q{number}"}],
            "repeat": 0,
        }
        recording = recording_of(asked, label=model, subject="q")
        made.put(recording, {"text": f"a{number}"})
        keys.append(recording.key)
    made.close()
    long_ago = now_milliseconds() - 40 * DAY
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE recordings SET used = ? WHERE key = ?", (long_ago, keys[0]))
    return path


@pytest.mark.usefixtures("cache")
def test_models_are_listed_with_their_calls(type_in: Type) -> None:
    found = type_in("recordings", "list", "--json").json
    told = type_in("recordings", "list").out

    counts = {one["model"]: one["recordings"] for one in found["models"]}
    assert counts == {"openai/m": 2, "openai/j": 1}
    assert found["recordings"] == 3
    assert found["bytes"] > 100
    assert "3 recordings" in told
    assert "openai/j" in told


@pytest.mark.usefixtures("cache")
def test_one_recording_is_shown_by_the_beginning_of_its_key(type_in: Type) -> None:
    key = type_in("recordings", "stale", "--json").json[0]["key"]
    told = type_in("recordings", "show", key[:8]).out
    found = type_in("recordings", "show", key, "--json").json

    assert "--- user\nq0\n--- reply\na0" in told
    assert found["reply"] == {"text": "a0"}
    assert type_in("recordings", "show", "zzz").code == 2
    assert "give more of it" in type_in("recordings", "show", "").err


def test_nothing_is_pruned_without_a_yes(type_in: Type, cache: Path) -> None:
    dry = type_in("recordings", "prune")
    kept = type_in("recordings", "list", "--json").json["recordings"]
    done = type_in("recordings", "prune", "--yes")
    left = type_in("recordings", "list", str(cache), "--json").json["recordings"]

    assert "1 recordings" in dry.err
    assert "add --yes" in dry.err
    assert (kept, left) == (3, 2)
    assert "Deleted 1" in done.err
    assert "is in use" in type_in("recordings", "stale").err


def test_a_folder_is_pruned_of_what_its_last_runs_did_not_use(type_in: Type, folder: Path) -> None:
    place = folder / "cassettes"
    for number in range(2):
        recordings = RecordingFolder(place)
        asked = recording_of({"model": "m", "n": number}, label="m", subject=number)
        recordings.put(asked, {"text": str(number)})
        recordings.close()
    first = min((place / ".used").iterdir(), key=lambda path: json.loads(path.read_bytes())["at"])
    note = json.loads(first.read_bytes())
    first.write_text(json.dumps({**note, "at": note["at"] - 3 * DAY}))
    os.utime(first)

    assert len(type_in("recordings", "stale", "cassettes", "--json").json) == 1
    assert type_in("recordings", "stale", "cassettes", "--days", "5", "--json").json == []
    gone = type_in("recordings", "prune", "cassettes", "--yes", "--json").json
    assert gone["deleted"]
    assert len(gone["keys"]) == 1
    assert len(list(place.glob("m/*.json"))) == 1


def test_where_there_is_nothing_that_is_said(type_in: Type) -> None:
    assert "There are no recordings" in type_in("recordings", "list").err
    stale = type_in("recordings", "stale", "nowhere")
    assert stale.code == 2
    assert "There are no recordings at nowhere" in stale.err
