"""Answers that follow a schema: what is asked of the model, and reading what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from evalkit._internal.canonical import parse_json
from evalkit.errors import TargetError, UsageError
from evalkit.llm.connection import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSchema:
    """A JSON Schema, and the pydantic model it came from if it did.

    Examples:
        >>> schema = ResponseSchema.of({"type": "object", "required": ["city"]})
        >>> schema.read('{"city": "Paris"}')
        {'city': 'Paris'}
    """

    schema: Mapping[str, Any]
    model: Any = None

    @classmethod
    def of(cls, given: Any) -> ResponseSchema:
        """Return *given*, a JSON Schema or a pydantic model class, as a schema.

        Raises:
            UsageError: If it is neither.
        """
        if isinstance(given, Mapping):
            return cls(schema=cast("Mapping[str, Any]", given))
        make = getattr(given, "model_json_schema", None)
        if isinstance(given, type) and callable(make):
            return cls(schema=cast("Mapping[str, Any]", make()), model=given)
        raise UsageError(
            f"response_schema= is a JSON Schema or a pydantic model class; got {given!r}."
        )

    def read(self, text: str) -> Any:
        """Return the value in *text*, which has the keys that the schema requires.

        Raises:
            TargetError: With reason ``invalid_response`` if it is not JSON or lacks something.
        """
        try:
            value = parse_json(text)
        except ValueError:
            raise TargetError(
                "invalid_response", f"the answer is not JSON: {shown(text)}"
            ) from None
        if self.model is not None:
            try:
                return self.model.model_validate(value).model_dump(mode="json")
            except ValueError as error:
                raise TargetError(
                    "invalid_response", f"wrong schema: {shown(str(error))}"
                ) from None
        problem = self._problem(value)
        if problem:
            raise TargetError("invalid_response", f"wrong schema: {problem}: {shown(text)}")
        return value

    def _problem(self, value: Any) -> str | None:
        """Say what of the outermost object is missing; what lies within is a scorer's affair."""
        required = self.schema.get("required", ())
        if self.schema.get("type") != "object" and not required:
            return None
        if not isinstance(value, Mapping):
            return "it is no object"
        missing = [name for name in required if name not in value]
        return f"it lacks {', '.join(map(repr, missing))}" if missing else None
