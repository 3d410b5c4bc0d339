"""One grammar for every search: text, then a tree, then SQL or a predicate."""

from evalkit.store.filters.grammar import parse_filter, parse_order
from evalkit.store.filters.predicate import matches
from evalkit.store.filters.searchable import EXPERIMENTS, MODELS, RUNS, Searchable
from evalkit.store.filters.tree import And, Comparison, Filter, Not, Or, Order

__all__ = [
    "EXPERIMENTS",
    "MODELS",
    "RUNS",
    "And",
    "Comparison",
    "Filter",
    "Not",
    "Or",
    "Order",
    "Searchable",
    "matches",
    "parse_filter",
    "parse_order",
]
