"""Statistics of evaluation on plain arrays: intervals, paired tests, agreement, planning.

A table of the public names, as in ``evalkit/__init__.py``: a function is imported when it is first
used, so that ``import evalkit.stats`` loads neither numpy nor scipy.
"""

from evalkit._internal.lazy import lazily

_HOMES: dict[str, str] = {
    "BettingSequence": "evalkit.stats.sequential",
    "Interval": "evalkit.stats.interval",
    "PairedVariance": "evalkit.stats.power",
    "alternative_annotator_test": "evalkit.stats.alternative_annotator",
    "approximate_randomization": "evalkit.stats.randomization",
    "benjamini_hochberg": "evalkit.stats.multiple",
    "benjamini_yekutieli": "evalkit.stats.multiple",
    "bca_interval": "evalkit.stats.bootstrap",
    "bootstrap_interval": "evalkit.stats.bootstrap",
    "bradley_terry": "evalkit.stats.ranking",
    "cases_for_half_width": "evalkit.stats.power",
    "cases_to_detect": "evalkit.stats.power",
    "cases_to_detect_rates": "evalkit.stats.power",
    "clopper_pearson_interval": "evalkit.stats.binomial",
    "clustered_mean": "evalkit.stats.clustered",
    "cohen_kappa": "evalkit.stats.agreement",
    "contingency_table": "evalkit.stats.agreement",
    "correlation": "evalkit.stats.correlations",
    "davidson": "evalkit.stats.ranking",
    "dawid_skene": "evalkit.stats.rater_errors",
    "delong_auc": "evalkit.stats.roc",
    "delong_difference": "evalkit.stats.roc",
    "detectable_difference": "evalkit.stats.power",
    "expected_calibration_error": "evalkit.stats.calibration",
    "fleiss_kappa": "evalkit.stats.agreement",
    "gwet_ac1": "evalkit.stats.agreement",
    "holm": "evalkit.stats.multiple",
    "intraclass_correlations": "evalkit.stats.reliability",
    "krippendorff_alpha": "evalkit.stats.reliability",
    "krippendorff_interval": "evalkit.stats.reliability",
    "mcnemar": "evalkit.stats.matched_rates",
    "mean_interval": "evalkit.stats.intervals",
    "paired_bootstrap": "evalkit.stats.randomization",
    "paired_difference": "evalkit.stats.paired",
    "pass_at_k": "evalkit.stats.repeats",
    "pass_hat_k": "evalkit.stats.repeats",
    "pilot_variance": "evalkit.stats.power",
    "power_to_detect": "evalkit.stats.power",
    "prediction_powered_mean": "evalkit.stats.debias",
    "quantile_interval": "evalkit.stats.quantile",
    "rate_trials": "evalkit.stats.clustered",
    "reliability_diagram": "evalkit.stats.calibration",
    "rogan_gladen": "evalkit.stats.debias",
    "sign_flip_test": "evalkit.stats.randomization",
    "tango_interval": "evalkit.stats.matched_rates",
    "unpaired_difference_interval": "evalkit.stats.binomial",
    "variance_components": "evalkit.stats.repeats",
    "weighted_quantile": "evalkit.stats.quantile",
    "wilson_interval": "evalkit.stats.binomial",
    "wins_e_value": "evalkit.stats.sequential",
}
"""Public name -> the module that defines it."""

# Made from the table, so that it cannot differ from it; checkers read the stub's instead.
__all__ = [*_HOMES]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]

__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
