"""How ``evalkit runs`` describes runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit.cli.output import facts_grid, show

if TYPE_CHECKING:
    from rich.text import Text

    from evalkit.entities.run import Run
    from evalkit.store import Store

_SHOWN_METRICS: Final = 3
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def facts_of(store: Store, run: Run) -> dict[str, Any]:
    """Return what lists and pages show of *run*, as plain values."""
    tags = run.data.tags
    summaries = store.summaries.read(run.run_id)
    return {
        "run_id": run.run_id,
        "name": run.run_name,
        "experiment_id": run.experiment_id,
        "status": str(run.status),
        "verdict": tags.get("evalkit.verdict"),
        "evaluation": tags.get("evalkit.status"),
        "n_conditions": int(tags.get("evalkit.conditions", "1")),
        "start_time": run.info.start_time,
        "end_time": run.info.end_time,
        "data": run.data.params.get("data"),
        "dataset_digest": tags.get("evalkit.dataset_digest"),
        "n_cases": max((summary.estimate.n_total for summary in summaries), default=None),
        "estimates": {
            summary.key: {
                name: getattr(summary.estimate, name)
                for name in ("value", "low", "high", "n_scored", "n_total", "n_failed", "direction")
            }
            for summary in summaries
        },
    }


def show_runs(found: Sequence[dict[str, Any]]) -> None:
    """Print two lines a run: what it is, and below that its first metrics."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.report.texts import one_line

    now, length = now_milliseconds(), _distinct([facts["run_id"] for facts in found])
    rows: list[list[Text]] = []
    for facts in found:
        cases = "" if facts["n_cases"] is None else f" ({facts['n_cases']:,})"
        rows.append(
            [
                Text(facts["run_id"][:length], "bold"),
                Text(one_line(facts["name"], 24)),
                Text(ago(now - facts["start_time"])),
                _status(facts),
                Text(f"{one_line(facts['data'] or '', 60)}{cases}".strip()),
            ]
        )
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    for facts, row in zip(found, rows, strict=True):
        grid = Table.grid(padding=(0, 2, 0, 0))
        for width in widths:
            grid.add_column(width=width)
        grid.add_column(overflow="fold")
        grid.add_row(*row)
        headline = _headline(facts)
        below = [Padding(Text(headline, "dim"), (0, 0, 0, length + 2))] if headline else []
        show(grid, *below)


def _status(facts: dict[str, Any]) -> Text:
    from rich.text import Text

    from evalkit.gates.verdict import Verdict
    from evalkit.report.table import STYLES

    # A run that is not finished, or had no conditions, has no verdict worth showing.
    finished = facts["status"] == "FINISHED"
    if facts["verdict"] in set(Verdict) and finished and facts["n_conditions"]:
        return Text(facts["verdict"], STYLES[Verdict(facts["verdict"])])
    if finished:
        return Text("finished")
    ended = facts["evaluation"] if facts["status"] == "KILLED" else None
    return Text(ended or facts["status"].lower(), "yellow")


def _headline(facts: dict[str, Any]) -> str:
    from evalkit.gates.verdict import number
    from evalkit.report.texts import one_line

    metrics = [
        f"{one_line(key)}\u00a0{number(estimate['value'])}"
        for key, estimate in facts["estimates"].items()
        if estimate["value"] is not None
    ]
    left = len(metrics) - _SHOWN_METRICS
    return "  ".join([*metrics[:_SHOWN_METRICS], *([f"and {left} more"] if left > 0 else [])])


def _distinct(ids: Sequence[str]) -> int:
    """Return the length at which the beginnings of *ids* differ, at least 8."""
    length = 8
    while len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return length


def ago(milliseconds: int) -> str:
    """Return a time span in its largest unit.

    Examples:
        >>> ago(90_000), ago(200), ago(3 * 86_400_000)
        ('1 min ago', 'now', '3 d ago')
    """
    for size, unit in _UNITS:
        if milliseconds >= size:
            return f"{milliseconds // size} {unit} ago"
    return "now"


def show_run(facts: dict[str, Any]) -> None:
    """Print everything about one run."""
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.gates.verdict import number
    from evalkit.report.texts import one_line

    grid = facts_grid()
    grid.add_row("run", Text(facts["run_id"]))
    when = ago(now_milliseconds() - facts["start_time"])
    verdict = f", verdict {facts['verdict']}" if facts["verdict"] else ""
    grid.add_row("status", f"{facts['status'].lower()}{verdict}, begun {when}")
    keys = dict.fromkeys([*facts["estimates"], *facts["metrics"]])
    rows = [(key, _measured(key, facts, number)) for key in keys]
    sections = {"metrics": rows, "params": facts["params"].items(), "tags": facts["tags"].items()}
    for section, pairs in sections.items():
        for place, (key, value) in enumerate(pairs):
            text = Text(f"{one_line(key)} = {one_line(value)}")
            grid.add_row("" if place else section, text)
    grid.add_row("files", Text(facts["artifacts"]))
    show(Text(one_line(facts["name"]), "bold"), grid)


def _measured(key: str, facts: dict[str, Any], number: Any) -> str:
    estimate = facts["estimates"].get(key)
    if estimate is None:
        return f"{facts['metrics'][key]:g}"
    if estimate["value"] is None:
        return f"no value (n={estimate['n_scored']}/{estimate['n_total']})"
    limits = ""
    if estimate["low"] is not None and estimate["high"] is not None:
        limits = f" [{number(estimate['low'])}, {number(estimate['high'])}]"
    return f"{number(estimate['value'])}{limits} (n={estimate['n_scored']}/{estimate['n_total']})"
