"""From cases to scores to estimates: the protocol of scorers and what becomes of their verdicts."""
