"""What an answer took: time, money and length."""

from evalkit_scorers.operations.measured import Cost, Latency, TimeToFirstToken
from evalkit_scorers.operations.output_length import OutputLength

__all__ = ["Cost", "Latency", "OutputLength", "TimeToFirstToken"]
