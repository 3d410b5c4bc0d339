"""Evaluate models, from classic estimators to language-model applications, and trust the numbers.

This module is a table of the public names.  A name is imported from its home when it is first
used, so that ``import evalkit`` loads no third-party library.  Type checkers read the same table
from ``__init__.pyi``.
"""

import importlib

_HOMES: dict[str, str] = {
    "Case": "evalkit.entities.case",
    "Comparison": "evalkit.evaluation.comparing.comparison",
    "Estimate": "evalkit.entities.estimate",
    "EvalkitError": "evalkit.errors",
    "EvaluationResult": "evalkit.evaluation.result",
    "Output": "evalkit.entities.target",
    "Runtime": "evalkit.evaluation.running.runtime",
    "Score": "evalkit.entities.score",
    "aevaluate": "evalkit.evaluation.evaluate",
    "audit": "evalkit.evaluation.audit",
    "chat": "evalkit.targets.chat",
    "compare": "evalkit.evaluation.sweep",
    "endpoint": "evalkit.targets.endpoint",
    "evaluate": "evalkit.evaluation.evaluate",
    "get_scorer": "evalkit.hooks.catalog",
    "grid": "evalkit.evaluation.sweep",
    "judging": "evalkit.judging",
    "make_judge": "evalkit.judging.judge",
    "merge": "evalkit.evaluation.merge",
    "models": "evalkit.registry",
    "resume": "evalkit.evaluation.evaluate",
    "scorer": "evalkit.scoring.decorator",
    "stats": "evalkit.stats",
    "suite": "evalkit.suites.suite",
    "sweep": "evalkit.evaluation.sweep",
    "tracing": "evalkit.tracing",
    "tracking": "evalkit.tracking",
}
"""Public name -> the module that defines it; an entry ``name -> package.name`` is a namespace."""

# Made from the table, so that it cannot differ from it; checkers read the stub's instead.
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    """Import *name* from its home and remember it here."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("evalkit-ai")
    elif name in _HOMES:
        home = importlib.import_module(_HOMES[name])
        value = home if _HOMES[name] == f"{__name__}.{name}" else getattr(home, name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
