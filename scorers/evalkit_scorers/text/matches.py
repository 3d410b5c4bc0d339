"""Score whether the output is, contains or matches what was expected."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from evalkit.plugin import (
    CaseBatch,
    MetricFacts,
    PatternTimeoutError,
    ScoreColumn,
    Status,
    UsageError,
    as_references,
    compile_pattern,
    expected_values,
    output_texts,
    pattern_matches,
    references,
)
from evalkit_scorers.metric import YES_OR_NO, ReferenceMetric
from evalkit_scorers.text.pairing import best_reference, paired_texts, say_how_read, spread


def exact_match(
    output: str, reference: str, *, strip: bool = False, ignore_case: bool = False
) -> bool:
    """Return whether two texts are equal, by the settings of `ExactMatch`.

    Examples:
        >>> exact_match("Paris", "Paris"), exact_match(" paris", "Paris")
        (True, False)
        >>> exact_match(" paris", "Paris", strip=True, ignore_case=True)
        True

    References:
        Rajpurkar et al. (2016), *SQuAD*, exact match; here without their normalisation, for which
        see `normalized_match`.
    """
    if strip:
        output, reference = output.strip(), reference.strip()
    if ignore_case:
        output, reference = output.casefold(), reference.casefold()
    return output == reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactMatch(ReferenceMetric):
    """Say of each case whether the output equals any of its references."""

    signed_as: ClassVar[str] = "evalkit_scorers.text.exact_match:ExactMatch"
    name: str = "text.exact_match"
    strip: bool = False
    """Leave out white space at both ends."""

    ignore_case: bool = False
    """Compare case-folded texts."""

    facts = YES_OR_NO

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        outputs = output_texts(batch)
        expected = expected_values(batch, "expected_response")
        if self.strip or self.ignore_case:
            values = list(map(self._matches, outputs, expected))
        else:
            # One text against one text is what nearly every row is, and needs no call.
            values = [
                output == wanted
                if type(wanted) is str and output is not None
                else self._matches(output, wanted)
                for output, wanted in zip(outputs, expected, strict=True)
            ]
        return say_how_read(ScoreColumn.from_values(values, binary=True), batch)

    def _matches(self, output: str | None, expected: Any) -> bool | None:
        wanted = as_references(expected)
        if output is None or wanted is None:
            return None
        return any(
            exact_match(output, text, strip=self.strip, ignore_case=self.ignore_case)
            for text in wanted
        )


_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")


def squad_normalized(text: str) -> str:
    """Return *text* in lower case, without ASCII punctuation and English articles.

    White space becomes single blanks.  Punctuation goes first and leaves no gap, so ``U.S.``
    becomes ``us``.

    Examples:
        >>> squad_normalized("The  U.S. President's cat!")
        'us presidents cat'

    References:
        Rajpurkar et al. (2016), *SQuAD: 100,000+ Questions for Machine Comprehension of Text*,
        section 6.1 and the official evaluation script, version 1.1.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def normalized_match(output: str, reference: str) -> bool:
    """Return whether two texts are equal once normalised as in SQuAD.

    Case, ASCII punctuation, the articles *a*, *an*, *the* and the amount of white space do not
    count.  Where that leaves nothing of either text they are equal if they were so before, but for
    case and white space, and for punctuation where some words are left without it: the choice *A*
    is not the choice to say nothing, as it is in SQuAD, which has no such answers.

    Examples:
        >>> normalized_match("The Eiffel Tower.", "eiffel tower")
        True
        >>> normalized_match("A", "a."), normalized_match("", "A"), normalized_match("!!!", "???")
        (True, False, False)

    References:
        Rajpurkar et al. (2016), *SQuAD*, exact match of the official evaluation script.
    """
    got, wanted = squad_normalized(output), squad_normalized(reference)
    return got == wanted and (bool(got) or same_without_words(output, reference))


def same_without_words(output: str, reference: str) -> bool:
    """Return whether two texts of which normalising leaves nothing are the same.

    Examples:
        >>> same_without_words("The", "the."), same_without_words("the", "a")
        (True, False)
    """
    return _kept(output) == _kept(reference)


def _kept(text: str) -> str:
    """Return the words with their articles, or else the marks that are all there is."""
    lower = text.lower()
    return " ".join((lower.translate(_PUNCTUATION).split()) or lower.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedMatch(ReferenceMetric):
    """Say of each case whether its words are those of a reference, as SQuAD normalises both."""

    signed_as: ClassVar[str] = "evalkit_scorers.text.normalized_match:NormalizedMatch"
    name: str = "text.normalized_match"
    version: ClassVar[str] = "2"

    facts = YES_OR_NO

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        return best_reference(batch, normalized_match, binary=True)


def contains(
    output: str,
    references: Sequence[str],
    *,
    match: Literal["any", "all"] = "any",
    ignore_case: bool = False,
) -> bool:
    """Return whether references occur in *output*, character by character.

    The empty text occurs in every text.  Settings are those of `Contains`.

    Examples:
        >>> contains("It is Paris.", ["paris", "Lutetia"], ignore_case=True)
        True
        >>> contains("It is Paris.", ["Paris", "Lutetia"], match="all")
        False
    """
    if ignore_case:
        output, references = output.casefold(), [text.casefold() for text in references]
    occurs = (text in output for text in references)
    return any(occurs) if match == "any" else all(occurs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contains(ReferenceMetric):
    """Say of each case whether its references occur in the output."""

    signed_as: ClassVar[str] = "evalkit_scorers.text.contains:Contains"
    name: str = "text.contains"
    match: Literal["any", "all"] = "any"
    """Whether one of several references is enough, or all have to occur."""

    ignore_case: bool = False
    """Compare case-folded texts."""

    facts = YES_OR_NO

    def __post_init__(self) -> None:
        if self.match not in {"any", "all"}:
            raise UsageError(f"match= is 'any' or 'all', not {self.match!r}.")

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or reference."""
        rows, outputs, wanted = paired_texts(batch)
        values = [
            contains(output, texts, match=self.match, ignore_case=self.ignore_case)
            for output, texts in zip(outputs, wanted, strict=True)
        ]
        return say_how_read(spread(values, rows, len(batch), binary=True), batch)


def regex(output: str, pattern: str, *, full: bool = False, ignore_case: bool = False) -> bool:
    r"""Return whether *pattern* matches somewhere in *output*.

    It is Python's, and may hold flags, as in ``(?s)``.  Settings are those of `Regex`.

    Raises:
        re.error: If *pattern* is no regular expression.
        PatternTimeoutError: If it takes longer than a second.

    Examples:
        >>> regex("Answer: 42", r"\d+"), regex("Answer: 42", r"\d+", full=True)
        (True, False)

    References:
        The ``re`` module of Python.
    """
    return pattern_matches(compile_pattern(pattern, ignore_case=ignore_case), output, full=full)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """Say of each case whether the output matches any of its patterns.

    Without ``pattern`` the references of a case are its patterns; a case whose pattern does not
    compile fails, and one whose pattern takes longer than a second with the reason ``timeout``.
    """

    signed_as: ClassVar[str] = "evalkit_scorers.text.regex:Regex"
    name: str = "text.regex"
    pattern: str | None = None
    """Pattern for every case; ``None`` reads it from the expectations."""

    full: bool = False
    """The match has to be the whole output."""

    ignore_case: bool = False
    """Let letters match in either case."""

    facts: ClassVar[MetricFacts] = MetricFacts(low=0.0, high=1.0, binary=True)
    version: ClassVar[str] = "1"

    def __post_init__(self) -> None:
        if self.pattern is not None:
            try:
                compile_pattern(self.pattern, ignore_case=self.ignore_case)
            except re.error as error:
                raise UsageError(
                    f"pattern= is not a regular expression: {error}: {self.pattern!r}."
                ) from error

    @property
    def requires(self) -> frozenset[str]:
        """The output, and the expectations unless one pattern is for every case."""
        return frozenset({"outputs"} if self.pattern is not None else {"outputs", "expectations"})

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return yes or no for each case; skipped without output or pattern."""
        column = ScoreColumn.missing(len(batch), Status.SKIPPED)
        column.binary = True
        patterns = references(batch) if self.pattern is None else [[self.pattern]] * len(batch)
        for row, (output, listed) in enumerate(zip(output_texts(batch), patterns, strict=True)):
            if output is None or listed is None:
                continue
            try:
                column.values[row] = any(
                    regex(output, pattern, full=self.full, ignore_case=self.ignore_case)
                    for pattern in listed
                )
                column.status[row] = Status.OK
            except PatternTimeoutError as error:
                column.fail(row, "timeout", str(error))
            except re.error as error:
                column.fail(row, "scorer_error", f"not a regular expression: {error}: {listed!r}")
        return column
