"""Judging a trace by reading it through tools, never as a whole."""
