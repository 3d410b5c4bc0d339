"""Where runs are kept: a contract (`TrackingStore`), and SQLite files that fulfil it."""

from evalkit.store.interface import DEFAULT_EXPERIMENT_ID, TrackingStore
from evalkit.store.model_registry import ModelRegistry
from evalkit.store.open import open_store

__all__ = ["DEFAULT_EXPERIMENT_ID", "ModelRegistry", "TrackingStore", "open_store"]
