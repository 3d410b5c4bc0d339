"""What a user types to have a judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from evalkit.entities.estimate import Direction
from evalkit.judging.judge import Judge
from evalkit.judging.precheck import CHECKS
from evalkit.judging.settings import read_judge
from evalkit.llm.template import open_template


def make_judge(
    name: str,
    instructions: str | PathLike[str],
    *,
    choices: Mapping[str, float | bool | None] | Sequence[str] | None = None,
    scale: Mapping[int, str] | Mapping[float, str] | range | tuple[float, float] | None = None,
    value_type: type | str | None = None,
    direction: Direction = "higher",
    model: str | None = None,
    base_url: str | None = None,
    auth_environment: str | None = None,
    reads: Mapping[str, str] | None = None,
    examples: Iterable[Mapping[str, Any]] = (),
    samples: int = 1,
    temperature: float | None = 0.0,
    method: Literal["verdict", "logprobs"] = "verdict",
    fallback_samples: int = 20,
    parts: str | None = None,
    each: str | None = None,
    aggregate: str | Callable[[Sequence[float]], float] = "mean",
    prechecks: Iterable[str] = CHECKS,
    canaries: Iterable[Mapping[str, Any]] = (),
    tool_rounds: int = 16,
    timeout_seconds: float = 600.0,
    version: str | None = None,
    **sampling: Any,
) -> Judge:
    """Make a scorer that asks a language model.

    Args:
        name: Metric name.
        instructions: Jinja2 template over ``inputs, outputs, expectations, retrieved_context,
            tool_calls, tags, metadata, trace, session, case``, or a file of one (``.md``, ``.txt``,
            ``.j2``).  Every value reaches the model in a fence.
        choices: Label to value, in the order in which they are shown; or labels alone.
        scale: Anchors by whole number (``{1: "useless", 5: "perfect"}``), a range, or both ends.
        value_type: ``bool`` (the default without the two above), ``int`` or ``float`` with a scale,
            ``str`` for a free label.
        direction: Which way is better: ``higher``, ``lower`` or ``none``.
        model: litellm's model string; by default the evaluation's ``judge_model``, or
            ``EVALKIT_JUDGE_MODEL``.
        base_url: Address of an OpenAI-compatible server, up to ``/v1``.
        auth_environment: Environment variable of the key; the provider's own by default.
        reads: Field to dotted path, such as ``{"outputs": "answer.text"}``.
        examples: Cases with the verdict on each: ``inputs``, ``outputs`` (and any field of a case),
            ``choice`` and ``explanation``.
        samples: How often each case is judged; values are averaged, agreement is recorded.
        temperature: Sent where the model accepts one; ``None`` sends none.
        method: ``logprobs`` weighs the values by the probabilities of their tokens (G-Eval).
        fallback_samples: Judgements at temperature 1 whose mean stands in where the server gives
            no probabilities, or they add up to less than 0.9.
        parts: Name of what gets a verdict each, such as ``claims``; rows of evidence are kept.
        each: Path of a list in the case that is judged item by item.
        aggregate: From the values of parts to the score: ``mean``, ``min``, ``max``,
            ``average_precision``, or a function.
        prechecks: Outputs that get the worst verdict without asking: ``empty``, ``master_key``,
            ``echo``.
        canaries: Examples with a known verdict.  They are asked first, under a role of their own;
            unless all are right, every score fails with reason ``canary_alarm``.
        tool_rounds: Of a judge that reads ``{{ trace }}``: most answers that call tools.
        timeout_seconds: Longest wait for one answer.
        version: Change it when verdicts change for a reason that no other setting shows.
        **sampling: Sent unchanged, such as ``max_tokens=300``; part of the signature.

    Raises:
        UsageError: If the template does not compile or reads what no case has, the settings
            contradict each other, or an example does not fit.

    Examples:
        >>> polite = make_judge("polite", "Is {{ outputs }} polite?", model="openai/gpt-5-mini")
        >>> polite.facts.binary, sorted(polite.requires)
        (True, ['outputs'])
    """
    text = instructions if isinstance(instructions, str) else Path(fspath(instructions))
    judge = Judge(
        name=name,
        instructions=open_template(text, what="instructions").text,
        choices=choices or (),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        scale=scale,
        value_type=value_type,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        direction=direction,
        model=model,
        base_url=base_url,
        auth_environment=auth_environment,
        reads=reads or {},
        examples=tuple(examples),
        samples=samples,
        temperature=temperature,
        sampling=sampling,
        method=method,
        fallback_samples=fallback_samples,
        parts=parts,
        each=each,
        aggregate=aggregate,
        prechecks=tuple(prechecks),
        canaries=tuple(canaries),
        tool_rounds=tool_rounds,
        timeout_seconds=timeout_seconds,
        version=version,
    )
    _ = judge.prepared  # what is wrong is told here, not in the middle of a run
    return judge


def load_judge(path: str | PathLike[str]) -> Judge:
    """Return the judge that a file describes.

    A ``.yaml`` file holds the settings of `Judge` by name.  In a ``.md`` file they stand between
    two lines of ``---``, and what follows is the instructions.  The name is the file's by default.

    Raises:
        SpecificationError: If the file cannot be read, or holds a wrong word or value.
    """
    return read_judge(path, Judge)
