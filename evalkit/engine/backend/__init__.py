"""Backends: where the shards of a plan run.  Each fills the same `RunState`."""
