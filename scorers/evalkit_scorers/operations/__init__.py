"""What an answer took: time, money and length."""

from evalkit_scorers.operations.measured import Cost, Latency, OutputLength, TimeToFirstToken

__all__ = ["Cost", "Latency", "OutputLength", "TimeToFirstToken"]
