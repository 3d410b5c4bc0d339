"""Judges: scorers that ask a language model, hardened against the texts that they judge."""

from evalkit.judging.bias import BiasEffect
from evalkit.judging.calibration import Calibration
from evalkit.judging.judge import Judge, load_judge, make_judge
from evalkit.judging.jury import Jury, JuryReport, jury_of, jury_report
from evalkit.judging.pairwise import PairwiseJudge
from evalkit.judging.ranking import RankedSystem, Ranking, Vote, rank_systems, votes_of

__all__ = [
    "BiasEffect",
    "Calibration",
    "Judge",
    "Jury",
    "JuryReport",
    "PairwiseJudge",
    "RankedSystem",
    "Ranking",
    "Vote",
    "jury_of",
    "jury_report",
    "load_judge",
    "make_judge",
    "rank_systems",
    "votes_of",
]
