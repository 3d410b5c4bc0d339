"""Prompt templates: filled from values, and unable to do anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import BindingError, UsageError
from evalkit.llm.template import PromptTemplate, open_template


@given(value=st.text())
def test_a_value_stands_in_the_text_as_it_is(value: str) -> None:
    """Nothing is escaped, and nothing in a value is a template itself."""
    assert PromptTemplate("<{{ x }}>").render({"x": value}) == f"<{value}>"


@given(text=st.text("abc{}% \n", max_size=20))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        template = PromptTemplate(text)
    except UsageError:
        return
    try:
        template.render({"a": 1, "b": 2, "c": 3})
    except BindingError:
        return


def test_final_line_breaks_of_a_text_are_kept() -> None:
    assert open_template("a\n").render({}) == "a\n"


@pytest.mark.parametrize(
    "attack",
    [
        "{{ x.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ x.update({'a': 2}) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
    ],
)
def test_a_template_reaches_nothing_beyond_its_values(attack: str) -> None:
    values = {"x": {"a": 1}}
    try:
        rendered = PromptTemplate(attack).render(values)
    except BindingError:
        rendered = ""
    assert "class" not in rendered
    assert "builtins" not in rendered
    assert values == {"x": {"a": 1}}
