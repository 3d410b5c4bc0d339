"""Where a file is not UTF-8: the line and the byte."""

from __future__ import annotations

from pathlib import Path

from evalkit.plugin import DataError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def encoding_problem(text: bytes) -> str | None:
    r"""Return what is wrong with the encoding of *text*, or ``None`` if it is UTF-8.

    Examples:
        >>> encoding_problem(b"caf\xe9")
        'this is not UTF-8: byte 4 is 0xe9; save the file as UTF-8'
    """
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as wrong:
        if text[:2] in _UTF16:
            return "this is UTF-16; save the file as UTF-8"
        byte = text[wrong.start]
        return f"this is not UTF-8: byte {wrong.start + 1} is {byte:#04x}; save the file as UTF-8"
    return None


def encoding_error(path: Path, otherwise: str | None = None) -> DataError:
    """Return the error that names the first line of *path* that is not UTF-8.

    Args:
        path: The file.
        otherwise: How else than by saving it anew such a file is read.
    """
    hint = "" if otherwise is None else f", or say what it is: {otherwise}"
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            problem = encoding_problem(line)
            if problem is not None:
                return DataError(problem + hint, file=str(path), line=number)
    return DataError(f"this is not UTF-8; save the file as UTF-8{hint}", file=str(path))


def read_text(path: Path) -> str:
    """Return the text of *path*, without a byte order mark.

    Raises:
        DataError: If it is not UTF-8; names the line and the byte.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise encoding_error(path) from None
