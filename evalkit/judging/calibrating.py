"""The method `calibrate` of judges, which finds the evaluation through the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.errors import UsageError

if TYPE_CHECKING:
    from evalkit.judging.calibration import Calibration


class Calibrated:
    """Gives a judge its method `calibrate`."""

    __slots__ = ()

    def calibrate(self, cases: Any, **options: Any) -> Calibration:
        """Judge labelled cases, compare the verdicts with the labels, and keep the card.

        Args:
            cases: Data with human labels, as `evaluate` takes it.
            **options: ``columns`` (such as ``{"labels.grounded": "human"}``), ``judge_model``,
                ``runtime``, ``development``, ``threshold`` and whatever else
                `evalkit.evaluation.calibrate.calibrate` takes.

        Raises:
            UsageError: If there are no labels, too few, or one means nothing to the judge.
        """
        from evalkit.hooks.catalog import catalog

        entry = catalog().calibrators.get("calibrate")
        if entry is None:
            raise UsageError("Nothing here calibrates judges: the plug-in evalkit-reports is off.")
        card: Calibration = entry.item(self, cases, **options)
        return card
