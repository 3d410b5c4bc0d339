"""Audits of judges: worse answers, rewritings, attacks and biases, as batteries with intervals."""

from evalkit.judging.auditing.attacks import ATTACKS, GARBAGE, ORDER
from evalkit.judging.auditing.audit import Audit, Bars, Battery, ProbeRow

__all__ = ["ATTACKS", "GARBAGE", "ORDER", "Audit", "Bars", "Battery", "ProbeRow"]
