"""Samples of lm-evaluation-harness: what ``--log_samples`` writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Chunk, DataError, canonical_json
from evalkit_datasets.jsonl import read_lines

_FILE: Final = re.compile(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl")
_KEYS: Final = frozenset({"doc_id", "doc", "arguments", "resps", "filtered_resps"})
_ONE_FILTER: Final = "none"
_NO_METRICS: Final = frozenset({"doc_id", "target"})


@dataclass(frozen=True, slots=True)
class LmEvalSamples:
    """Reads ``samples_<task>_<date>.jsonl``; another file of such a name is read as JSON Lines.

    A case is a document: its fields are the inputs, and the id names task and document, so that
    runs with other prompts share a data set.  The output is the model's raw answer; for multiple
    choice it is the most likely choice.  What each filter made of the answer is in ``metadata``
    (``columns={"outputs": "metadata.filtered.strict-match"}`` evaluates that instead).
    """

    name: str = "lm_eval"
    extensions: Sequence[str] = ("samples_*.jsonl",)
    schemes: Sequence[str] = ()

    def accepts(self, data: object) -> bool:  # noqa: ARG002  files only
        """Return false: objects in memory have sources of their own."""
        return False

    def read(self, data: Any, *, chunk_rows: int) -> Iterator[Chunk]:
        """Yield the documents as rows, in the order of the file.

        Raises:
            DataError: If a line is broken; names file and line.
        """
        path = Path(data)
        first = next(iter(read_lines(path, 1)), None)
        if first is None or not first.rows[0].keys() >= _KEYS:
            yield from read_lines(path, chunk_rows)
            return
        found = _FILE.fullmatch(path.name)
        task = found[1] if found else path.stem
        verdicts, by_place = _verdicts(path, chunk_rows)
        shown = next(iter(verdicts))  # each filter has a line for each document; one is the case
        name_of = _Filters(shown)
        for chunk in read_lines(path, chunk_rows):
            rows: list[Mapping[str, Any]] = []
            lines: list[int] = []
            for sample, line in zip(chunk.rows, chunk.lines or (), strict=True):
                if name_of(sample) == shown:
                    by_filter = {name: found[sample["doc_id"]] for name, found in verdicts.items()}
                    rows.append(_row(sample, task, by_filter, by_place=by_place))
                    lines.append(line)
            if rows:
                yield Chunk(rows=rows, file=chunk.file, lines=lines)


class _Filters:
    """Names the filter of each line; before lm-eval 0.4.4, lines of a document told none."""

    def __init__(self, first: str = _ONE_FILTER) -> None:
        self._first = first
        self._answers: defaultdict[Any, list[bytes]] = defaultdict(list)

    def __call__(self, sample: Mapping[str, Any]) -> str:
        if sample.get("filter"):
            return str(sample["filter"])
        seen = self._answers[sample["doc_id"]]
        seen.append(canonical_json([sample["doc"], sample["resps"]]))
        # The same answer again was filtered in another way; another answer is another sample.
        return f"filter-{len(seen)}" if len(seen) > 1 and seen[-1] == seen[0] else self._first


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one filter made of one document."""

    scores: Mapping[str, Any]
    answer: Any


def _verdicts(path: Path, chunk_rows: int) -> tuple[dict[str, dict[Any, _Verdict]], bool]:
    """Return the verdicts by filter, then by document, and whether targets are places of choices.

    Raises:
        DataError: If a line is no sample, a filter lacks a document, or it cannot be said what
            targets are.
    """
    found: defaultdict[str, dict[Any, _Verdict]] = defaultdict(dict)
    name_of, readings, unclear = _Filters(), set[bool](), None
    for chunk in read_lines(path, chunk_rows):
        for sample, line in zip(chunk.rows, chunk.lines or (), strict=True):
            lacking = sorted(_KEYS - sample.keys())
            if lacking:
                problem = f"this is no sample of lm-eval: it lacks {', '.join(lacking)}"
                raise DataError(problem, file=chunk.file, line=line)
            answers = sample["filtered_resps"]
            one = isinstance(answers, list) and len(answers) == 1
            verdict = _Verdict(_scores(sample), answers[0] if one else answers)
            found[name_of(sample)][sample["doc_id"]] = verdict
            possible = _possible_readings(sample)
            readings |= possible if len(possible) == 1 else set()
            unclear = unclear or (line if len(possible) > 1 else None)
    if "filter-2" in found and _ONE_FILTER in found:
        found = defaultdict(dict, {"filter-1": found.pop(_ONE_FILTER), **found})
    documents = {name: verdicts.keys() for name, verdicts in found.items()}
    if any(ids != next(iter(documents.values())) for ids in documents.values()):
        raise DataError("the filters have different documents", file=str(path))
    if len(readings) > 1 or (unclear and not readings):
        problem = (
            "the target may be the place of a choice or its text, and 'acc' does not say which"
        )
        raise DataError(
            f"{problem}; name the field of the document that holds the right answer: "
            "columns={'expectations': 'inputs.…'}",
            file=str(path),
            line=unclear,
        )
    return found, readings != {False}


def _scores(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics that a line holds; older ones do not list their names."""
    names = sample.get("metrics")
    if names is None:
        scored = (name for name, value in sample.items() if isinstance(value, (bool, int, float)))
        names = [name for name in scored if name not in _NO_METRICS]
    return {name: sample.get(name) for name in names}


def _possible_readings(sample: Mapping[str, Any]) -> set[bool]:
    """Return how the target may be read: as the place of a choice (true), or as its text (false).

    Empty where both come to one, or there are no choices.
    """
    choices, likelihoods = _choices(sample)
    gold = str(sample.get("target"))
    if gold not in choices or not gold.isdecimal() or int(gold) >= len(choices):
        return set()
    places = {True: int(gold), False: choices.index(gold)}
    if places[True] == places[False]:
        return set()
    best = max(range(len(choices)), key=likelihoods.__getitem__)
    right = sample.get("acc")
    if right not in {0, 1}:
        return {True, False}
    return {reading for reading, place in places.items() if (place == best) == bool(right)}


def _row(
    sample: Mapping[str, Any], task: str, by_filter: Mapping[str, _Verdict], *, by_place: bool
) -> dict[str, Any]:
    document = sample["doc"]
    several = len(by_filter) > 1
    scores = {
        f"{metric},{name}" if several else metric: value
        for name, verdict in by_filter.items()
        for metric, value in verdict.scores.items()
    }
    output, target, details = _answer(sample, by_place=by_place)
    unnamed = set() if several else {_ONE_FILTER}
    filtered = {name: verdict.answer for name, verdict in by_filter.items() if name not in unnamed}
    if filtered:
        details = {**details, "filtered": filtered}
    return {
        "id": f"{task}/{sample['doc_id']}",
        "inputs": document if isinstance(document, Mapping) else {"input": document},
        "outputs": output,
        "expectations": {"target": target},
        "scores": scores,
        "tags": {"task": task},
        "metadata": {"prompt": _arguments(sample)[0][0], **details},
    }


def _arguments(sample: Mapping[str, Any]) -> list[list[Any]]:
    """Return the arguments of each request: a prompt, and what follows it where there is more."""
    given = sample["arguments"]
    requests = given.values() if isinstance(given, Mapping) else given
    return [
        list(request.values()) if isinstance(request, Mapping) else list(request)
        for request in requests
    ] or [[None]]


def _answer(sample: Mapping[str, Any], *, by_place: bool) -> tuple[Any, Any, dict[str, Any]]:
    """Return the answer, the target and details, by the kind of request."""
    requests = _arguments(sample)
    target = sample.get("target")
    answers = sample["resps"]
    if len(requests[0]) == 1:  # loglikelihood_rolling: one number for a text
        return {"loglikelihood": _number(answers[0][0])}, target, {}
    if not isinstance(requests[0][1], str):  # generate_until: texts, one for each repeat
        texts = answers[0] if len(answers) == 1 else answers
        return texts[0] if len(texts) == 1 else texts, target, {}
    if len(requests) == 1:  # loglikelihood: of one continuation
        greedy = str(answers[0][0][1]) == "True"
        return {"loglikelihood": _number(answers[0][0][0]), "is_greedy": greedy}, target, {}
    choices, likelihoods = _choices(sample)
    best = max(range(len(choices)), key=likelihoods.__getitem__)
    gold = str(target)
    if gold.isdecimal() and int(gold) < len(choices) and (by_place or gold not in choices):
        target = choices[int(gold)]
    return choices[best], target, {"choices": choices, "loglikelihoods": likelihoods}


def _choices(sample: Mapping[str, Any]) -> tuple[list[str], list[float]]:
    """Return the texts and log-likelihoods of several choices; nothing for other requests."""
    requests = _arguments(sample)
    if len(requests) == 1 or len(requests[0]) == 1 or not isinstance(requests[0][1], str):
        return [], []
    likelihoods = [_number(answer[0][0]) for answer in sample["resps"]]
    return [str(request[1]).strip() for request in requests], likelihoods


def _number(value: Any) -> float:
    return float(value[0] if isinstance(value, (list, tuple)) else value)
