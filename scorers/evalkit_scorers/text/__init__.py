"""Scorers that compare the text of an answer with reference texts, or look at the text alone."""
