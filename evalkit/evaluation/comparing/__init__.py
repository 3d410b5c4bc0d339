"""Pairs, differences, comparisons, slices, ranks and sample sizes."""
