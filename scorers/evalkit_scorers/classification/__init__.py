"""Metrics of classifiers: of labels, and of probabilities."""
