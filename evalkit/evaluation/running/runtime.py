"""How an evaluation runs, apart from what it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from evalkit.errors import UsageError, near_miss
from evalkit.evaluation.running.words import HOW, RECORD, word, words_of

if TYPE_CHECKING:
    from evalkit.engine.plan import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How to run an evaluation: none of it changes a score.

    Examples:
        >>> Runtime(concurrency=32, timeout_seconds=60).concurrency
        32
    """

    concurrency: int = word(8, "Calls in flight at once; 8.", HOW, "N")
    """Of the target, or of an asynchronous scorer; at least 1."""

    timeout_seconds: float | None = word(None, "Longest time of one call or score.", HOW, "S")
    """Then it is given up and counted as failed.

    What takes many cases at once, as estimators and vectorised scorers do, has so long for each.
    """

    requests_per_minute: float | None = word(None, "Most calls in a minute.", HOW, "N")
    """Most starts of calls, of the target and of each server of models."""

    tokens_per_minute: float | None = word(None, "Most tokens a server.", HOW, "N")
    """Most tokens in a minute for each server of models."""

    budget: float | str | Mapping[str, Any] | None = word(
        None,
        "Most to spend: 1.5 (US dollars), calls=500, tokens=…, seconds=…, judge.usd=0.5.",
        HOW,
        "USD|UNIT=N",
        many=True,
    )
    """US dollars, a text such as ``"calls=500"``, or a mapping of ``usd``, ``tokens``, ``calls``,
    ``seconds``, in which ``target`` and ``judge`` may have such limits of their own.  When one is
    reached, no new call starts, and the verdict is BUDGET.  ``calls`` are those of models; the
    calls of a function, estimator or endpoint count for ``target`` alone."""

    prices: Mapping[str, Sequence[float]] | None = word(
        None,
        "Dollars for a million tokens in and out; litellm's by default.",
        HOW,
        "MODEL=IN,OUT",
        many=True,
    )
    """US dollars for a million input and output tokens (and input read from the provider's cache)
    by model string; those of the installed litellm by default."""

    mode: str = word("auto", "Recordings: auto, replay, live or none.", HOW, "MODE")
    """``auto`` answers from recordings and records the rest, ``replay`` answers from recordings
    alone, ``live`` calls and records anew, ``none`` neither records nor answers from recordings."""

    recordings: str | None = word(None, "Recordings to commit.", HOW, "FOLDER")
    """Folder; by default recordings are in the cache beside the store."""

    record_http: bool = word(False, "Record HTTP of a function, which runs.", HOW)
    """Whether what a function, or the body of a suite, asks with httpx, requests or aiohttp is
    recorded, instead of its outputs: it runs in a replay, too.  Needs the extra ``http``."""

    cards: str | None = word(None, "Judges' cards, for calibrated(…).", HOW, "FOLDER")
    """Folder of judges' cards to commit, or one card's file, for gates such as
    ``calibrated(grounded, kappa >= 0.6)``; by default that of ``[tool.evalkit]``.  Cards in the
    store are found without."""

    batch: bool | str | Sequence[str] | Mapping[str, Any] = word(
        False, "Ask models by batches, at half the price: all, judge or target.", HOW, "[ROLES]"
    )
    """Whose model calls go through the provider's batch endpoint, at half the price and within a
    day: ``True`` for all, ``"judge"`` or ``"target"``, a list, or a mapping of roles to yes or no,
    in which ``requests``, ``megabytes``, ``price_share``, ``retries`` and ``poll_seconds`` may
    stand beside the roles."""

    backend: str = word("local", "Where cases run: local, or processes:4.", HOW, "NAME")
    """``local`` is this process, ``processes:4`` four others, ``processes`` one a core.  Target and
    scorers must then be importable by name, and a script must call `evaluate` under
    ``if __name__ == "__main__":``."""

    resume: str | None = word(None, "Interrupted run to finish.", HOW, "RUN")
    """Its id, name, ``latest`` or folder; it goes on with the objects that are given."""

    durable: bool = word(False, "Survive a power cut too.", HOW)
    """Whether each record is forced to disk."""

    progress: bool | None = word(None, "Draw a progress bar, or none, on stderr.", HOW)
    """Where stderr is no terminal, it is a line every 30 seconds."""

    store: str | bool | None = word(
        None, "Store of runs, such as sqlite:///team.db.", RECORD, "URI"
    )
    """``None`` means the configured one, ``False`` keeps nothing."""

    def __post_init__(self) -> None:
        # start-up: every page of help reads the fields above, and checks none
        from evalkit.engine.plan import workers_of
        from evalkit.llm.batch.settings import BatchSettings
        from evalkit.llm.mode import MODES

        if self.concurrency < 1:
            raise UsageError(f"concurrency must be at least 1, got {self.concurrency}.")
        for name in ("timeout_seconds", "requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}.")
        if self.batch and workers_of(self.backend):
            raise UsageError("batch= gathers calls in one process: leave out backend=.")
        if self.mode not in MODES:
            hint = near_miss(self.mode, MODES)
            raise UsageError(f"mode={self.mode!r} is none of {', '.join(MODES)}.{hint}")
        if self.prices is not None:
            from evalkit.llm.prices import Prices  # start-up: reads JSON

            Prices(self.prices)
        BatchSettings.of(self.batch)
        self.limits()

    def limits(self) -> Limits:
        """Return the limits that the engine keeps.

        Raises:
            UsageError: If there is no such backend, or the budget makes no sense.
        """
        # start-up: every page of help reads the fields above, and checks none
        from evalkit.engine.plan import Limits, workers_of
        from evalkit.llm.budget import Budget

        return Limits(
            concurrency=self.concurrency,
            timeout_seconds=self.timeout_seconds,
            requests_per_minute=self.requests_per_minute,
            workers=workers_of(self.backend),
            budget=Budget.of(self.budget).to_json(),
        )


# Python's help shows no text that stands below a field.
Runtime.__doc__ = f"{Runtime.__doc__}\n    Args:\n" + "".join(
    f"        {name}: {each.help}\n" for name, each in words_of(Runtime).items()
)


def shown(runtime: Runtime) -> dict[str, Any]:
    """Return the settings of *runtime* that are worth recording."""
    # start-up: every page of help reads the fields above, and records none
    from evalkit.llm.batch.settings import BatchSettings

    batch = BatchSettings.of(runtime.batch)
    settings = {one.name: getattr(runtime, one.name) for one in fields(runtime)}
    for name in ("progress", "store", "resume"):
        del settings[name]
    return settings | {
        "prices": None if runtime.prices is None else dict(runtime.prices),
        "budget": dict(runtime.limits().budget),
        "batch": False if batch is None else batch.to_json(),
    }
