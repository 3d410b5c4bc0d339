"""Gates on results, and stopping early."""
