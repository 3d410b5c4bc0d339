"""`evaluate --shard` and `merge`: an evaluation in parts, on several machines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

EVALUATE = ("evaluate", "--data", "answers.jsonl", "--scorer", "text.exact_match", "--name", "qa")


def test_shards_merge_to_the_run_that_was_not_divided(
    type_in: Callable[..., Any], folder: Path
) -> None:
    gate = ("--gate", "text.exact_match >= 0.9 @ point")
    parts = [
        type_in(*EVALUATE, "--shard", f"{n}/2", *gate, "--json", "--store", f"sqlite:///{n}.db")
        for n in (1, 2)
    ]
    whole = type_in(*EVALUATE, *gate, "--json")
    places = [str(next((folder / "evalkit-artifacts").rglob(p.json["run_id"]))) for p in parts]
    folders = [f"{place}/artifacts/evaluation" for place in places]

    merged = type_in("merge", *folders, "--json", "--report", "whole.json")

    assert [part.code for part in parts] == [0, 0]
    assert (whole.code, merged.code) == (1, 1)
    assert merged.json["verdict"] == "FAIL"
    assert merged.json["estimates"] == whole.json["estimates"]
    assert merged.json["dataset"] == whole.json["dataset"]
    assert (folder / "whole.json").is_file()
    shown = type_in("runs", "show", merged.json["run_id"])
    assert shown.code == 0


def test_runs_of_the_store_merge_by_their_names_into_a_folder(
    type_in: Callable[..., Any], folder: Path
) -> None:
    for part in ("1/3", "2/3", "3/3"):
        assert type_in(*EVALUATE[:-1], f"qa-{part[0]}", "--shard", part).code == 0

    missing = type_in("merge", "qa-1", "qa-3")
    merged = type_in("merge", "qa-1", "qa-2", "qa-3", "-o", "whole")

    assert missing.code == 2
    assert "Shard 2/3 is missing" in missing.err
    assert merged.code == 0
    assert (folder / "whole" / "result.json").is_file()
    assert type_in("gate", "whole", "--gate", "text.exact_match >= 0.7 @ point").code == 0


def test_a_shard_shows_that_its_gates_are_judged_later(type_in: Callable[..., Any]) -> None:
    done = type_in(*EVALUATE, "--shard", "2/2", "--gate", "text.exact_match >= 1")

    assert done.code == 0
    assert "judged once, on the whole, by evalkit merge" in " ".join(done.out.split())
