"""What is evaluated: callables, estimators, endpoints and chat models behind one protocol."""
