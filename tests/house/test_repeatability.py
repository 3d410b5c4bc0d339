"""Time, ids and chance: read in one place, or drawn from a local generator with a seed."""

import ast
import re
from collections.abc import Mapping

CLOCKS = re.compile(
    r"time\.(time|perf_counter|monotonic|process_time)(_ns)?"
    r"|(datetime\.)?(datetime|date)\.(now|utcnow|today)"
)
IDS = re.compile(r"uuid\.uuid\d|uuid\d|secrets\.\w+|os\.urandom")
GLOBAL_DRAWS = re.compile(
    r"random\.(?!Random\b|SystemRandom\b)\w+|(np|numpy)\.random\.(?!default_rng\b|Generator\b|"
    r"SeedSequence\b|PCG64\b|Philox\b)\w+"
)


def _calls(product: Mapping[str, ast.Module]) -> list[tuple[str, ast.Call, str]]:
    """Return path, call and the text of what is called, of every call outside ``_internal``."""
    return [
        (path, node, ast.unparse(node.func))
        for path, tree in product.items()
        if not path.startswith("evalkit/_internal/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


def test_time_and_ids_come_from_internal_modules(product: Mapping[str, ast.Module]) -> None:
    calls = _calls(product)
    found = [
        f"{path}:{call.lineno} {name}"
        for path, call, name in calls
        if CLOCKS.fullmatch(name) or IDS.fullmatch(name)
    ]

    assert calls
    assert not found


def test_no_clock_is_imported_by_its_bare_name(product: Mapping[str, ast.Module]) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in product.items()
        if not path.startswith("evalkit/_internal/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in {"time", "uuid", "secrets", "random"}
        and {alias.name for alias in node.names} - {"sleep", "UUID", "Random", "strftime"}
    ]

    assert not found


def test_nothing_draws_from_a_generator_that_others_share(
    product: Mapping[str, ast.Module],
) -> None:
    calls = _calls(product)
    # The jitter of a pause decides nothing but how long it is.
    pauses = {
        id(part) for _, call, name in calls if name.endswith("sleep") for part in ast.walk(call)
    }
    found = [
        f"{path}:{call.lineno} {name}"
        for path, call, name in calls
        if GLOBAL_DRAWS.fullmatch(name) and id(call) not in pauses
    ]

    assert not found


def test_every_generator_is_made_with_a_seed(product: Mapping[str, ast.Module]) -> None:
    makers = ("default_rng", "random.Random")
    found = [
        f"{path}:{call.lineno} {name}"
        for path, call, name in _calls(product)
        if name.endswith(makers) and not call.args and not call.keywords
    ]

    assert not found
