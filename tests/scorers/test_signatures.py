"""What a scorer is known by outlives the file that it lies in: old baselines stay comparable."""

from dataclasses import dataclass

import pytest

from evalkit.errors import SpecificationError
from evalkit.hooks.catalog import get_scorer
from evalkit.scoring.signature import load, rebuild, signature, specification
from evalkit_scorers.regression.errors import Mae

AS_FIRST_SIGNED = {
    "text.exact_match:ExactMatch": "1437610c2708",
    "text.normalized_match:NormalizedMatch": "714725d07b78",
    "text.contains:Contains": "02e55aae34a1",
    "text.regex:Regex": "30cfe5d356d5",
    "text.token_f1:TokenF1": "4f694a167180",
    "text.rouge:Rouge": "91e9791cdf51",
    "text.bleu:Bleu": "3c33c04af27c",
    "text.chrf:Chrf": "3253e2e09e08",
    "text.ter:Ter": "5f4b96c65e08",
    "text.edit_distance:EditDistance": "9113070e0cec",
    "text.readability:Readability": "513e19571c50",
    "classification.accuracy:Accuracy": "160834bc6893",
    "classification.average_precision:AveragePrecision": "8ac7a4f9497c",
    "classification.balanced_accuracy:BalancedAccuracy": "45a2767c488c",
    "classification.brier:Brier": "2cba3106e150",
    "classification.calibration_error:CalibrationError": "71e4d35544a9",
    "classification.cohen_kappa:CohenKappa": "fc4e2a51cb64",
    "classification.confusion_matrix:ConfusionMatrix": "33febba3b856",
    "classification.f1:F1": "bde4f1770eba",
    "classification.log_loss:LogLoss": "acb4a73f6a8e",
    "classification.mcc:Mcc": "21f16edd8f83",
    "classification.precision:Precision": "fd8c8ecfda9a",
    "classification.recall:Recall": "07e709f37ebb",
    "classification.roc_auc:RocAuc": "a837ea962faa",
    "regression.mae:Mae": "d7fb3e240f33",
    "regression.mape:Mape": "c45d84c02fde",
    "regression.max_error:MaxError": "41854b645ea5",
    "regression.median_ae:MedianAe": "c917769880e1",
    "regression.mse:Mse": "e537bd58576a",
    "regression.quantile_loss:QuantileLoss": "1cd846c3c905",
    "regression.r2:R2": "d5a394f4ef76",
    "regression.rmse:Rmse": "13a933af2668",
    "operations.cost:Cost": "3807bcc7247a",
    "operations.latency:Latency": "135ea2eda84e",
    "operations.output_length:OutputLength": "470bedda0515",
    "operations.time_to_first_token:TimeToFirstToken": "ccd7c3630392",
}
"""Path of each class and digest of the scorer as it is, as the first baselines hold them."""


def names_and_paths() -> list[tuple[str, str]]:
    return [(path.partition(":")[0], f"evalkit_scorers.{path}") for path in AS_FIRST_SIGNED]


@pytest.mark.parametrize(("path", "digest"), AS_FIRST_SIGNED.items())
def test_a_scorer_keeps_its_signature(path: str, digest: str) -> None:
    assert signature(get_scorer(path.partition(":")[0])).endswith(f"|digest:{digest}")


@pytest.mark.parametrize(("name", "path"), names_and_paths())
def test_a_scorer_is_rebuilt_by_the_path_that_stands_in_old_runs(name: str, path: str) -> None:
    spec = specification(get_scorer(name))

    assert spec["class"] == path
    assert load(path) is type(get_scorer(name))
    assert signature(rebuild(spec)) == signature(get_scorer(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Halved(Mae):
    """A user's own scorer, made of one that has moved."""


def test_a_subclass_of_a_moved_scorer_is_known_by_its_own_path() -> None:
    assert specification(Halved())["class"] == f"{__name__}:Halved"


def test_a_path_that_no_class_was_signed_by_is_not_found() -> None:
    with pytest.raises(
        SpecificationError, match=r"No module named 'evalkit_scorers\.regression\.x"
    ):
        load("evalkit_scorers.regression.x:Mae")
