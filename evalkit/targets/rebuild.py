"""Building a target again from its identity, as a resumed run does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.entities.target import Target
from evalkit.errors import SpecificationError


def rebuild_target(described: Mapping[str, Any]) -> Target:
    """Return the target that an identity's fields describe.

    Args:
        described: ``kind, name, parameters, reference, version``, as a plan keeps them.

    Raises:
        SpecificationError: If it lives in a script or notebook, or was given header values, which
            are never kept.

    Examples:
        >>> rebuild_target({"kind": "callable", "name": "len", "reference": "builtins:len",
        ...                 "parameters": {}, "version": None}).identity.name
        'len'
    """
    build = {"endpoint": _endpoint, "chat": _chat}.get(described["kind"], _python)
    return build(described)


def _python(described: Mapping[str, Any]) -> Target:
    from evalkit.targets.open import open_target

    target = None
    if described["reference"] is not None:
        target = open_target(
            described["reference"], version=described["version"], name=described["name"]
        )
    if target is None:
        raise SpecificationError(
            f"Target {described['name']!r} lives in a script or notebook; resume there, by "
            "evaluate(..., runtime=Runtime(resume=RUN))."
        )
    return target


def _endpoint(described: Mapping[str, Any]) -> Target:
    from evalkit.targets.endpoint import endpoint

    settings = dict(described["parameters"])
    headers = settings.pop("headers")
    if headers:
        raise SpecificationError(
            f"Endpoint {described['name']!r} was given the headers {', '.join(headers)}, whose "
            "values are never kept; resume by evaluate(..., runtime=Runtime(resume=RUN))."
        )
    _require_reference(described)
    return endpoint(
        described["reference"], name=described["name"], version=described["version"], **settings
    )


def _chat(described: Mapping[str, Any]) -> Target:
    from evalkit.targets.chat import chat

    _require_reference(described)
    settings = dict(described["parameters"])
    sampling = settings.pop("sampling")
    return chat(
        described["reference"],
        name=described["name"],
        version=described["version"],
        **settings,
        **sampling,
    )


def _require_reference(described: Mapping[str, Any]) -> None:
    if described["reference"] is None:
        raise SpecificationError(
            f"The address of {described['name']!r} held a secret, which was never kept; resume by "
            "evaluate(..., runtime=Runtime(resume=RUN)), and name secrets by auth_environment=."
        )
