"""Judges: scorers that ask a language model, hardened against the texts that they judge."""
