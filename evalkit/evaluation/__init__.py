"""The facade: evaluate data, hold the result, compare, resume."""
