"""`evaluate` and `aevaluate`: the one call that most people need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from evalkit._internal.collector import without_collecting
from evalkit.errors import UsageError
from evalkit.evaluation.running.request import Request, ScorerLike
from evalkit.evaluation.running.runtime import Runtime

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.job import Job

P = ParamSpec("P")
T = TypeVar("T")

_NO_RUNTIME = Runtime()


def evaluate(
    model: Any = None,
    data: Any = None,
    scorers: ScorerLike | Iterable[ScorerLike] | None = (),
    *,
    name: str | None = None,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    run: str | None = None,
    columns: Mapping[str, Any] | None = None,
    limit: int | None = None,
    sample: float | None = None,
    split: str | None = None,
    shard: str | None = None,
    repeats: int | None = 1,
    reducer: str | Iterable[str] | None = "mean",
    gates: str | Iterable[str] | None = (),
    baseline: Any = None,
    stop: str | None = None,
    level: float | None = 0.95,
    seed: int | None = 0,
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    runtime: Runtime | None = None,
) -> EvaluationResult:
    """Evaluate a model, or stored outputs, on data with scorers.

    ``None`` stands for the default of each argument.

    Args:
        model: Callable (sync, async or generator), estimator, URL of an endpoint, chat model,
            ``module:function``; ``None`` scores the outputs that the data holds.
        data: Path or glob (``.jsonl .json .csv .parquet .yaml``, logs of Inspect and lm-eval),
            frame, list of rows or `Case` objects, ``(X, y)``, iterator, or an earlier result.
        scorers: Names, functions, scorer objects, or ``{name: parameters}``; one or several.
        name: Name of the run; a readable one by default.
        experiment: Experiment to put the run in.
        tags: Tags of the run.
        run: Run to join; the active one by default.
        columns: Case field to the data's column, a dotted path, or a list of them.
        limit: Take the first so many cases.
        sample: Draw a share (0 to 1) or a count of the cases, by *seed*.
        split: Take only cases of this split.
        shard: Run one part of so many, such as ``"1/4"``; sessions stay whole.  `merge` joins the
            parts and judges the gates, which are not judged on a part.
        repeats: Times to run each case.
        reducer: How repeats become one value: ``mean, median, majority, max, at_least(k),
            pass_at_k(k), pass_hat_k(k)``, or a list of these.
        gates: Conditions such as ``"text.token_f1 >= 0.6"``; see `evalkit.gates.condition`.
        baseline: What gates such as ``no_regression(text.token_f1, margin=0.02)`` compare with: a
            result, run, folder, baseline file, ``git:REF:path`` of one, or ``models:/NAME@ALIAS``.
            A file or folder that is there comes before a run of that name.
        stop: ``"when decided"`` ends the evaluation as soon as every gate is decided, by tests that
            may be looked at after every case; cases are run in an order that *seed* draws.
        level: Confidence level of intervals, in (0, 1).
        seed: Seed of every draw; equal seeds give equal results, whatever the concurrency.
        judge_model: Model of judges that name none.
        judge_base_url: Address of the server of that model, up to ``/v1``.
        runtime: How to run: concurrency, timeout, budget, store, resume, progress.

    Returns:
        The result; its ``verdict`` is NONE where no gate is given.

    Raises:
        UsageError: If an argument makes no sense; nothing was called.
        DataError: If the data is wrong, naming file, line and column; nothing was called.
        JournalError: If the disk is full; what was done is kept and can be resumed.
        InterruptedRunError: After Ctrl-C; what was done is kept and can be resumed.

    Examples:
        >>> import evalkit
        >>> rows = [{"question": "Capital of France?", "expected": "Paris", "output": "Paris"},
        ...         {"question": "Capital of Peru?", "expected": "Lima", "output": "Cusco"}]
        >>> result = evalkit.evaluate(data=rows, scorers=["text.exact_match"],
        ...                           runtime=evalkit.Runtime(store=False))
        >>> result["text.exact_match"].value
        0.5
    """
    words: dict[str, Any] = {**locals(), "runtime": _checked(runtime)}
    request = Request(**words)
    with without_collecting():
        # start-up: asyncio, and with it what `open_job` needs, in one go
        from evalkit.evaluation.running import start as _  # noqa: F401
        from evalkit.evaluation.running.execute import execute

    return execute(open_job(request))


def _with_its_words(
    function: Callable[P, T],
) -> Callable[[Any], Callable[P, Coroutine[Any, Any, T]]]:
    """Declare that an async function takes the arguments of *function*."""

    def declare(twin: Any) -> Any:
        twin.__signature__ = inspect.signature(function)
        return twin

    return declare


@_with_its_words(evaluate)
async def aevaluate(*arguments: Any, **words: Any) -> EvaluationResult:
    """Evaluate as `evaluate` does, inside a running event loop, without blocking it.

    Takes the arguments of `evaluate`, returns and raises the same.  Async targets and scorers run
    in the caller's loop, so they may use what belongs to it.

    Examples:
        >>> import asyncio, evalkit
        >>> rows = [{"question": "1+1?", "expected": "2"}]
        >>> async def bot(question: str) -> str:
        ...     return "2"
        >>> result = asyncio.run(evalkit.aevaluate(bot, rows, "text.exact_match",
        ...                                        runtime=evalkit.Runtime(store=False)))
        >>> result["text.exact_match"].value
        1.0
    """
    import anyio.to_thread

    bound = inspect.signature(evaluate).bind(*arguments, **words).arguments
    bound["runtime"] = _checked(bound.get("runtime"))
    request = Request(**bound)
    from evalkit.evaluation.running.execute import aexecute  # start-up: asyncio

    return await aexecute(await anyio.to_thread.run_sync(open_job, request))


def _checked(runtime: Any) -> Runtime:
    if not isinstance(runtime, Runtime | None):
        raise UsageError(f"runtime= is an evalkit.Runtime(…), not a {type(runtime).__name__}.")
    return runtime or _NO_RUNTIME


def open_job(request: Request) -> Job[EvaluationResult]:
    """Start what *request* asks for, or go on with the run that it names."""
    # start-up: engine, data, targets and store
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.start import start

    if request.runtime.resume is not None:
        from evalkit.evaluation.running.resume import reopen  # start-up: few go on

        return reopen(request, EvaluationResult)
    return start(request, EvaluationResult)


def resume(run: str, *, runtime: Runtime | None = None) -> EvaluationResult:
    """Finish an interrupted evaluation; only calls that were in flight are made again.

    Args:
        run: Run id or unique prefix, name, ``latest``, or the evaluation's folder.
        runtime: New settings, such as a higher budget; the run's own by default.

    Raises:
        SpecificationError: If target or scorers live in a notebook or script: resume there, by
            ``evaluate(..., runtime=Runtime(resume=RUN))``.
        UsageError: If the run is complete already.
    """
    if not run:
        raise UsageError("resume needs a run: its id, name, 'latest', or its folder.")
    # start-up: engine, data, targets and store
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.running.execute import execute
    from evalkit.evaluation.running.resume import reopen_by_name

    return execute(reopen_by_name(run, runtime, EvaluationResult))
