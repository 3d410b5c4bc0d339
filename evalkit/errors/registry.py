"""Errors of the registry of models."""

from __future__ import annotations

from collections.abc import Collection

from evalkit.errors.data import NotFoundError
from evalkit.errors.usage import UsageError, near_miss


class RegisteredModelNotFoundError(NotFoundError):
    """The registry has no model of the requested name."""

    kind = "registered model"
    see = "See 'evalkit models list'."


class ModelVersionNotFoundError(NotFoundError):
    """A registered model has no version of the requested number, or no such alias."""

    kind = "model version"

    def __init__(self, model: str, what: str, reference: str, known: Collection[str] = ()) -> None:
        super().__init__(reference, known)
        self.model = model
        self.what = what  # "version" or "alias"
        self.reference = reference
        self.args = (model, what, reference, self.known)

    def __str__(self) -> str:
        if (self.what, self.reference) == ("version", "latest"):
            return f"Registered model {self.model!r} has no version yet."
        hint = near_miss(self.reference, self.known)
        has = f" It has: {', '.join(self.known[:10])}." if self.known and not hint else ""
        return f"Registered model {self.model!r} has no {self.what} {self.reference}.{hint}{has}"


class ModelUriError(UsageError):
    """A ``models:/`` URI is of no form that is read."""

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(uri, problem)
        self.uri = uri
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.uri!r} {self.problem}; write models:/NAME/VERSION, models:/NAME@ALIAS or "
            "models:/NAME/latest."
        )
