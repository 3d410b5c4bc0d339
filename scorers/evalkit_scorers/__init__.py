"""The scorers that come with evalkit: text, classification, regression and operations."""
