"""Run evaluation suites as native pytest items."""
