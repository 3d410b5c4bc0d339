"""The judges that come with evalkit: scorers that ask a language model."""
