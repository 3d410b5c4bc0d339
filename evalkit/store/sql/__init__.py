"""Stores in SQL; imported when the first store is opened, never before."""
