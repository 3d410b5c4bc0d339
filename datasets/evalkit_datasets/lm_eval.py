"""Samples of lm-evaluation-harness: what ``--log_samples`` writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalkit.plugin import Chunk, DataError
from evalkit_datasets.jsonl import read_lines

_FILE: Final = re.compile(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl")
_KEYS: Final = frozenset({"doc_id", "doc", "arguments", "resps", "filtered_resps"})
_ONE_FILTER: Final = "none"


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
        verdicts = _verdicts(path, chunk_rows)
        shown = next(iter(verdicts))  # each filter has a line for each document; one is the case
        for chunk in read_lines(path, chunk_rows):
            rows: list[Mapping[str, Any]] = []
            lines: list[int] = []
            for sample, line in zip(chunk.rows, chunk.lines or (), strict=True):
                if _filter(sample) == shown:
                    by_filter = {name: found[sample["doc_id"]] for name, found in verdicts.items()}
                    rows.append(_row(sample, task, by_filter))
                    lines.append(line)
            if rows:
                yield Chunk(rows=rows, file=chunk.file, lines=lines)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one filter made of one document."""

    scores: Mapping[str, Any]
    answer: Any


def _verdicts(path: Path, chunk_rows: int) -> dict[str, dict[Any, _Verdict]]:
    """Return the verdicts by filter, then by document.

    Raises:
        DataError: If a line is no sample, or a filter lacks a document.
    """
    found: defaultdict[str, dict[Any, _Verdict]] = defaultdict(dict)
    for chunk in read_lines(path, chunk_rows):
        for sample, line in zip(chunk.rows, chunk.lines or (), strict=True):
            lacking = sorted(_KEYS - sample.keys())
            if lacking:
                problem = f"this is no sample of lm-eval: it lacks {', '.join(lacking)}"
                raise DataError(problem, file=chunk.file, line=line)
            scores = {name: sample.get(name) for name in sample.get("metrics") or ()}
            answers = sample["filtered_resps"]
            one = isinstance(answers, list) and len(answers) == 1
            verdict = _Verdict(scores, answers[0] if one else answers)
            found[_filter(sample)][sample["doc_id"]] = verdict
    documents = {name: verdicts.keys() for name, verdicts in found.items()}
    if any(ids != next(iter(documents.values())) for ids in documents.values()):
        raise DataError("the filters have different documents", file=str(path))
    return found


def _filter(sample: Mapping[str, Any]) -> str:
    return str(sample.get("filter") or _ONE_FILTER)


def _row(sample: Mapping[str, Any], task: str, by_filter: Mapping[str, _Verdict]) -> dict[str, Any]:
    document = sample["doc"]
    several = len(by_filter) > 1
    scores = {
        f"{metric},{name}" if several else metric: value
        for name, verdict in by_filter.items()
        for metric, value in verdict.scores.items()
    }
    output, target, details = _answer(sample)
    filtered = {name: verdict.answer for name, verdict in by_filter.items() if name != _ONE_FILTER}
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


def _answer(sample: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return the answer, the target and details, by the kind of request."""
    requests = _arguments(sample)
    target = sample.get("target")
    answers = sample["resps"]
    if len(requests[0]) == 1:  # loglikelihood_rolling: one number for a text
        return {"loglikelihood": _number(answers[0][0])}, target, {}
    if not isinstance(requests[0][1], str):  # generate_until: texts, one for each repeat
        texts = answers[0] if len(answers) == 1 else answers
        return texts[0] if len(texts) == 1 else texts, target, {}
    likelihoods = [_number(answer[0][0]) for answer in answers]
    if len(requests) == 1:  # loglikelihood: of one continuation
        greedy = str(answers[0][0][1]) == "True"
        return {"loglikelihood": likelihoods[0], "is_greedy": greedy}, target, {}
    choices = [str(request[1]).strip() for request in requests]
    best = max(range(len(choices)), key=likelihoods.__getitem__)
    gold = str(target)
    if gold.isdecimal() and int(gold) < len(choices):
        target = choices[int(gold)]
    return choices[best], target, {"choices": choices, "loglikelihoods": likelihoods}


def _number(value: Any) -> float:
    return float(value[0] if isinstance(value, (list, tuple)) else value)
