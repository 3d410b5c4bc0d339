"""The words of `evaluate`, those of chat models and of `Runtime`: the one list of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.words import (
    CHAT,
    DATA,
    NUMBERS,
    RECORD,
    SECTIONS,
    WHAT,
    Word,
    word,
    words_of,
)
from evalkit.scoring.protocol import Scorer

ScorerLike = str | Scorer | Callable[..., Any] | Mapping[str, Mapping[str, Any] | None]
"""A registered name, a scorer, a plain function, or ``{name: parameters}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of `evaluate`, as they were given."""

    data: Any = word(None, "File, pattern or URI: .jsonl, .csv, hf:…", WHAT, "DATA")
    model: Any = word(
        None,
        "'module:function', URL or chat model; none scores stored answers. Repeat for one run "
        "each.",
        WHAT,
        "MODEL",
        many=True,
    )
    scorers: ScorerLike | Iterable[ScorerLike] = word(
        (),
        "Name, 'name:{json}', 'module:object' or a judge's file; repeat.",
        WHAT,
        "SCORER",
        many=True,
    )
    columns: Mapping[str, Any] | None = word(
        None,
        "Column that fills a field, such as inputs=question; 'outputs=' drops the field.",
        DATA,
        "FIELD=COLUMN",
        many=True,
    )
    limit: int | None = word(None, "Take the first N cases.", DATA, "N")
    sample: float | None = word(None, "Draw a share (0.1) or a count (100).", DATA, "SHARE|N")
    split: str | None = word(None, "Take only cases of this split.", DATA, "NAME")
    shard: str | None = word(
        None, "Run this part of the cases; 'evalkit merge' joins all N.", DATA, "I/N"
    )
    gates: str | Iterable[str] = word(
        (),
        "Condition such as 'text.token_f1 >= 0.6'; decides the exit code.",
        NUMBERS,
        "CONDITION",
        many=True,
    )
    baseline: Any = word(
        None, "What gates such as 'no_regression(text.token_f1)' compare with.", NUMBERS, "RUN|FILE"
    )
    stop: str | None = word(
        None, "'when decided' ends the run as soon as every gate is decided.", NUMBERS, "WHEN"
    )
    level: float = word(0.95, "Confidence level; 0.95.", NUMBERS, "SHARE")
    seed: int = word(0, "Seed of every draw; 0.", NUMBERS, "N")
    repeats: int = word(1, "Times to run each case; 1.", NUMBERS, "N")
    reducer: str | Iterable[str] = word(
        "mean",
        "How repeats become one value: mean, median, majority, max, 'at_least(k)', "
        "'pass_at_k(k)', 'pass_hat_k(k)'.",
        NUMBERS,
        "NAME",
        many=True,
    )
    judge_model: str | None = word(None, "Model of judges that name none.", NUMBERS, "MODEL")
    judge_base_url: str | None = word(None, "Address of the server of that model.", NUMBERS, "URL")
    name: str | None = word(None, "Name of the run.", RECORD, "NAME")
    experiment: str | None = word(None, "Experiment to put the run in.", RECORD, "NAME")
    tags: Mapping[str, str] | None = word(
        None, "Tag of the run; repeat for more.", RECORD, "KEY=VALUE", many=True
    )
    run: str | None = word(None, "Run to join.", RECORD, "RUN")
    runtime: Runtime = field(default_factory=Runtime)

    def __post_init__(self) -> None:
        """Take ``None`` for the default of each argument, as of those whose default it is."""
        for each in fields(self):
            if getattr(self, each.name) is None and each.default is not MISSING:
                object.__setattr__(self, each.name, each.default)


CHAT_WORDS: Final = {
    "prompt": Word("Jinja2 template over the inputs.", CHAT, "TEXT|FILE"),
    "system": Word("System message.", CHAT, "TEXT|FILE"),
    "base_url": Word("Address of an OpenAI-compatible server.", CHAT, "URL"),
    "sampling": Word(
        "Setting sent to the model, such as temperature=0.7.", CHAT, "KEY=VALUE", many=True
    ),
}
"""Words that configure a chat model, in files and on the command line."""

RUNTIME_WORDS: Final = words_of(Runtime)

WORDS: Final = dict(
    sorted(
        {**words_of(Request), **CHAT_WORDS, **RUNTIME_WORDS}.items(),
        key=lambda item: SECTIONS.index(item[1].section),
    )
)
"""Every word, in the order of the headings."""
