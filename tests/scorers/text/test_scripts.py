"""Texts in every script have words, and texts without any agree only if they are the same."""

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from evalkit import evaluate, get_scorer
from evalkit.errors import UsageError
from evalkit_scorers.text.bleu import bleu_of, bleu_statistics
from evalkit_scorers.text.matches import normalized_match
from evalkit_scorers.text.rouge import rouge_scores
from evalkit_scorers.text.token_f1 import token_f1
from evalkit_scorers.text.words import cut, without_spaces

IDENTICAL = [
    pytest.param("你好世界", True, id="chinese"),
    pytest.param("こんにちは世界", True, id="japanese"),
    pytest.param("สวัสดีครับ", True, id="thai"),
    pytest.param("ဟယ်လို", True, id="burmese"),
    pytest.param("សួស្តី", True, id="khmer"),
    pytest.param("مرحبا بالعالم", False, id="arabic"),
    pytest.param("добрый день", False, id="russian"),
    pytest.param("안녕하세요 세계", False, id="korean"),
    pytest.param("γειά σου κόσμε", False, id="greek"),  # noqa: RUF001
    pytest.param("שלום עולם", False, id="hebrew"),
    pytest.param("नमस्ते दुनिया", False, id="hindi"),
    pytest.param("the cat sat on the mat", False, id="english"),
]


@pytest.mark.parametrize(("text", "is_cut"), IDENTICAL)
@pytest.mark.parametrize("name", ["text.rouge", "text.token_f1", "text.bleu"])
def test_identical_texts_get_the_best_value_and_cutting_is_said(
    name: str, text: str, is_cut: bool
) -> None:
    text = f"{text} {text}"
    rows = [{"output": text, "expected": text}] * 3
    scorer: Any = get_scorer(name)

    estimate = next(iter(evaluate(data=rows, scorers=[scorer]).estimates.values()))

    assert estimate.value == pytest.approx(100 if name == "text.bleu" else 1)
    assert ("cut into characters (3 of 3)" in (estimate.note or "")) is is_cut


@pytest.mark.parametrize(
    ("output", "reference", "value"),
    [
        pytest.param("北京大学", "北京", 2 / 3, id="chinese"),
        pytest.param("北京。", "北京", 1.0, id="marks-of-chinese"),
        pytest.param("iPhone手机", "iphone 手机", 1.0, id="mixed"),
        pytest.param("Привет, мир!", "привет мир", 1.0, id="russian"),
    ],
)
def test_words_of_other_scripts_overlap(output: str, reference: str, value: float) -> None:
    assert token_f1(output, reference) == pytest.approx(value)


def test_half_of_the_characters_are_half_of_the_words() -> None:
    scores = rouge_scores(["北京大学"], ["北京东路"], variants=["rouge1", "rouge2", "rougeL"])

    assert scores["rouge1"].f.tolist() == scores["rougeL"].f.tolist() == [0.5]
    assert scores["rouge2"].f.tolist() == pytest.approx([1 / 3])


@pytest.mark.parametrize("text", ["été à la plage", "naïve café", "“quoted” – dash", "5€ for 3½"])
def test_latin_texts_have_the_words_of_rouge_score(text: str) -> None:
    reference = "ete a la plage cafe quoted 5 for 3"

    wanted = RougeScorer(["rouge1"]).score(reference, text)["rouge1"].fmeasure

    assert rouge_scores([text], [reference], variants=["rouge1"])["rouge1"].f[0] == wanted


def test_lines_of_other_scripts_stay_lines() -> None:
    text = "你好\n世界"

    assert rouge_scores([text], [text], variants=["rougeLsum"])["rougeLsum"].f.tolist() == [1.0]


def test_bleu_of_cut_texts_is_that_of_their_characters() -> None:
    pair: tuple[list[str], list[list[str]]] = (["我们去北京大学"], [["我们去北京东路"]])

    found = bleu_of(bleu_statistics(*pair))

    assert found == pytest.approx(bleu_of(bleu_statistics(*pair, tokenize="zh")))
    assert found[0] > bleu_of(bleu_statistics(*pair, tokenize="13a"))[0]


@pytest.mark.parametrize("name", ["text.token_f1", "text.rouge", "text.bleu"])
class TestTokenizers:
    def test_one_of_the_field_is_taken_by_request_and_signed(self, name: str) -> None:
        rows = [{"output": "我们去北京", "expected": "我们去北京"}]
        scorer = get_scorer(name, tokenize="zh")
        result = evaluate(data=rows, scorers=[scorer])

        assert "tokenize:zh" in result.metrics[0].signature
        assert "cut" not in (next(iter(result.estimates.values())).note or "")

    def test_a_misspelt_one_is_refused(self, name: str) -> None:
        with pytest.raises(UsageError, match="Did you mean 'zh'"):
            get_scorer(name, tokenize="zhh")

    def test_one_that_would_fetch_a_model_says_how(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", "/nowhere")

        with pytest.raises(UsageError, match="nothing is fetched while scoring"):
            get_scorer(name, tokenize="flores200")


def test_what_is_cut() -> None:
    assert cut("no change at all, été") == "no change at all, été"
    assert not without_spaces("한국어 문장")
    assert cut("ไทย").split() == ["ไ", "ท", "ย"]


@pytest.mark.parametrize(
    ("output", "reference", "same"),
    [
        pytest.param("", "A", False, id="no-answer-is-not-the-choice-a"),
        pytest.param("the", "A", False, id="two-articles"),
        pytest.param("!!!", "???", False, id="two-marks"),
        pytest.param("", "...", False, id="nothing-and-a-mark"),
        pytest.param("A", "A", True, id="the-choice-a"),
        pytest.param("a.", "A", True, id="the-choice-a-with-a-stop"),
        pytest.param("!!!", "!!!", True, id="equal-marks"),
        pytest.param("", "", True, id="both-empty"),
        pytest.param("an apple", "apple", True, id="articles-beside-words"),
    ],
)
def test_texts_that_normalising_empties_agree_if_they_were_equal(
    output: str, reference: str, same: bool
) -> None:
    assert normalized_match(output, reference) is same
    assert token_f1(output, reference) == float(same)


class TestMappings:
    ROWS = ({"output": {"answer": "a0", "why": "x"}, "expected": "a0"},) * 3

    @pytest.mark.parametrize(
        "name", ["text.exact_match", "text.token_f1", "text.contains", "text.bleu", "text.rouge"]
    )
    def test_one_that_is_compared_as_text_is_said_with_a_way_out(self, name: str) -> None:
        estimate = next(iter(evaluate(data=list(self.ROWS), scorers=[name]).estimates.values()))

        assert "reads={'outputs': 'outputs.answer'} takes a part of it (3 of 3)" in (
            estimate.note or ""
        )

    def test_a_part_that_is_read_needs_no_remark(self) -> None:
        scorer: Any = get_scorer("text.exact_match", reads={"outputs": "outputs.answer"})
        estimate = evaluate(data=list(self.ROWS), scorers=[scorer])["text.exact_match"]

        assert (estimate.value, estimate.note) == (1.0, None)


def test_the_signature_says_how_words_are_made() -> None:
    rows = [{"output": "It was George Eliot.", "expected": "George Eliot"}]
    result = evaluate(data=rows, scorers=["text.token_f1"])

    assert result["text.token_f1"].value == pytest.approx(2 / 3)
    assert "version:2|normalize:squad" in result.metrics[0].signature


@pytest.mark.parametrize("scorer", ["text.bleu", "text.rouge", "text.token_f1"])
@pytest.mark.parametrize("language", ["ja", "ko"])
def test_a_tokenizer_without_its_library_is_refused_before_the_run(
    scorer: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"sacrebleu.tokenizers.tokenizer_{language}_mecab")
    monkeypatch.setattr(module, "MeCab", None)

    with pytest.raises(UsageError, match="pip install"):
        get_scorer(scorer, tokenize=f"{language}-mecab")


@pytest.mark.parametrize("text", ["", "!!!", " \n", "🙂"])
def test_equal_texts_without_words_have_no_rouge_and_say_so(text: str) -> None:
    rows = [{"question": "q", "output": text, "expected": text}] * 3

    estimate = evaluate(data=rows, scorers=["text.rouge"])["text.rouge.rouge1"]

    assert estimate.value == 0.0
    assert "nothing to count" in str(estimate.note)


@given(st.lists(st.sampled_from(["the", "cat", "sat", "."]), min_size=4, max_size=60))
def test_bleu_of_equal_texts_is_exactly_100(parts: list[str]) -> None:
    counts = bleu_statistics([" ".join(parts)], [[" ".join(parts)]])

    assert bleu_of(counts).tolist() == [100.0]
    assert bleu_of(counts.sum(axis=0), smooth_method="none") == 100.0


@pytest.mark.parametrize(
    ("output", "told", "path"),
    [({"answer": "a"}, "a mapping", "outputs.answer"), (["a"], "a list", "outputs.0")],
    ids=["mapping", "list"],
)
def test_what_is_compared_as_json_is_said_with_what_to_do(
    output: Any, told: str, path: str
) -> None:
    rows = [{"question": "q", "output": output, "expected": "a"}] * 3
    read = get_scorer("text.exact_match", name="part", reads={"outputs": path})

    result = evaluate(data=rows, scorers=["text.exact_match", read])

    assert f"the output is {told}, compared as JSON" in str(result["text.exact_match"].note)
    assert path in str(result["text.exact_match"].note)
    assert result["part"].value == 1.0
