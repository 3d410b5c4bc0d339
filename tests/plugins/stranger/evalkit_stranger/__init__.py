"""Scores rhymes, and reads poems."""
