"""Progress on stderr: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, Self

from evalkit._internal.clock import monotonic
from evalkit.engine.plan import Plan
from evalkit.engine.state import RunState
from evalkit.entities.score import Status
from evalkit.scoring.protocol import Scorer

_EVERY_SECONDS = 0.1
LINE_SECONDS = 30.0
"""How often a line is written where no bar can be drawn; builds without output are ended."""
_SHOWN_METRICS = 2


class Progress:
    """Draws what a `RunState` has done, or writes lines where stderr is not a terminal."""

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        *,
        shown: bool | None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Draw unless *shown* is false; *tell* takes lines, whatever stderr is."""
        self._plan = plan
        self._wanted = tell is None and shown is not False and sys.stderr.isatty()
        self._tell = tell or (None if shown is False or self._wanted else _to_stderr)
        self._asked = shown is True
        self._ended = threading.Event()
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0
        self._sums: dict[str, list[float]] = {}
        self._seen: set[tuple[int, int]] = set()
        self._state = state

    def __enter__(self) -> Self:
        if self._wanted:
            self._open()
        elif self._tell is not None:
            threading.Thread(target=self._write_lines, name="evalkit-progress", daemon=True).start()
        return self

    def _write_lines(self) -> None:
        while self._tell is not None and not self._ended.wait(LINE_SECONDS):
            self._tell(self.line())

    def line(self) -> str:
        """Return how far the run is, on one line without control characters."""
        state, live = self._state, self._plan.target is not None
        done = state.finished + state.finished_before if live else len(state.scored)
        total = self._plan.cells if live else len(self._plan.shards) * len(self._plan.scorers)
        failed = f", {len(state.failures):,} failed" if state.failures else ""
        verb = "calling" if live else "scoring"
        return f"evalkit: {verb}, {done:,} of {total:,} done{failed}"

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[estimates]}"),
            console=Console(stderr=True),
            transient=True,
        )
        live = self._plan.target is not None
        total = self._plan.cells if live else len(self._plan.shards) * len(self._plan.scorers)
        verb = "calling" if live else "scoring"
        self._task = self._bar.add_task(verb, total=total, rate="", estimates="")
        self._bar.start()

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw on."""
        return self._bar is not None

    def update(self, state: RunState) -> None:
        """Draw the state, at most ten times a second."""
        if self._bar is None:
            return
        now = monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_SECONDS
        live = self._plan.target is not None
        done = state.finished + state.finished_before if live else len(state.scored)
        seconds = max(now - state.started, 1e-9)
        fresh = state.finished if live else done
        rate = f"{fresh / seconds:,.0f}/s" if live else ""
        failed = f"  {len(state.failures)} failed" if state.failures else ""
        self._bar.update(
            self._task, completed=done, rate=rate, estimates=self._running(state) + failed
        )

    def _running(self, state: RunState) -> str:
        for place in [key for key in state.scored if key not in self._seen]:
            self._seen.add(place)
            self._add(self._plan.scorers[place[1]], state.scored[place])
        shown = list(self._sums.items())[:_SHOWN_METRICS]
        return "  ".join(f"{key} {total / count:.3g}" for key, (total, count) in shown if count)

    def _add(self, scorer: Scorer, columns: Any) -> None:
        for key, column in columns.items():
            values = column.values[(column.status == Status.OK) & (column.values == column.values)]
            name = f"{scorer.name}.{key}" if key else scorer.name
            sums = self._sums.setdefault(name, [0.0, 0.0])
            sums[0] += float(values.sum())
            sums[1] += len(values)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._asked and self._tell is not None:  # however quick the run was
            self._tell(self.line())
        if self._bar is not None:
            self.update(self._state)
            self._bar.stop()


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
