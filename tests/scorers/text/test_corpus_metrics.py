"""BLEU, chrF and TER against sacrebleu, as sentence and as corpus scores."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from evalkit.plugin import Additive, CaseBatch, ScoreColumn, Status, UsageError
from evalkit_scorers.text.bleu import Bleu, bleu_of, bleu_statistics
from evalkit_scorers.text.chrf import Chrf
from evalkit_scorers.text.ter import Ter
from evalkit_scorers.text.words import without_spaces

MakeBatch = Callable[..., CaseBatch]
CorpusScorer = Bleu | Chrf | Ter

_with_spaces = st.text(max_size=20).filter(lambda text: not without_spaces(text))
words = st.sampled_from(
    ["the", "The", "cat", "cat's", "sat", "mat.", "(on)", "3.5", "1,000-2", "&quot;", "Été"]
)
sentences = st.one_of(
    st.lists(words, max_size=9).map(" ".join), _with_spaces, st.just(""), st.just(" \n")
)
corpora = st.integers(1, 3).flatmap(
    lambda n: st.lists(
        st.tuples(sentences, st.lists(sentences, min_size=n, max_size=n)), min_size=1, max_size=5
    )
)

VARIANTS = [
    pytest.param(Bleu(), BLEU(), id="bleu"),
    pytest.param(Bleu(tokenize="intl"), BLEU(tokenize="intl"), id="bleu-intl"),
    pytest.param(Bleu(tokenize="char"), BLEU(tokenize="char"), id="bleu-char"),
    pytest.param(Bleu(tokenize="zh"), BLEU(tokenize="zh"), id="bleu-zh"),
    pytest.param(Bleu(tokenize="none"), BLEU(tokenize="none"), id="bleu-untokenized"),
    pytest.param(Bleu(lowercase=True), BLEU(lowercase=True), id="bleu-lower-case"),
    pytest.param(Bleu(smooth_method="none"), BLEU(smooth_method="none"), id="bleu-unsmoothed"),
    pytest.param(Bleu(smooth_method="floor"), BLEU(smooth_method="floor"), id="bleu-floor"),
    pytest.param(
        Bleu(smooth_method="add-k", smooth_value=2),
        BLEU(smooth_method="add-k", smooth_value=2),
        id="bleu-add-2",
    ),
    pytest.param(Bleu(effective_order=True), BLEU(effective_order=True), id="bleu-effective"),
    pytest.param(Bleu(max_order=2), BLEU(max_ngram_order=2), id="bleu-pairs"),
    pytest.param(Chrf(), CHRF(), id="chrf"),
    pytest.param(Chrf(word_order=2), CHRF(word_order=2), id="chrf-plus-plus"),
    pytest.param(Chrf(char_order=3, beta=3), CHRF(char_order=3, beta=3), id="chrf3-short"),
    pytest.param(Chrf(lowercase=True), CHRF(lowercase=True), id="chrf-lower-case"),
    pytest.param(Chrf(whitespace=True), CHRF(whitespace=True), id="chrf-with-spaces"),
    pytest.param(Chrf(eps_smoothing=True), CHRF(eps_smoothing=True), id="chrf-smoothed"),
    pytest.param(Ter(), TER(), id="ter"),
    pytest.param(Ter(normalized=True), TER(normalized=True), id="ter-normalized"),
    pytest.param(Ter(no_punct=True), TER(no_punct=True), id="ter-without-punctuation"),
    pytest.param(Ter(case_sensitive=True), TER(case_sensitive=True), id="ter-case-sensitive"),
    pytest.param(
        Ter(normalized=True, no_punct=True, asian_support=True),
        TER(normalized=True, no_punct=True, asian_support=True),
        id="ter-asian",
    ),
]


def sentence_peer(scorer: CorpusScorer, peer: Any) -> Any:
    """The peer of a cell; sacrebleu's own sentence_bleu has effective order."""
    if not isinstance(scorer, Bleu):
        return peer
    return BLEU(
        tokenize=scorer.tokenize,
        lowercase=scorer.lowercase,
        smooth_method=scorer.smooth_method,
        smooth_value=scorer.smooth_value,
        max_ngram_order=scorer.max_order,
        effective_order=True,
    )


def batch_of(corpus: list[tuple[str, list[str]]]) -> CaseBatch:
    return CaseBatch(
        {
            "outputs": [output for output, _ in corpus],
            "expectations": [{"expected_response": texts} for _, texts in corpus],
        },
        length=len(corpus),
    )


def vectors(column: ScoreColumn) -> Any:
    assert isinstance(column.statistics, Additive)
    return column.statistics.vectors


@pytest.mark.parametrize(("scorer", "peer"), VARIANTS)
@given(corpus=corpora)
def test_scores_equal_sacrebleus(
    scorer: CorpusScorer, peer: Any, corpus: list[tuple[str, list[str]]]
) -> None:
    outputs, references = [row[0] for row in corpus], [row[1] for row in corpus]
    column = scorer.score_batch(batch_of(corpus))

    streams = [list(stream) for stream in zip(*references, strict=True)]
    whole = float(scorer.compute(vectors(column).sum(axis=0)))
    assert whole == pytest.approx(peer.corpus_score(outputs, streams).score, abs=1e-9)
    alone = sentence_peer(scorer, peer)
    expected = [alone.sentence_score(*row).score for row in corpus]
    assert column.values.tolist() == pytest.approx(expected, abs=1e-9)


SCORERS = [
    pytest.param(Bleu(), id="bleu"),
    pytest.param(Chrf(), id="chrf"),
    pytest.param(Ter(), id="ter"),
]


@pytest.mark.parametrize("scorer", SCORERS)
@given(left=corpora, right=corpora)
def test_statistics_of_parts_are_those_of_the_whole(
    scorer: CorpusScorer, left: list[tuple[str, list[str]]], right: list[tuple[str, list[str]]]
) -> None:
    parts = [scorer.score_batch(batch_of(left)), scorer.score_batch(batch_of(right))]

    whole = scorer.score_batch(batch_of(left + right))

    joined = ScoreColumn.concatenate(parts)
    assert (vectors(joined) == vectors(whole)).all()
    assert (joined.values == whole.values).all()


@pytest.mark.parametrize("scorer", SCORERS)
def test_many_sums_are_scored_at_once(scorer: CorpusScorer) -> None:
    corpus = [("the cat sat on a mat", ["the cat sat on the mat"]), ("a dog", ["one dog"])]
    rows = vectors(scorer.score_batch(batch_of(corpus)))
    draws = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]]) @ rows

    together = scorer.compute(draws)

    assert together.shape == (3,)
    assert together.tolist() == [float(scorer.compute(draw)) for draw in draws]


@pytest.mark.parametrize("scorer", SCORERS)
def test_a_missing_text_is_skipped_and_an_empty_one_scored(
    batch: MakeBatch, scorer: CorpusScorer
) -> None:
    column = scorer.score_batch(batch([None, "x", "", 3], ["x", None, "x y", "3"]))

    assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED, Status.OK, Status.OK]
    assert np.isfinite(column.values[2:]).all()
    assert (vectors(column)[:2] == 0).all()


@pytest.mark.parametrize("scorer", SCORERS)
def test_no_case_at_all_gives_an_empty_column(batch: MakeBatch, scorer: CorpusScorer) -> None:
    column = scorer.score_batch(batch([], []))

    assert len(column) == len(vectors(column)) == 0


def test_long_texts_and_lone_surrogates_equal_sacrebleus() -> None:
    generator = np.random.default_rng(2)
    long = [" ".join(f"w{k}\ud800" for k in generator.integers(0, 99, size=5000)) for _ in range(2)]
    rows = batch_of([(long[0], [long[1]])])

    assert Bleu(tokenize="none").score_batch(rows).values.tolist() == pytest.approx(
        [BLEU(tokenize="none", effective_order=True).sentence_score(long[0], [long[1]]).score]
    )
    assert Chrf(word_order=2).score_batch(rows).values.tolist() == pytest.approx(
        [CHRF(word_order=2).sentence_score(long[0], [long[1]]).score]
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Bleu(tokenize="spm"), id="tokenizer-that-downloads"),
        pytest.param(lambda: Bleu(tokenize="13b"), id="unknown-tokenizer"),
        pytest.param(lambda: Bleu(smooth_method="exp2"), id="unknown-smoothing"),  # type: ignore[arg-type]
        pytest.param(lambda: Bleu(max_order=0), id="bleu-without-n-grams"),
        pytest.param(lambda: Bleu(smooth_value=-1.0), id="negative-smoothing"),
        pytest.param(lambda: Chrf(char_order=0), id="chrf-without-characters"),
        pytest.param(lambda: Chrf(beta=0), id="chrf-without-recall"),
    ],
)
def test_a_wrong_parameter_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(UsageError):
        make()


def test_perfect_agreement_has_the_best_score(batch: MakeBatch) -> None:
    text = "a text that is long enough"
    cases = batch([text], [["something else", text]])

    assert Bleu().score_batch(cases).values.tolist() == pytest.approx([100.0])
    assert Chrf().score_batch(cases).values.tolist() == pytest.approx([100.0])
    assert Ter().score_batch(cases).values.tolist() == [0.0]


@pytest.fixture(scope="module")
def published(shared_data: Path) -> list[dict[str, Any]]:
    file = shared_data / "metric_reference" / "mt_metric_cases.json"
    cases: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cases"]
    return cases


def corpus_value(scorer: CorpusScorer, case: dict[str, Any]) -> float:
    references = [list(texts) for texts in zip(*case["refs"], strict=True)]
    rows = batch_of(list(zip(case["hyps"], references, strict=True)))
    return float(scorer.compute(vectors(scorer.score_batch(rows)).sum(axis=0)))


@pytest.mark.conformance
def test_bleu_equals_published_values(published: list[dict[str, Any]]) -> None:
    corpus = [case for case in published if case["metric"] == "corpus_bleu"]
    sentence = [case for case in published if case["metric"] == "sentence_bleu"]
    assert corpus
    assert sentence

    for case in corpus:
        found = corpus_value(Bleu(**case["kwargs"]), case)
        assert found == pytest.approx(case["expected"], abs=1e-6)
    for case in sentence:
        scorer = Bleu(**case["kwargs"])
        found = scorer.score_batch(batch_of([(case["hyp"], case["refs"])])).values[0]
        assert found == pytest.approx(case["expected"], abs=1e-3)


@pytest.mark.conformance
def test_bleu_of_papinenis_example_is_nltks(published: list[dict[str, Any]]) -> None:
    case = next(case for case in published if case["metric"].startswith("nltk_sentence_bleu"))
    texts = [" ".join(words) for words in [case["hyp"], *case["refs"]]]

    counts = bleu_statistics(texts[:1], [texts[1:]], tokenize="none")

    found = bleu_of(counts, smooth_method="none")[0] / 100
    assert found == pytest.approx(case["expected"], abs=1e-12)


@pytest.mark.conformance
def test_chrf_equals_published_values(published: list[dict[str, Any]]) -> None:
    corpus = [case for case in published if case["metric"] == "corpus_chrf_beta3_eps"]
    sentence = [case for case in published if case["metric"] == "sentence_chrf2_eps"]
    assert corpus
    assert sentence

    for case in corpus:
        found = corpus_value(Chrf(beta=3, eps_smoothing=True), case)
        assert found == pytest.approx(case["expected"], abs=1e-4)
    for case in sentence:
        scorer = Chrf(eps_smoothing=True)
        found = scorer.score_batch(batch_of([(case["hyp"], case["refs"])])).values[0]
        assert found == pytest.approx(case["expected"], abs=1e-4)


@pytest.mark.conformance
def test_ter_equals_published_values(published: list[dict[str, Any]]) -> None:
    cases = [case for case in published if case["metric"] == "corpus_ter"]
    assert cases

    for case in cases:
        assert corpus_value(Ter(), case) == pytest.approx(case["expected"], abs=1e-9)
