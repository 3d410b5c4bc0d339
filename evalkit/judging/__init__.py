"""Judges: scorers that ask a language model, hardened against the texts that they judge."""

from evalkit.judging.bias import BiasEffect
from evalkit.judging.calibration import Calibration
from evalkit.judging.document import load_judge
from evalkit.judging.judge import Judge
from evalkit.judging.jury import Jury, jury_of
from evalkit.judging.jury_report import JuryReport, jury_report
from evalkit.judging.make import make_judge
from evalkit.judging.pairwise import PairwiseJudge

__all__ = [
    "BiasEffect",
    "Calibration",
    "Judge",
    "Jury",
    "JuryReport",
    "PairwiseJudge",
    "jury_of",
    "jury_report",
    "load_judge",
    "make_judge",
]
