"""A pairwise judge of the library: its prompt is a file, read when it is first needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from evalkit.plugin import Case, PairwiseJudge, checked_parameters, load_judge, parameter_types
from evalkit_judges.good_cases import compared_cases
from evalkit_judges.library import PREFIX

PROMPTS: Final = Path(__file__).parent / "pairs"
_OWN: Final = ("first", "second", "inconsistent")


class LibraryPair(PairwiseJudge):
    """Score how often one answer is preferred to another, asked in both orders."""

    __slots__ = ()

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the judge whose prompt is the file *name*, which is not read yet."""
        judge = object.__new__(cls)
        object.__setattr__(judge, "name", PREFIX + name)
        for field in dataclasses.fields(PairwiseJudge):
            if field.name in _OWN:
                object.__setattr__(judge, field.name, field.default)
        return judge

    def __getattr__(self, setting: str) -> Any:
        """Read the file: Python asks here for the judge while it is not there yet."""
        if setting != "judge":
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {setting!r}", obj=self)
        read = load_judge(PROMPTS / f"{self.name.removeprefix(PREFIX)}.md")
        object.__setattr__(self, "judge", read)
        return read

    @property
    def degradations(self) -> tuple[str, ...]:
        """Names of the ways to make the first answer worse that this judge must not reward."""
        answers = ("negate", "swap_numbers", "truncate", "empty", "echo", "other_answer")
        return (*answers, "shuffle_words")

    @property
    def good_cases(self) -> tuple[Case, ...]:
        """Cases whose first answer is better, for audits without other data."""
        return compared_cases()

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Settings as they are: of the pair, and of the judge that is asked."""
        own = {name: getattr(self, name) for name in _OWN}
        return {**own, **{name: getattr(self.judge, name) for name in parameter_types(self.judge)}}

    @property
    def described_by(self) -> Any:
        """Function whose docstring says what the settings of the judge mean."""
        return self.judge.described_by

    def configured(self, **parameters: Any) -> Self:
        """Return this judge with other places of the answers, or other settings of its judge.

        Raises:
            UsageError: If there is no such setting.

        Examples:
            >>> LibraryPair.named("pairwise_preference").configured(model="openai/x").model
            'openai/x'
        """
        own_types = parameter_types(self)
        accepts = {**{name: own_types[name] for name in _OWN}, **parameter_types(self.judge)}
        parameters = checked_parameters(self.name, parameters, accepts)
        own = {name: value for name, value in parameters.items() if name in _OWN}
        settings = {name: value for name, value in parameters.items() if name not in _OWN}
        return dataclasses.replace(self, judge=dataclasses.replace(self.judge, **settings), **own)
