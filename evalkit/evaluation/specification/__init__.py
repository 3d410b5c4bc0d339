"""The YAML form of the words of `evaluate`."""
