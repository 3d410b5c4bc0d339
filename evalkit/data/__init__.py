"""Data: from any source to validated, hashed cases in a snapshot that resume reads."""
