"""The dataset sources that come with evalkit, and its own small sets of cases."""
