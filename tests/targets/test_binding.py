"""How cases are bound to functions: the table of API.md, and what is refused."""

# ruff: noqa: ARG005  a parameter's name is what is under test

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation
from evalkit.errors import BindingError
from evalkit.targets.binding import Binder

ONE = {"question": "why?"}
TWO = {"question": "why?", "language": "de"}


def bound(function: Callable[..., Any], inputs: dict[str, Any], **more: Any) -> Any:
    case = Case(id="a", inputs=inputs, session="s", turn=1)
    positional, keywords = Binder(function).arguments(Invocation(case=case, **more))
    return function(*positional, **keywords)


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def outer(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return outer


def bare(function: Callable[..., Any]) -> Callable[..., Any]:
    def outer(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return outer


def default_language(question: str, language: str = "en") -> Any:
    return (question, language)


def rest(question: str, **more: Any) -> Any:
    return (question, more)


def only_rest(**more: Any) -> Any:
    return more


def starred(*values: Any) -> Any:
    return values


def positional(question: str, language: str = "en", /) -> Any:
    return (question, language)


def positional_lone(text: str, /) -> Any:
    return text


def positional_with_seed(seed: int, text: str, /) -> Any:
    return (seed, text)


def option(inputs: dict[str, Any], temperature: float = 0.5) -> Any:
    return (inputs, temperature)


def fixed(model: str, prompt: str, language: str = "en") -> Any:
    return (model, prompt, language)


class Bot:
    def answer(self, question: str) -> str:
        return question


TABLE = [
    pytest.param(lambda question: question, ONE, "why?", id="an input by its name"),
    pytest.param(lambda question: question, TWO, "why?", id="one input of several by its name"),
    pytest.param(lambda language, question: (question, language), TWO, ("why?", "de"), id="order"),
    pytest.param(lambda inputs: inputs, TWO, TWO, id="the mapping"),
    pytest.param(lambda text: text, ONE, "why?", id="a lone name gets the sole value"),
    pytest.param(lambda text: text, TWO, TWO, id="a lone name gets the mapping of several"),
    pytest.param(lambda text, seed: (text, seed), ONE, ("why?", 7), id="lone beside an offered"),
    pytest.param(lambda case: case.id, ONE, "a", id="the case"),
    pytest.param(lambda session, repeat: (session, repeat), ONE, ("s", 2), id="session, repeat"),
    pytest.param(lambda history: history, ONE, [{"inputs": {}, "outputs": 1}], id="history"),
    pytest.param(lambda: 1, ONE, 1, id="nothing at all"),
    pytest.param(default_language, ONE, ("why?", "en"), id="default"),
    pytest.param(default_language, TWO, ("why?", "de"), id="default replaced"),
    pytest.param(rest, TWO, ("why?", {"language": "de"}), id="the rest"),
    pytest.param(only_rest, TWO, TWO, id="everything as keywords"),
    pytest.param(starred, ONE, ("why?",), id="only starred: the sole value"),
    pytest.param(starred, TWO, (TWO,), id="only starred: the mapping"),
    pytest.param(positional, ONE, ("why?", "en"), id="positional with default"),
    pytest.param(positional, TWO, ("why?", "de"), id="positional"),
    pytest.param(positional_lone, ONE, "why?", id="lone positional"),
    pytest.param(positional_with_seed, ONE, (7, "why?"), id="positional offered"),
    pytest.param(option, ONE, (ONE, 0.5), id="an option beside the mapping keeps its default"),
    pytest.param(functools.partial(fixed, "m"), {"prompt": "p"}, ("m", "p", "en"), id="partial"),
    pytest.param(
        functools.partial(fixed, model="m", language="fr"),
        {"text": "p"},
        ("m", "p", "fr"),
        id="partial by keyword, then lone",
    ),
    pytest.param(Bot().answer, TWO, "why?", id="bound method"),
    pytest.param(wrapped(default_language), TWO, ("why?", "de"), id="wrapped"),
    pytest.param(bare(default_language), TWO, ("why?", "de"), id="wrapped without its signature"),
    pytest.param(len, {"text": "four"}, 4, id="built in"),
    pytest.param(max, {"numbers": [1, 3]}, 3, id="built in without a signature"),
]


@pytest.mark.parametrize(("function", "inputs", "expected"), TABLE)
def test_a_function_gets_what_it_names(
    function: Callable[..., Any], inputs: dict[str, Any], expected: Any
) -> None:
    history = [{"inputs": {}, "outputs": 1}]
    assert bound(function, inputs, seed=7, repeat=2, history=history) == expected


REFUSED = [
    pytest.param(lambda qestion, topic: 0, TWO, "'qestion', 'topic'", id="names no input"),
    pytest.param(lambda qestion, x: 0, TWO, "Did you mean 'question'?", id="near miss"),
    pytest.param(
        lambda qestion, x: 0, TWO, "inputs of case 'a' are 'question', 'language'", id="inputs"
    ),
    pytest.param(lambda question: 0, {}, "there are no inputs", id="nothing to give"),
    pytest.param(rest, {}, "'question'", id="the rest does not help"),
    pytest.param(lambda prompt, language="en": 0, ONE, "'prompt'", id="not lone beside an option"),
    pytest.param(lambda a, b, /: 0, ONE, "'a', 'b'", id="positional"),
]


@pytest.mark.parametrize(("function", "inputs", "told"), REFUSED)
def test_what_does_not_bind_is_refused_before_and_at_the_call(
    function: Callable[..., Any], inputs: dict[str, Any], told: str
) -> None:
    binder = Binder(function)
    case = Case(id="a", inputs=inputs)
    with pytest.raises(BindingError) as before:
        binder.check(CaseBatch.of([case]))
    with pytest.raises(BindingError) as at_the_call:
        binder.arguments(Invocation(case=case))
    assert told in str(before.value)
    assert str(at_the_call.value) == str(before.value)


def test_the_case_that_lacks_an_input_is_named() -> None:
    cases = [Case(id="a", inputs=TWO), Case(id="b", inputs=ONE)]
    with pytest.raises(BindingError, match="of case 'b'"):
        Binder(lambda question, language: 0).check(CaseBatch.of(cases))


def test_no_cases_need_no_binding() -> None:
    Binder(lambda question, language: 0).check(CaseBatch.of([]))


def test_a_function_that_changes_its_arguments_does_not_change_the_case() -> None:
    messages = [{"role": "user", "content": "hi"}]
    case = Case(inputs={"messages": messages})

    def careless(messages: list[Any], inputs: dict[str, Any], history: list[Any]) -> None:
        messages.append("more")
        inputs.clear()
        history.clear()

    history = [{"outputs": 1}]
    invocation = Invocation(case=case, history=history)
    positional_values, keywords = Binder(careless).arguments(invocation)
    careless(*positional_values, **keywords)
    assert case.inputs == {"messages": [{"role": "user", "content": "hi"}]}
    assert history == [{"outputs": 1}]


names = st.sampled_from(["question", "language", "context", "x", "inputs", "seed", "case"])


@given(
    parameters=st.lists(names, unique=True, max_size=5),
    optional=st.sets(names),
    given_names=st.lists(names, unique=True, max_size=5),
)
def test_what_passes_the_check_can_be_called(
    parameters: list[str], optional: set[str], given_names: list[str]
) -> None:
    """For every signature: checked and accepted means called without a TypeError."""
    ordered = sorted(parameters, key=lambda name: name in optional)
    source = ", ".join(f"{name}=None" if name in optional else name for name in ordered)
    function = eval(f"lambda {source}: 'called'")  # noqa: S307  a signature made above
    case = Case(inputs=dict.fromkeys(given_names, 1))
    binder = Binder(function)
    try:
        binder.check(CaseBatch.of([case]))
    except BindingError:
        needed = {name for name in parameters if name not in optional}
        assert not needed <= {*given_names, "inputs", "seed", "case"}
        return
    positional_values, keywords = binder.arguments(Invocation(case=case))
    assert function(*positional_values, **keywords) == "called"
