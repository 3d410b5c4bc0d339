"""The gates of a suite, decided together and once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.errors import EvalkitError
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.saving import write_result
from evalkit.gates.condition import parse_gates
from evalkit.gates.verdict import ConditionVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteGates:
    """Conditions on a suite as a whole."""

    conditions: tuple[str, ...] = ()
    updating: bool = False
    """Whether a baseline is being written, so that nothing is compared with the old one."""

    def applied(self, result: EvaluationResult, data_name: str) -> EvaluationResult:
        """Return *result* with these gates as its own, and write that to its folder.

        What makes no sense, such as a metric that no scorer gives, is left out: a typing error in
        a gate must not cost the evaluation.
        """
        dataset = dataclasses.replace(result.facts.plan.dataset, name=data_name)
        gates = self._decidable(result)
        plan = dataclasses.replace(result.facts.plan, gates=gates, dataset=dataset)
        gated = result.replaced(
            facts=dataclasses.replace(result.facts, plan=plan), verdict=result.check(gates)
        )
        result.folder.write_plan(plan)
        write_result(gated)
        return gated

    def waits(self, condition: str) -> bool:
        """Say whether *condition* compares with the baseline that is being written."""
        return self.updating and any(one.compares for one in parse_gates(condition))

    def _decidable(self, result: EvaluationResult) -> list[str]:
        asked = [condition for condition in self.conditions if not self.waits(condition)]
        try:
            result.check(asked)
        except EvalkitError:
            return [condition for condition in asked if problem(result, condition) is None]
        return asked


def problem(result: EvaluationResult, condition: str) -> str | None:
    """Return why *condition* cannot be asked of *result*; ``None`` where it can."""
    try:
        result.check(condition)
    except EvalkitError as error:
        return str(error)
    return None


def verdicts(result: EvaluationResult) -> Mapping[str, ConditionVerdict]:
    """Return the verdict on each gate of *result*, by its text."""
    return {verdict.condition: verdict for verdict in result.verdict.conditions}
