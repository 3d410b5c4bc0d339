"""Where runs are kept: a contract (`Store`), and databases that fulfil it."""

from evalkit.store.interface import DEFAULT_EXPERIMENT_ID, Store
from evalkit.store.open import open_store

__all__ = ["DEFAULT_EXPERIMENT_ID", "Store", "open_store"]
