"""Print what stopping early saves, and how often it errs, by simulation.

Run it from the root of a checkout: ``python benchmarks/bench_sequential.py [--samples 1000]``.
Every run is looked at after every case, from a pool of four times the cases that a single look at
the end would be planned with (80 % power to find the margin).  Saving is the share of the pool that
is not run where the truth is two margins away from what would be wrong; errors are the verdicts of
runs whose truth lies exactly on the border.  The exit code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalkit.gates.grammar import parse_gates
from evalkit.gates.sequential import SequentialTest, question_of
from evalkit.stats import PairedVariance, cases_to_detect, cases_to_detect_rates

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, float], Floats]

LEAST_SAVING = 0.5
MOST_ERRORS = 0.05
POOL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One kind of gate on one kind of values."""

    name: str
    gate: str
    margin: float
    planned: int
    """Cases of a single look."""

    border: float
    """Mean, or gain, on the border of the condition."""

    draw: Draw
    """Draws values of a mean, or gains."""

    binary: bool = False

    def run(self, rng: np.random.Generator, truth: float) -> tuple[str, int]:
        """Return the verdict of one evaluation and the cases that it took."""
        (condition,) = parse_gates(self.gate)
        compares = condition.kind != "metric"
        question = question_of(
            condition,
            bounds=(0.0, 1.0),
            level=0.95,
            margin=(condition.margin or 0.0) if compares else 0.0,
            binary=self.binary,
        )
        test = SequentialTest(question, grid=2)
        test.take(self.draw(rng, POOL * self.planned, truth))
        return "-" if test.verdict is None else test.verdict.value, test.n


def yes_or_no(rng: np.random.Generator, n: int, mean: float) -> Floats:
    """Return values of 0 and 1 with this mean."""
    return (rng.random(n) < mean).astype(float)


def graded(rng: np.random.Generator, n: int, mean: float) -> Floats:
    """Return values between 0 and 1 with this mean."""
    return rng.beta(4 * mean, 4 * (1 - mean), n)


def gains(discordance: float) -> Draw:
    """Return draws of paired gains of two rates, of which so many cases differ."""

    def draw(rng: np.random.Generator, n: int, gain: float) -> Floats:
        u = rng.random(n)
        lost = (discordance - gain) / 2
        return np.where(u < lost, -1.0, np.where(u < discordance, 1.0, 0.0))

    return draw


def settings() -> Iterator[Setting]:
    """Yield every kind of gate that is simulated."""
    for p in (0.6, 0.8):
        n = math.ceil(cases_to_detect(0.05, PairedVariance(between=p * (1 - p))))
        yield Setting(
            name=f"rate >= {p}", gate=f"m >= {p}", margin=0.05, planned=n, border=p, draw=yes_or_no
        )
    spread = 0.6 * 0.4 / 5
    yield Setting(
        name="graded score >= 0.6",
        gate="m >= 0.6",
        margin=0.05,
        planned=math.ceil(cases_to_detect(0.05, PairedVariance(between=spread))),
        border=0.6,
        draw=graded,
    )
    for psi in (0.1, 0.25):
        n = math.ceil(cases_to_detect_rates(0.05, psi))
        yield Setting(
            name=f"improves, {psi:.0%} of cases differ",
            gate="improves(m)",
            margin=0.05,
            planned=n,
            border=0.0,
            draw=gains(psi),
            binary=True,
        )
        yield Setting(
            name=f"no_regression by 0.05, {psi:.0%} differ",
            gate="no_regression(m, margin=0.05)",
            margin=0.05,
            planned=n,
            border=-0.05,
            draw=gains(psi),
        )


def main() -> int:
    """Print a line for each setting; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    samples = parser.parse_args().samples
    print(f"{samples} runs each; bars: median saving >= {LEAST_SAVING:.0%}, ", end="")
    print(f"wrong PASS <= {MOST_ERRORS:.0%}, wrong FAIL <= {MOST_ERRORS:.0%}\n")
    print(f"{'gate':38} {'planned':>7} {'pool':>6} {'median':>7} {'saving':>7} ", end="")
    print(f"{'found':>6} {'PASS':>6} {'FAIL':>6}")
    failed = False
    for setting in settings():
        rng = np.random.default_rng(1)
        true = [setting.run(rng, setting.border + 2 * setting.margin) for _ in range(samples)]
        null = [setting.run(rng, setting.border)[0] for _ in range(samples)]
        median = float(np.median([n for _, n in true]))
        saving = 1 - median / (POOL * setting.planned)
        found = [verdict for verdict, _ in true].count("PASS") / samples
        errors = null.count("PASS") / samples, null.count("FAIL") / samples
        missed = saving < LEAST_SAVING or max(errors) > MOST_ERRORS
        failed |= missed
        print(
            f"{setting.name:38} {setting.planned:7,} {POOL * setting.planned:6,} {median:7,.0f} "
            f"{saving:7.1%} {found:6.1%} {errors[0]:6.1%} {errors[1]:6.1%}"
            f"{'  <- misses its bar' if missed else ''}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
