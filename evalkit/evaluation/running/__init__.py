"""What runs an evaluation: from its arguments to its files."""
