"""Score the overlap of the words of output and reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evalkit.plugin import UNIT, CaseBatch, ScoreColumn
from evalkit_scorers.metric import ReferenceMetric
from evalkit_scorers.text.matches import same_without_words, squad_normalized
from evalkit_scorers.text.pairing import best_reference
from evalkit_scorers.text.words import check_tokenizer, cut, tokenizer


def token_f1(
    output: str, reference: str, *, normalize: bool = True, tokenize: str | None = None
) -> float:
    """Return the harmonic mean of word precision and recall, in [0, 1].

    Words are compared as bags.  They are those of SQuAD's evaluation script: in lower case, split
    on white space, without punctuation and the articles *a*, *an*, *the*; without *normalize* these
    stay, and words are case-folded.  Texts in a script without spaces are cut into characters,
    unless *tokenize* names a tokenizer of sacrebleu.

    Two texts without words agree fully if they were equal before they were normalised (see
    `normalized_match`); one text without words agrees with nothing.

    Examples:
        >>> token_f1("It was George Eliot.", "George Eliot")
        0.6666666666666666
        >>> token_f1("The cat!", "cat"), token_f1("The cat!", "cat", normalize=False)
        (1.0, 0.0)
        >>> token_f1("北京大学", "北京")
        0.6666666666666666

    References:
        Rajpurkar et al. (2016), *SQuAD*, F1 score.
    """
    got, wanted = (_words(text, normalize, tokenize) for text in (output, reference))
    if not got and not wanted:
        return float(same_without_words(output, reference))
    shared = (Counter(got) & Counter(wanted)).total()
    return 2 * shared / (len(got) + len(wanted))


def _words(text: str, normalize: bool, tokenize: str | None) -> list[str]:
    plain = squad_normalized(text) if normalize else text.casefold()
    if tokenize is not None:
        return tokenizer(tokenize)(plain).split()
    return cut(plain, punctuation=not normalize).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenF1(ReferenceMetric):
    """Score each case with F1 of its words and those of the reference that it matches best."""

    name: str = "text.token_f1"
    version: ClassVar[str] = "2"
    normalize: bool = True
    """Leave out punctuation and articles first, as SQuAD does."""

    tokenize: str | None = None
    """Tokenizer of sacrebleu, such as ``zh``, ``ja-mecab``, ``ko-mecab``, ``char``, ``flores200``.
    ``None`` splits on white space, and texts in a script without spaces into characters."""

    facts = UNIT

    def __post_init__(self) -> None:
        if self.tokenize is not None:
            check_tokenizer(self.tokenize)

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the signature shows, since defaults are what people compare with: all settings."""
        words = self.tokenize or "white space, else characters"
        return {"normalize": "squad" if self.normalize else "case", "tokenize": words}

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return the overlap of each case, in [0, 1]; skipped without output or reference."""
        return best_reference(
            batch,
            lambda output, text: token_f1(
                output, text, normalize=self.normalize, tokenize=self.tokenize
            ),
            cuts=self.tokenize is None,
        )
