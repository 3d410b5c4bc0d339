"""Cases in, columns out: plans, calls, scores, and the journal that survives a kill."""
