import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.entities.calibration import FIGURES
from evalkit.errors import GateSyntaxError
from evalkit.gates.grammar import parse_gates


@pytest.mark.parametrize(
    ("gate", "level", "point"),
    [
        pytest.param("calibrated(grounded, kappa >= 0.6)", None, False, id="plain"),
        pytest.param(" calibrated ( grounded ,kappa>=60% ) ", None, False, id="spaces"),
        pytest.param("calibrated(grounded, kappa >= 0.6) @ point", None, True, id="point-behind"),
        pytest.param("calibrated(grounded, kappa >= 0.6 @ point)", None, True, id="point-inside"),
        pytest.param("calibrated(grounded, kappa >= 0.6) @ ci99", 0.99, False, id="level"),
    ],
)
def test_a_gate_on_a_card_is_read(gate: str, level: float | None, point: bool) -> None:
    (found,) = parse_gates(gate)

    assert (found.kind, found.judge, found.figure) == ("calibrated", "grounded", "kappa")
    assert (found.op, found.threshold, found.level, found.point) == (">=", 0.6, level, point)
    assert (found.key, found.compares) == (None, False)


@given(st.sampled_from(sorted(FIGURES)), st.sampled_from([">=", "<=", ">", "<", "==", "!="]))
def test_every_figure_and_operator_is_read_and_joined_by_and(figure: str, op: str) -> None:
    found = parse_gates(f"calibrated(judge.x, {figure} {op} -0.25) and m >= 0.5")

    assert (found[0].judge, found[0].figure, found[0].op) == ("judge.x", figure, op)
    assert found[0].threshold == -0.25
    assert found[1].key_text == "m"


@pytest.mark.parametrize(
    ("gate", "at", "problem"),
    [
        pytest.param("calibrated(g, kapa >= 0.6)", "kapa", "Did you mean 'kappa'", id="figure"),
        pytest.param("calibrated(g kappa >= 0.6)", ")", "and a figure", id="no-comma"),
        pytest.param("calibrated(, kappa >= 0.6)", ", k", "a judge", id="no-judge"),
        pytest.param("calibrated(g, kappa 0.6)", "0.6", "one of >=", id="no-operator"),
        pytest.param("calibrated(g, kappa >= x)", " x", "a number", id="no-number"),
        pytest.param("calibrated(g, kappa >= 0.6", None, "')' at the end", id="open"),
        pytest.param("calibrated(g, kappa >= 0.6 0.7)", "0.7", "')' at the end", id="two-numbers"),
        pytest.param("calibrated(g, kappa >= 0.6) foo", "foo", "the end", id="more-behind"),
        pytest.param("calibrated(g, kappa >= 0.6 @ foo)", "foo", "ci95", id="unknown-level"),
        pytest.param("m >= 1 and calibrated(g, x >= 0.6)", "x", "one of accuracy", id="second"),
    ],
)
def test_what_does_not_parse_is_pointed_at(gate: str, at: str | None, problem: str) -> None:
    with pytest.raises(GateSyntaxError, match="does not parse") as caught:
        parse_gates(gate)

    told = str(caught.value)
    assert problem in told
    pointer = told.splitlines()[-1].index("^") - 2
    assert pointer == (len(gate) if at is None else gate.rindex(at))
