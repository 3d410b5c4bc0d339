"""Metrics of predicted numbers."""

from evalkit_scorers.regression.errors import Mae, Mape, MaxError, MedianAe, Mse, QuantileLoss, Rmse
from evalkit_scorers.regression.r2 import R2

__all__ = ["R2", "Mae", "Mape", "MaxError", "MedianAe", "Mse", "QuantileLoss", "Rmse"]
