# What a type checker sees of evalkit.stats: the same table as in __init__.py.

from evalkit.stats.agreement import cohen_kappa as cohen_kappa
from evalkit.stats.agreement import contingency_table as contingency_table
from evalkit.stats.agreement import fleiss_kappa as fleiss_kappa
from evalkit.stats.agreement import gwet_ac1 as gwet_ac1
from evalkit.stats.alternative_annotator import (
    alternative_annotator_test as alternative_annotator_test,
)
from evalkit.stats.binomial import clopper_pearson_interval as clopper_pearson_interval
from evalkit.stats.binomial import unpaired_difference_interval as unpaired_difference_interval
from evalkit.stats.binomial import wilson_interval as wilson_interval
from evalkit.stats.bootstrap import bca_interval as bca_interval
from evalkit.stats.bootstrap import bootstrap_interval as bootstrap_interval
from evalkit.stats.calibration import expected_calibration_error as expected_calibration_error
from evalkit.stats.calibration import reliability_diagram as reliability_diagram
from evalkit.stats.clustered import clustered_mean as clustered_mean
from evalkit.stats.clustered import rate_trials as rate_trials
from evalkit.stats.correlations import correlation as correlation
from evalkit.stats.debias import prediction_powered_mean as prediction_powered_mean
from evalkit.stats.debias import rogan_gladen as rogan_gladen
from evalkit.stats.interval import Interval as Interval
from evalkit.stats.intervals import mean_interval as mean_interval
from evalkit.stats.matched_rates import mcnemar as mcnemar
from evalkit.stats.matched_rates import tango_interval as tango_interval
from evalkit.stats.multiple import benjamini_hochberg as benjamini_hochberg
from evalkit.stats.multiple import benjamini_yekutieli as benjamini_yekutieli
from evalkit.stats.multiple import holm as holm
from evalkit.stats.paired import paired_difference as paired_difference
from evalkit.stats.power import PairedVariance as PairedVariance
from evalkit.stats.power import cases_for_half_width as cases_for_half_width
from evalkit.stats.power import cases_to_detect as cases_to_detect
from evalkit.stats.power import cases_to_detect_rates as cases_to_detect_rates
from evalkit.stats.power import detectable_difference as detectable_difference
from evalkit.stats.power import pilot_variance as pilot_variance
from evalkit.stats.power import power_to_detect as power_to_detect
from evalkit.stats.quantile import quantile_interval as quantile_interval
from evalkit.stats.quantile import weighted_quantile as weighted_quantile
from evalkit.stats.randomization import approximate_randomization as approximate_randomization
from evalkit.stats.randomization import paired_bootstrap as paired_bootstrap
from evalkit.stats.randomization import sign_flip_test as sign_flip_test
from evalkit.stats.ranking import bradley_terry as bradley_terry
from evalkit.stats.ranking import davidson as davidson
from evalkit.stats.rater_errors import dawid_skene as dawid_skene
from evalkit.stats.reliability import intraclass_correlations as intraclass_correlations
from evalkit.stats.reliability import krippendorff_alpha as krippendorff_alpha
from evalkit.stats.reliability import krippendorff_interval as krippendorff_interval
from evalkit.stats.repeats import pass_at_k as pass_at_k
from evalkit.stats.repeats import pass_hat_k as pass_hat_k
from evalkit.stats.repeats import variance_components as variance_components
from evalkit.stats.roc import delong_auc as delong_auc
from evalkit.stats.roc import delong_difference as delong_difference
from evalkit.stats.sequential import BettingSequence as BettingSequence
from evalkit.stats.sequential import wins_e_value as wins_e_value

__all__ = [
    "BettingSequence",
    "Interval",
    "PairedVariance",
    "alternative_annotator_test",
    "approximate_randomization",
    "bca_interval",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bootstrap_interval",
    "bradley_terry",
    "cases_for_half_width",
    "cases_to_detect",
    "cases_to_detect_rates",
    "clopper_pearson_interval",
    "clustered_mean",
    "cohen_kappa",
    "contingency_table",
    "correlation",
    "davidson",
    "dawid_skene",
    "delong_auc",
    "delong_difference",
    "detectable_difference",
    "expected_calibration_error",
    "fleiss_kappa",
    "gwet_ac1",
    "holm",
    "intraclass_correlations",
    "krippendorff_alpha",
    "krippendorff_interval",
    "mcnemar",
    "mean_interval",
    "paired_bootstrap",
    "paired_difference",
    "pass_at_k",
    "pass_hat_k",
    "pilot_variance",
    "power_to_detect",
    "prediction_powered_mean",
    "quantile_interval",
    "rate_trials",
    "reliability_diagram",
    "rogan_gladen",
    "sign_flip_test",
    "tango_interval",
    "unpaired_difference_interval",
    "variance_components",
    "weighted_quantile",
    "wilson_interval",
    "wins_e_value",
]
