"""What the words of a text are, in scripts with spaces and in those without."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from typing import Final

from evalkit.plugin import UsageError, near_miss

TOKENIZERS: Final = ("13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none")
"""Tokenizers of sacrebleu that need no file."""

_OF_FILES: Final = ("flores200", "flores101", "spBLEU-1K")
"""Those whose model has to lie on this machine: nothing is fetched while scoring."""

NO_SPACES: Final = (
    "\u0e00-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e80-\u0eff\u0f40-\u0fbc\u1000-\u104e\u1780-\u17d3"  # Lao, Tibetan, Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"  # radicals and marks of Han
    "\u3041-\u3096\u309d-\u309f"  # kana, and on the next line
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"  # Han beyond the first plane
)
"""Characters of scripts that write no spaces between words, for a class of a pattern."""

_CHARACTER: Final = re.compile(f"[{NO_SPACES}]")
_MARKS: Final = re.compile(
    "[\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u0e2f\u0e46]"
)

CUT: Final = "texts in a script without spaces are cut into characters"
"""What a metric says of cases that it reads so."""


def without_spaces(text: str) -> bool:
    """Say whether *text* has characters of a script that writes no spaces between words.

    Examples:
        >>> without_spaces("été"), without_spaces("한국어 문장"), without_spaces("Tokio 東京")
        (False, False, True)
    """
    return not text.isascii() and _CHARACTER.search(text) is not None


def cut(text: str, *, punctuation: bool = True) -> str:
    """Return *text* with blanks around each character of a script without spaces.

    Without *punctuation* the marks of East Asian texts become blanks.

    Examples:
        >>> cut("iPhone手机。"), cut("你好。", punctuation=False).split()
        ('iPhone 手  机 。', ['你', '好'])
    """
    if text.isascii():
        return text
    if not punctuation:
        text = _MARKS.sub(" ", text)
    return _CHARACTER.sub(r" \g<0> ", text)


def check_tokenizer(name: str) -> str:
    """Return *name* if it is a tokenizer that works here, without a network.

    Raises:
        UsageError: If it is none, or its model or library is not on this machine.
    """
    if name.endswith("-mecab") and name in TOKENIZERS:
        _made(name)
    if name in TOKENIZERS or (name in _OF_FILES and _model_is_here(name)):
        return name
    if name in _OF_FILES:
        raise UsageError(
            f"tokenize={name!r} needs a model that is not on this machine, and nothing is fetched "
            f'while scoring; fetch it once: python -c "from sacrebleu.metrics import BLEU; '
            f"BLEU(tokenize='{name}')\"."
        )
    raise UsageError(
        f"tokenize={name!r} is not offered.{near_miss(name, TOKENIZERS)} There are: "
        f"{', '.join(TOKENIZERS)}, and with their model on this machine {', '.join(_OF_FILES)}."
    )


def _model_is_here(name: str) -> bool:
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS  # start-up: few ask for it
    from sacrebleu.utils import SACREBLEU_DIR

    model = SPM_MODELS.get(name)
    if model is None:
        return False
    return os.path.exists(os.path.join(SACREBLEU_DIR, "models", os.path.basename(model["url"])))  # noqa: PTH110, PTH118, PTH119


@functools.cache
def tokenizer(name: str) -> Callable[[str], str]:
    """Return sacrebleu's tokenizer called *name*: text in, tokens separated by blanks out.

    Raises:
        UsageError: As of `check_tokenizer`.
    """
    return _made(check_tokenizer(name))


@functools.cache
def _made(name: str) -> Callable[[str], str]:
    from sacrebleu.metrics.bleu import BLEU

    try:
        tokenize: Callable[[str], str] = BLEU(tokenize=name, force=True).tokenizer
    except (ImportError, RuntimeError, AssertionError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"tokenize={name!r} cannot be used here: {why}") from error
    return tokenize
