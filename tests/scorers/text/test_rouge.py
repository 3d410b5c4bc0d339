import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from scipy.stats import kendalltau, spearmanr

from evalkit.plugin import CaseBatch, Status, UsageError
from evalkit_scorers.text.rouge import Rouge, WordSymbols, rouge_scores

MakeBatch = Callable[..., CaseBatch]
ALL = ("rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum")

words = st.sampled_from(
    ["the", "cats", "cat", "running", "runs", "Don't", "3.5", "été", "İstanbul", "K", "\n"]
)
sentences = st.lists(words, max_size=14).map(" ".join)
any_text = st.one_of(sentences, st.text(st.characters(max_codepoint=0x24F), max_size=40))


def expected_scores(
    outputs: list[str], references: list[str], variants: tuple[str, ...], *, stemmer: bool
) -> dict[str, list[tuple[float, float, float]]]:
    peer = RougeScorer(list(variants), use_stemmer=stemmer)
    rows = [peer.score(wanted, got) for got, wanted in zip(outputs, references, strict=True)]
    return {variant: [tuple(row[variant]) for row in rows] for variant in variants}


def assert_equal_to_rouge_score(
    outputs: list[str], references: list[str], *, stemmer: bool
) -> None:
    found = rouge_scores(outputs, references, variants=ALL, stemmer=stemmer)
    expected = expected_scores(outputs, references, ALL, stemmer=stemmer)

    for variant in ALL:
        ours = np.stack(found[variant], axis=1)
        np.testing.assert_allclose(ours, np.array(expected[variant]).reshape(-1, 3), atol=1e-9)


@pytest.mark.parametrize(
    ("output", "reference", "variant", "expected"),
    [
        pytest.param("the cat sat", "the cat ran", "rouge1", 2 / 3, id="words"),
        pytest.param("the cat sat", "the cat ran", "rouge2", 1 / 2, id="word-pairs"),
        pytest.param("a b c d", "a c b d", "rougeL", 3 / 4, id="order"),
        pytest.param("c d\na b", "a b\nc d", "rougeLsum", 1.0, id="order-of-lines-is-free"),
        pytest.param("The CAT!", "the cat", "rouge1", 1.0, id="case-and-punctuation-ignored"),
        pytest.param("", "", "rouge1", 0.0, id="no-words-score-zero"),
        pytest.param("one", "one", "rouge2", 0.0, id="no-pair-scores-zero"),
        pytest.param("日本", "日本", "rougeL", 1.0, id="characters-of-other-scripts"),
    ],
)
def test_rouge_value(output: str, reference: str, variant: str, expected: float) -> None:
    found = rouge_scores([output], [reference], variants=[variant])

    assert found[variant].f.tolist() == pytest.approx([expected])


@given(st.lists(st.tuples(any_text, any_text), max_size=5), st.booleans())
def test_rouge_equals_rouge_score(pairs: list[tuple[str, str]], stemmer: bool) -> None:
    outputs, references = [got for got, _ in pairs], [wanted for _, wanted in pairs]

    assert_equal_to_rouge_score(outputs, references, stemmer=stemmer)


@given(
    st.text(alphabet="abc\n", max_size=60).map(" ".join),
    st.text(alphabet="abc\n", max_size=60).map(" ".join),
)
def test_rouge_of_many_lines_equals_rouge_score(output: str, reference: str) -> None:
    assert_equal_to_rouge_score([output], [reference], stemmer=False)


def test_rouge_of_very_long_texts_equals_rouge_score() -> None:
    generator = np.random.default_rng(5)
    outputs, references = (
        [" ".join(f"w{k}" for k in generator.integers(0, 400, size=n)) for n in sizes]
        for sizes in ((600, 0, 30), (500, 20, 900))
    )

    assert_equal_to_rouge_score(outputs, references, stemmer=False)


@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6))
def test_a_pair_scores_the_same_alone_and_among_others(pairs: list[tuple[str, str]]) -> None:
    together = rouge_scores([p[0] for p in pairs], [p[1] for p in pairs], variants=ALL)

    for row, (output, reference) in enumerate(pairs):
        alone = rouge_scores([output], [reference], variants=ALL)
        assert all(alone[v].f[0] == together[v].f[row] for v in ALL)


def test_more_words_than_one_part_holds_score_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = [f"a{n} b{n % 3} c" for n in range(50)]
    references = [f"c b{n % 5} a{n}" for n in range(50)]
    whole = rouge_scores(outputs, references, variants=ALL)
    monkeypatch.setattr("evalkit_scorers.text.rouge._CHARACTERS_A_PART", 64)
    monkeypatch.setattr("evalkit_scorers.text.ngrams._SYMBOLS_A_CHUNK", 16)
    monkeypatch.setattr("evalkit_scorers.text.rouge._MOST_KNOWN", 20)

    parted = rouge_scores(outputs, references, variants=ALL)

    assert all((whole[v].f == parted[v].f).all() for v in ALL)


def test_words_are_equal_characters_across_texts() -> None:
    first, second = WordSymbols(stemmer=False).of(["Cats, cats", "a cats"])

    assert first[0] == first[1] == second[1] != second[0]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param("max", 1.0, id="best"),
        pytest.param("mean", (2 / 3 + 1.0 + 0.0) / 3, id="mean"),
        pytest.param("first", 2 / 3, id="first"),
    ],
)
def test_several_references(batch: MakeBatch, choice: Any, expected: float) -> None:
    cases = batch(["a b c", "x"], [["a b z", "a b c", "q"], "x"])

    columns = Rouge(variants=["rouge1"], references=choice).score_batch(cases)

    assert columns["rouge1"].values.tolist() == pytest.approx([expected, 1.0])


@given(sentences, st.lists(sentences, min_size=1, max_size=4))
def test_the_best_reference_is_rouge_scores(output: str, references: list[str]) -> None:
    expectations = [{"expected_response": references}]
    cases = CaseBatch({"outputs": [output], "expectations": expectations}, length=1)
    expected = RougeScorer(list(ALL)).score_multi(references, output)

    for place, measure in enumerate(("precision", "recall", "f")):
        columns = Rouge(variants=ALL, measure=measure).score_batch(cases)  # type: ignore[arg-type]
        for variant in ALL:
            assert columns[variant].values[0] == pytest.approx(expected[variant][place], abs=1e-9)


def test_a_missing_text_is_skipped_and_an_empty_one_scored(batch: MakeBatch) -> None:
    columns = Rouge().score_batch(batch([None, "x", "", 3], ["x", None, "x", "3"]))

    assert list(columns) == ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    for column in columns.values():
        assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED, Status.OK, Status.OK]
    assert columns["rouge1"].values[2:].tolist() == [0.0, 1.0]


def test_no_case_at_all_gives_empty_columns(batch: MakeBatch) -> None:
    assert all(len(column) == 0 for column in Rouge().score_batch(batch([], [])).values())


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"variants": ["rouge0"]}, id="unknown-variant"),
        pytest.param({"variants": []}, id="no-variant"),
        pytest.param({"measure": "F"}, id="unknown-measure"),
        pytest.param({"references": "all"}, id="unknown-choice-of-references"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"rouge|measure|references"):
        Rouge(**parameters)


@pytest.mark.conformance
def test_rouge_equals_the_published_values_of_rouge_155(shared_data: Path) -> None:
    file = shared_data / "metric_reference" / "rouge155_cases.json"
    published = json.loads(file.read_text(encoding="utf-8"))

    for case in published["cases"]:
        found = rouge_scores(
            [case["prediction"]],
            [case["target"]],
            variants=[case["metric"]],
            stemmer=case["use_stemmer"],
        )[case["metric"]]
        expected = [case[name] for name in ("precision", "recall", "fmeasure")]
        assert [float(part[0]) for part in found] == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def summeval(shared_data: Path) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    folder = shared_data / "summeval"
    rows, documents = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("summaries_scores.jsonl", "references.jsonl")
    )
    return rows, {row["doc_id"]: row["references"] for row in documents}


@pytest.mark.conformance
@pytest.mark.parametrize("variant", ["rouge1", "rouge2", "rougeLsum"])
def test_rouge_agrees_with_people_on_summeval_as_published(
    batch: MakeBatch,
    shared_data: Path,
    summeval: tuple[list[dict[str, Any]], dict[str, list[str]]],
    variant: str,
) -> None:
    listed = json.loads((shared_data / "published_expectations.json").read_text(encoding="utf-8"))
    wanted = next(
        row for row in listed if row["dataset"] == "summeval" and row["what"].startswith(variant)
    )
    rows, references = summeval
    broken = variant == "rougeLsum"
    cases = batch(
        [_lines(row["summary"], broken=broken) for row in rows],
        [[_lines(text, broken=broken) for text in references[row["doc_id"]]] for row in rows],
    )

    scorer = Rouge(variants=[variant], stemmer=True, references="mean")
    values = scorer.score_batch(cases)[variant].values

    found: list[float] = []
    for dimension in ("coherence", "consistency", "fluency", "relevance"):
        found += _summary_level(rows, values.tolist(), dimension)
    assert [round(value, 3) for value in found] == wanted["reproduced"]
    assert found == pytest.approx(wanted["published"], abs=wanted["tolerance"] + 5e-4)


def _lines(text: str, *, broken: bool) -> str:
    return text.replace(" . ", " .\n") if broken else text


def _summary_level(rows: list[dict[str, Any]], values: list[float], dimension: str) -> list[float]:
    spearman: list[float] = []
    kendall: list[float] = []
    for document in dict.fromkeys(row["doc_id"] for row in rows):
        places = [i for i, row in enumerate(rows) if row["doc_id"] == document]
        ours = [values[i] for i in places]
        human = [rows[i][dimension] for i in places]
        if len(set(ours)) > 1 and len(set(human)) > 1:
            spearman.append(float(spearmanr(ours, human)[0]))
            kendall.append(float(kendalltau(ours, human)[0]))
    return [float(np.mean(spearman)), float(np.mean(kendall))]
