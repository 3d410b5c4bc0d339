"""Metrics of predicted numbers."""

from typing import Final

from evalkit_scorers.family import lazily

HOMES: Final = {
    "Mae": "errors",
    "Mape": "errors",
    "MaxError": "errors",
    "MedianAe": "errors",
    "Mse": "errors",
    "QuantileLoss": "errors",
    "R2": "r2",
    "Rmse": "errors",
}
"""Class of each scorer -> its module."""

__getattr__ = lazily(__name__, HOMES)
