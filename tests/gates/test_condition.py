"""The grammar of gates: what parses, and where the error points when it does not."""

import pytest

from evalkit.errors import GateSyntaxError
from evalkit.gates.grammar import parse_gates
from evalkit.gates.key import Key, parse_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("text.token_f1", Key(metric="text.token_f1"), id="plain"),
        pytest.param(
            "p95(operations.latency)",
            Key(metric="operations.latency", function="quantile", quantile=0.95),
            id="quantile",
        ),
        pytest.param("median(m)", Key(metric="m", function="median"), id="median"),
        pytest.param(
            "rate(m)[a=b]", Key(metric="m", function="rate", tags=(("a", "b"),)), id="tag-outside"
        ),
        pytest.param(
            "rate(m[a=b])", Key(metric="m", function="rate", tags=(("a", "b"),)), id="tag-inside"
        ),
        pytest.param(
            "m[a=b][c=d e]", Key(metric="m", tags=(("a", "b"), ("c", "d e"))), id="two-tags"
        ),
        pytest.param("tone=polite", Key(metric="tone=polite"), id="label"),
        pytest.param("worst(m, by=language)", Key(metric="m", worst_by="language"), id="worst"),
        pytest.param(
            "worst(p50(m), by=l)",
            Key(metric="m", function="quantile", quantile=0.5, worst_by="l"),
            id="worst-quantile",
        ),
        pytest.param(
            "worst(p50(m[a=b])[c=d], by=l)[e=f]",
            Key(
                metric="m",
                function="quantile",
                quantile=0.5,
                tags=(("a", "b"), ("c", "d"), ("e", "f")),
                worst_by="l",
            ),
            id="tags-at-every-place",
        ),
        pytest.param("m.pass_at_k(4)", Key(metric="m.pass_at_k(4)"), id="reducer"),
    ],
)
def test_keys_parse(text: str, expected: Key) -> None:
    assert parse_key(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "op", "threshold", "level", "point"),
    [
        pytest.param("m >= 0.6", "metric", ">=", 0.6, None, False, id="plain"),
        pytest.param("m<=2", "metric", "<=", 2.0, None, False, id="no-spaces"),
        pytest.param("m > -1e-3 @ point", "metric", ">", -0.001, None, True, id="point"),
        pytest.param("rate(s) >= 0.99 @ ci99", "metric", ">=", 0.99, 0.99, False, id="level"),
        pytest.param("coverage >= 98%", "coverage", ">=", 0.98, None, False, id="percent"),
        pytest.param("cost <= 1.50", "cost", "<=", 1.5, None, False, id="cost"),
        pytest.param("tone=polite >= .9", "metric", ">=", 0.9, None, False, id="label"),
    ],
)
def test_conditions_parse(
    text: str, kind: str, op: str, threshold: float, level: float | None, *, point: bool
) -> None:
    (found,) = parse_gates(text)

    assert (found.kind, found.op, found.level, found.point) == (kind, op, level, point)
    assert found.threshold == pytest.approx(threshold)


def test_conditions_are_joined_by_and_or_given_as_a_list() -> None:
    joined = parse_gates("a >= 1 and b <= 2 and must_pass[critical=yes]")
    listed = parse_gates(["a >= 1", "b <= 2", "must_pass[critical=yes]"])

    assert joined == listed
    assert joined[2].tags == (("critical", "yes"),)


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        pytest.param("m >=", 4, "a number", id="no-number"),
        pytest.param("m > = 0.6", 4, "a number", id="operator-cut-in-two"),
        pytest.param("m => 0.6", 2, ">=", id="operator-turned-round"),
        pytest.param("coverage >= 98", 12, "98 %", id="coverage-without-percent"),
        pytest.param("m >= 0.6 or n > 1", 9, "'and'", id="or"),
        pytest.param("m >= 0.6x", 8, "the end", id="rest-after-the-number"),
        pytest.param("m @ point >= 0.5", 2, "the number before '@'", id="point-too-early"),
        pytest.param("m", 1, ">=", id="no-operator"),
        pytest.param(">= 3", 0, "a metric", id="no-metric"),
        pytest.param("m >= 3 @ maybe", 9, "ci95", id="confidence"),
        pytest.param("avg(m) >= 3", 0, "one of mean", id="function"),
        pytest.param("a >= 1 and m[x] >= 3", 13, "tag=value", id="tag-in-the-second"),
        pytest.param("worst(m) >= 3", 7, "by=tag", id="worst-without-by"),
        pytest.param("worst(worst(m, by=a), by=b) >= 3", 6, "one function", id="worst-in-worst"),
        pytest.param("m[x=1 >= 3", 0, "a metric", id="open-bracket"),
    ],
)
def test_an_error_points_at_the_character(text: str, place: int, expected: str) -> None:
    with pytest.raises(GateSyntaxError, match=expected) as caught:
        parse_gates(text)

    assert caught.value.position == place
    assert str(caught.value).splitlines()[1:] == [f"  {text}", f"  {' ' * place}^"]


@pytest.mark.parametrize(
    ("gate", "tags"),
    [
        pytest.param("m[kind=this and that] >= 0.5", (("kind", "this and that"),), id="and"),
        pytest.param("m[size=a >= b] >= 0.5", (("size", "a >= b"),), id="operator"),
        pytest.param("must_pass[kind=this and that]", (("kind", "this and that"),), id="must"),
        pytest.param(
            "no_regression(m[kind=this and that], margin=0.1)",
            (("kind", "this and that"),),
            id="paired",
        ),
    ],
)
def test_what_stands_in_brackets_is_no_grammar(
    gate: str, tags: tuple[tuple[str, str], ...]
) -> None:
    found, last = parse_gates(f"{gate} and coverage >= 0.9")

    assert last.kind == "coverage"
    assert (found.tags or (found.key and found.key.tags)) == tags
