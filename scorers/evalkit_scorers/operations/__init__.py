"""What an answer took: time, money and length."""

from typing import Final

from evalkit_scorers.family import lazily

HOMES: Final = {
    "Cost": "measured",
    "Latency": "measured",
    "OutputLength": "measured",
    "TimeToFirstToken": "measured",
}
"""Class of each scorer -> its module."""

__getattr__ = lazily(__name__, HOMES)
