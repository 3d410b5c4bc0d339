"""The grammar of gates that compare, and errors that point at the character."""

import pytest

from evalkit.errors import GateSyntaxError
from evalkit.gates.condition import PAIRED
from evalkit.gates.grammar import parse_gates


@pytest.mark.parametrize(
    ("gate", "kind", "key", "margin", "level", "point"),
    [
        pytest.param("no_regression(m)", "no_regression", "m", None, None, False, id="default"),
        pytest.param(
            "no_regression(m, margin=0.02)", "no_regression", "m", 0.02, None, False, id="margin"
        ),
        pytest.param("improves( m ,by = 1 )", "improves", "m", 1.0, None, False, id="spaces"),
        pytest.param("equivalent(m, margin=2 %)", "equivalent", "m", 0.02, None, False, id="share"),
        pytest.param("improves(m) @ ci99", "improves", "m", None, 0.99, False, id="level"),
        pytest.param("improves(m, by=.5)@point", "improves", "m", 0.5, None, True, id="point"),
        pytest.param(
            "no_regression(m[a=b,c][d=e])", "no_regression", "m[a=b,c][d=e]", None, None, False,
            id="tags-with-a-comma",
        ),
        pytest.param(
            "no_regression(p95(operations.latency), margin=1)", "no_regression",
            "p95(operations.latency)", 1.0, None, False, id="function",
        ),
        pytest.param(
            "improves(worst(m, by=language), by=0.1)", "improves", "worst(m, by=language)", 0.1,
            None, False, id="worst",
        ),
        pytest.param(
            "improves(m.pass_at_k(4))", "improves", "m.pass_at_k(4)", None, None, False,
            id="reducer",
        ),
    ],
)  # fmt: skip
def test_a_gate_that_compares_is_read(  # noqa: PLR0917
    gate: str, kind: str, key: str, margin: float | None, level: float | None, point: bool
) -> None:
    (found,) = parse_gates(gate)

    assert found.compares
    assert (found.kind, found.key_text, found.level, found.point) == (kind, key, level, point)
    assert found.margin == (None if margin is None else pytest.approx(margin))
    assert found.text == gate


def test_gates_of_both_kinds_are_joined_by_and() -> None:
    found = parse_gates("a >= 1 and no_regression(b, margin=0.1) @ ci99 and coverage >= 0.9")

    assert [condition.kind for condition in found] == ["metric", "no_regression", "coverage"]
    assert [condition.compares for condition in found] == [False, True, False]
    assert set(PAIRED) == {"no_regression", "improves", "equivalent"}


@pytest.mark.parametrize(
    ("gate", "place", "expected"),
    [
        pytest.param("no_regression(m, by=1)", 17, "'margin='", id="wrong-argument"),
        pytest.param("improves(m, by=)", 15, "a number", id="no-number"),
        pytest.param("improves(m, by=-1)", 15, "0 or more", id="negative"),
        pytest.param("improves(m, by=1, x=2)", 16, "no further", id="too-many"),
        pytest.param("improves(m", 10, "'\\)' at the end", id="open"),
        pytest.param("improves()", 9, "a metric", id="no-metric"),
        pytest.param("improves(m) > 3", 12, "the end", id="a-comparison-too"),
        pytest.param("improves(m) @ maybe", 14, "ci95", id="confidence"),
        pytest.param("improves(m) @ ci50", 14, "above ci50", id="a-guess"),
        pytest.param("a >= 1 and equivalent(m[x])", 24, "tag=value", id="tag"),
        pytest.param("equivalent(avg(m))", 11, "one of mean", id="function"),
    ],
)
def test_an_error_points_at_the_character(gate: str, place: int, expected: str) -> None:
    with pytest.raises(GateSyntaxError, match=expected) as caught:
        parse_gates(gate)

    assert caught.value.position == place
