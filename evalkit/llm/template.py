"""Prompt templates: Jinja2 in a sandbox, where a name that is missing is an error."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from evalkit.errors import BindingError, UsageError, near_miss

SUFFIXES: Final = (".md", ".txt", ".j2")
"""Endings by which a text is read as the name of a file."""

_LONGEST_PATH: Final = 300


class PromptTemplate:
    """A template over named values; it can read them, and neither change nor reach beyond them.

    Examples:
        >>> PromptTemplate("Translate into {{ language }}.").render({"language": "German"})
        'Translate into German.'
    """

    def __init__(self, text: str, *, source: str = "the prompt") -> None:
        """Compile *text*, called *source* in errors.

        Raises:
            UsageError: If it does not compile; names the line.
        """
        import jinja2

        self.text = text
        self.source = source
        try:
            self._template = _environment().from_string(text)
        except jinja2.TemplateSyntaxError as error:
            raise UsageError(
                f"{source} is no Jinja2 template: line {error.lineno}: {error.message}."
            ) from error

    def __repr__(self) -> str:
        return f"PromptTemplate(source={self.source!r})"

    @property
    def is_constant(self) -> bool:
        """Whether the text reads no value at all.

        Examples:
            >>> PromptTemplate("plain").is_constant, PromptTemplate("{{ a }}").is_constant
            (True, False)
        """
        from jinja2.meta import find_undeclared_variables

        return not find_undeclared_variables(_environment().parse(self.text))

    def render(self, values: Mapping[str, Any]) -> str:
        """Return the text with *values* filled in.

        Raises:
            BindingError: If it reads a name that *values* lack, or something the sandbox refuses.
        """
        import jinja2

        try:
            rendered: str = self._template.render(values)
        except jinja2.UndefinedError as error:
            hint = _hint(str(error), values)
            raise BindingError(
                f"{self.source}: {error.message}; it can read: {', '.join(values)}.{hint}"
            ) from None
        except jinja2.TemplateError as error:
            raise BindingError(f"{self.source}: {error.message}.") from None
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise BindingError(f"{self.source}: {type(error).__name__}: {error}.") from None
        return rendered


def open_template(prompt: str | Path, *, what: str = "prompt") -> PromptTemplate:
    """Return the template that *prompt* is, or that lies in the file it names.

    Raises:
        UsageError: If it names a file that cannot be read, or a registry.

    Examples:
        >>> open_template("Say {{ word }}.").render({"word": "hi"})
        'Say hi.'
    """
    if isinstance(prompt, str):
        if prompt.startswith("prompts:/"):
            raise UsageError(
                f"{what}={prompt!r}: registered prompts arrive with the registry; give a file."
            )
        if not _names_file(prompt):
            return PromptTemplate(prompt, source=f"{what}=")
    path = Path(prompt)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{what}={str(prompt)!r} is read as a file: {reason}.") from error
    return PromptTemplate(text.removesuffix("\n"), source=str(path))


def _names_file(prompt: str) -> bool:
    if "\n" in prompt or "{{" in prompt or len(prompt) > _LONGEST_PATH:
        return False
    # A misspelt name must not be sent as the prompt; a sentence may end with a file's name.
    return prompt.endswith(SUFFIXES) and (" " not in prompt or Path(prompt).is_file())


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # a prompt is text, not HTML
        keep_trailing_newline=True,
    )


def _hint(message: str, names: Collection[str]) -> str:
    parts = message.split("'")
    return near_miss(parts[1], names) if len(parts) > 1 else ""
