"""Judges against people: labels, cards, calibration and corrected numbers."""
