"""Gates: declared conditions on estimates, and their verdicts."""
