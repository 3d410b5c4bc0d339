"""Everything that plug-ins offer, by name, with provenance."""

import copy
import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import evalkit
from evalkit.cli.main import cli
from evalkit.errors import DuplicatePluginError, PluginError, UnknownScorerError, UsageError
from evalkit.hooks.catalog import Catalog, catalog, get_scorer, use_catalog
from evalkit.hooks.loader import load_plugins
from evalkit.plugin import Case, CaseBatch, hookimpl
from evalkit.scoring.configured import ConfiguredScorer

if TYPE_CHECKING:
    from .conftest import Shelf

SCORER = """
from dataclasses import dataclass
from evalkit.plugin import MetricFacts, hookimpl

@dataclass(frozen=True, kw_only=True)
class Length:
    name: str = "{name}"
    facts = MetricFacts(low=0.0)
    factor: float = 1.0

    def score(self, case):
        return len(case.outputs) * self.factor

@hookimpl
def {hook}():
    return [Length()]
"""
FAMILY = """
from evalkit.plugin import UnknownScorerError, hookimpl

class Power:
    facts = None

    def __init__(self, name, **keywords):
        self.name, self.keywords = name, keywords

    def configured(self, **keywords):
        if set(keywords) - {"base"}:
            raise TypeError(f"it has no {sorted(keywords)}")
        return Power(self.name, **keywords)

def make(name):
    if name == "power.none":
        return None
    if name != "power.two":
        raise UnknownScorerError(name, ["power.two"])
    return Power(name)

@hookimpl
def evalkit_scorer_families():
    return {"power.": make}
"""


def scorer_code(name: str, hook: str = "evalkit_scorers") -> str:
    return SCORER.replace("{name}", name).replace("{hook}", hook)


def catalog_of(shelf: "Shelf") -> Catalog:
    return Catalog(load_plugins(shelf.points()))


def test_a_scorer_is_listed_with_its_provenance(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", scorer_code("acme.length"), plugin="acme", version="2.5")

    entry = catalog_of(shelf).scorers["acme.length"]

    assert entry.item.name == "acme.length"
    assert (entry.provenance.distribution, entry.provenance.version) == ("acme-metrics", "2.5")


@pytest.mark.parametrize("hook", ["evalkit_scorers", "evalkit_judges"])
def test_a_name_that_two_strangers_offer_is_an_error_when_it_is_used_and_names_both(
    hook: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    shelf.install("acme-metrics", scorer_code("length"), plugin="acme", version="2.5")
    shelf.install("other-metrics", scorer_code("length", hook), plugin="other", version="0.1")
    shelf.install("good-metrics", scorer_code("good.length"), plugin="good")
    catalog = catalog_of(shelf)

    assert catalog.scorer("good.length").name == "good.length"
    assert [entry.name for entry in catalog.usable_scorers()] == ["good.length"]
    with pytest.raises(DuplicatePluginError, match="'length' is offered twice") as raised:
        catalog.scorer("length")
    assert "acme of acme-metrics 2.5" in str(raised.value)
    assert "other of other-metrics 0.1" in str(raised.value)
    assert "EVALKIT_DISABLE_PLUGINS" in str(raised.value)
    assert str(copy.copy(raised.value)) == str(raised.value)
    assert caplog.messages == [f"Left out of plug-in 'other' of other-metrics 0.1: {raised.value}"]


@pytest.mark.parametrize("name", ["sklearn.f1_score", "judge.geval"])
def test_a_name_of_one_of_our_families_is_not_taken_over(name: str, shelf: "Shelf") -> None:
    shelf.install("acme-metrics", scorer_code(name), plugin="acme")
    shelf.install("good-metrics", scorer_code("judge.good"), plugin="good")
    known = Catalog(load_plugins([*entry_points(group="evalkit"), *shelf.points()]))

    assert "acme" not in type(known.scorer(name)).__module__
    assert "good" in type(known.scorer("judge.good")).__module__
    assert known.plugins.left_out == [
        ("acme", f"acme-metrics 1.0: {name!r}, which is evalkit's own")
    ]


OFFERS = {
    "evalkit_scorers": "type('S', (), {'name': %r, 'facts': None})()",
    "evalkit_judges": "type('J', (), {'name': %r, 'facts': None})()",
    "evalkit_datasets": "type('D', (), {'name': %r, 'extensions': (), 'schemes': (), "
    "'accepts': bool, 'read': None})()",
    "evalkit_reports": "type('R', (), {'name': %r, 'extensions': (), 'write': None})()",
}


@pytest.mark.parametrize(
    ("hook", "kind", "offer"),
    [
        *((hook, hook.removeprefix("evalkit_"), f"[{item}]") for hook, item in OFFERS.items()),
        ("evalkit_scorer_families", "scorer_families", "{%r: print}"),
        ("evalkit_targets", "targets", "{%r: print}"),
        ("evalkit_calibrators", "calibrators", "{%r: print}"),
    ],
)
def test_a_name_that_evalkit_has_is_not_taken_over(
    hook: str, kind: str, offer: str, shelf: "Shelf"
) -> None:
    kind = kind.replace("judges", "scorers")
    name = next(iter(getattr(catalog(), kind)))
    code = HOOK.format(hook=hook, body=f"return {offer % name}")
    shelf.install("aaa-metrics", code, plugin="aaa", version="2.5")
    known = Catalog(load_plugins([*entry_points(group="evalkit"), *shelf.points()]))

    assert getattr(known, kind)[name].provenance.ours
    assert ("aaa", f"aaa-metrics 2.5: {name!r}, which is evalkit's own") in known.plugins.left_out


BY_NAME = """
from evalkit.plugin import MetricFacts, hookimpl

class Length:
    name = "acme.length"
    facts = MetricFacts()

    def score(self, case):
        return len(case.outputs)

@hookimpl
def {hook}():
    return {{"acme.length": Length, "acme.other": Length, "acme.broken": lambda: 1 / 0}}
"""


@pytest.mark.parametrize("hook", ["evalkit_scorers", "evalkit_judges"])
def test_a_scorer_that_is_offered_by_name_is_made_when_it_is_asked_for(
    hook: str, shelf: "Shelf"
) -> None:
    shelf.install("acme-metrics", BY_NAME.format(hook=hook), plugin="acme")
    found = catalog_of(shelf)

    assert sorted(found.scorers) == ["acme.broken", "acme.length", "acme.other"]
    assert found.scorer("acme.length").score(Case(outputs="abc")) == 3  # type: ignore[attr-defined]
    assert found.scorers["acme.length"].item is found.scorer("acme.length")
    made = "Plug-in acme of acme-metrics 1.0 cannot make "
    with pytest.raises(PluginError, match=f"{made}'acme.broken': ZeroDivisionError: division"):
        found.scorer("acme.broken")
    with pytest.raises(PluginError, match=f"{made}'acme.other': .* is called 'acme.length'"):
        found.scorer("acme.other")


@pytest.mark.parametrize("hook", ["evalkit_scorers", "evalkit_judges"])
def test_a_scorer_that_cannot_be_made_is_left_out_of_a_list_with_one_line(
    hook: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    shelf.install("acme-metrics", BY_NAME.format(hook=hook), plugin="acme")
    found = catalog_of(shelf)

    assert [entry.name for entry in found.usable_scorers()] == ["acme.length"]
    first, second = (record.getMessage() for record in caplog.records)
    assert "'acme.broken'" in first
    assert "'acme.other'" in second
    assert "\n" not in first + second
    assert not list(found.usable_scorers("nothing."))


@pytest.mark.parametrize("noun", ["scorers", "judges"])
def test_one_broken_scorer_of_a_stranger_does_not_stop_the_list(noun: str, shelf: "Shelf") -> None:
    shelf.install("acme-metrics", BY_NAME.format(hook="evalkit_scorers"), plugin="acme")
    with use_catalog(catalog_of(shelf)):
        done = CliRunner().invoke(cli, [noun, "list", "--json"], prog_name="evalkit")

    assert done.exit_code == 0
    assert "of acme-metrics 1.0: 'acme.broken': ZeroDivisionError" in done.stderr
    assert ("acme.length" in done.stdout) is (noun == "scorers")


def test_a_scorer_that_is_offered_by_name_needs_a_maker(shelf: "Shelf") -> None:
    code = BY_NAME.format(hook="evalkit_scorers").replace("Length, ", "Length(), ")
    shelf.install("acme-metrics", code, plugin="acme")
    found = catalog_of(shelf)

    assert not found.scorers
    assert "'acme.length' has no __call__" in dict(found.plugins.left_out)["acme"]


def test_plug_ins_that_offer_nothing_make_an_empty_catalog() -> None:
    empty = Catalog(load_plugins([]))

    assert not empty.scorers
    assert not empty.datasets
    assert not empty.targets
    assert not empty.reports


def test_a_scorer_that_nobody_offers_is_an_error_with_near_misses() -> None:
    with pytest.raises(UnknownScorerError, match=r"Did you mean 'text\.exact_match'"):
        get_scorer("text.exact_mach")


def test_a_scorer_is_configured_by_its_fields(shelf: "Shelf") -> None:
    shelf.install("acme-metrics", scorer_code("acme.length"), plugin="acme")
    found = catalog_of(shelf).scorer("acme.length")

    assert found.score(Case(outputs="abc")) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param(
            {"averag": "macro"}, "has no parameter 'averag'. Did you mean 'average'", id="x"
        ),
        pytest.param({"average": "mean"}, "refuses average=.* one of .binary.", id="value"),
    ],
)
def test_parameters_that_a_scorer_lacks_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        get_scorer("classification.f1", **parameters)


def test_a_name_and_reads_make_a_configured_scorer() -> None:
    configured: Any = get_scorer("text.exact_match", name="em", reads={"outputs": "answer"})
    batch = CaseBatch.of([Case(outputs={"answer": "a"}, expectations={"target": "a"})])

    assert configured.score_batch(batch).values.tolist() == [1.0]
    assert configured.name == "em"
    assert isinstance(configured, ConfiguredScorer)


def test_a_family_makes_scorers_by_prefix(shelf: "Shelf") -> None:
    shelf.install("power-metrics", FAMILY, plugin="power")
    found = catalog_of(shelf)

    assert found.scorer("power.two").name == "power.two"
    with pytest.raises(UnknownScorerError, match=r"Did you mean 'power.two'"):
        found.scorer("power.to")


def test_a_family_that_makes_no_scorer_is_named(shelf: "Shelf") -> None:
    shelf.install("power-metrics", FAMILY, plugin="power")

    with pytest.raises(PluginError, match=r"power of power-metrics 1.0 cannot make 'power\.none'"):
        catalog_of(shelf).scorer("power.none")


def test_a_scorer_of_a_family_takes_its_own_keywords(shelf: "Shelf") -> None:
    shelf.install("power-metrics", FAMILY, plugin="power")

    with use_catalog(catalog_of(shelf)):
        assert get_scorer("power.two", base=2).keywords == {"base": 2}  # type: ignore[attr-defined]
        with pytest.raises(UsageError, match=r"refuses .* it has no \['bass'\]"):
            get_scorer("power.two", bass=2)


HOOK = "from evalkit.plugin import hookimpl\n\n@hookimpl\ndef {hook}():\n    {body}\n"


@pytest.mark.parametrize(
    ("hook", "body", "said"),
    [
        pytest.param(
            "evalkit_scorers",
            "1 / 0",
            "evalkit_scorers: ZeroDivisionError: division by zero",
            id="raises",
        ),
        pytest.param(
            "evalkit_scorers",
            "yield from (1 / n for n in (0,))",
            "evalkit_scorers: ZeroDivisionError: division by zero",
            id="raises-while-it-is-read",
        ),
        pytest.param(
            "evalkit_scorers",
            "return None",
            "evalkit_scorers: TypeError: NoneType is no list",
            id="nothing",
        ),
        pytest.param(
            "evalkit_scorers",
            "return 'text'",
            "evalkit_scorers: TypeError: str is no list",
            id="text",
        ),
        pytest.param(
            "evalkit_scorers",
            "return [type('Length', (), {'name': 'acme.length', 'facts': None})]",
            "evalkit_scorers: TypeError: Length is a class; offer an object of it",
            id="class",
        ),
        pytest.param(
            "evalkit_reports",
            "return [type('R', (), {'name': 'acme', 'extensions': '.foo', 'write': print})()]",
            "evalkit_reports: TypeError: 'acme' has extensions '.foo', no list such as ['.log']",
            id="extension-is-a-text",
        ),
        pytest.param(
            "evalkit_datasets",
            "return [type('D', (), {'name': 'acme', 'extensions': (), 'schemes': ()})()]",
            "evalkit_datasets: TypeError: 'acme' has no accepts, read",
            id="no-accepts",
        ),
        pytest.param(
            "evalkit_reports",
            "return [type('R', (), {'name': 'acme', 'extensions': ['foo'], 'write': print})()]",
            "evalkit_reports: TypeError: 'acme' has extensions ['foo'], no list such as ['.log']",
            id="extension-without-dot",
        ),
        pytest.param(
            "evalkit_targets",
            "return {'rev://': print}",
            "evalkit_targets: TypeError: 'rev://' is no scheme such as 'hf'",
            id="scheme-with-slashes",
        ),
        pytest.param(
            "evalkit_targets",
            "return {'Rev': print}",
            "evalkit_targets: TypeError: 'Rev' is no scheme such as 'hf'",
            id="scheme-in-capitals",
        ),
        pytest.param(
            "evalkit_targets",
            "return [print]",
            "evalkit_targets: TypeError: list is no mapping of names to makers",
            id="list-of-makers",
        ),
        pytest.param(
            "evalkit_judges",
            "return [type('Nameless', (), {'facts': None})()]",
            "evalkit_judges: AttributeError: 'Nameless' object has no attribute 'name'",
            id="no-name",
        ),
        pytest.param(
            "evalkit_scorers",
            "return [type('Bare', (), {'name': 'acme.bare'})()]",
            "evalkit_scorers: TypeError: 'acme.bare' has no facts",
            id="no-facts",
        ),
        pytest.param(
            "evalkit_scorer_families",
            "return {'acme.': 3}",
            "evalkit_scorer_families: TypeError: 'acme.' has no __call__",
            id="no-maker",
        ),
        pytest.param(
            "evalkit_scorer_families",
            "return {3: print}",
            "evalkit_scorer_families: TypeError: the name 3 is no text",
            id="name-is-no-text",
        ),
    ],
)
def test_a_plug_in_whose_offer_fails_is_one_line_and_the_others_work(
    hook: str, body: str, said: str, shelf: "Shelf", caplog: pytest.LogCaptureFixture
) -> None:
    shelf.install("acme-metrics", HOOK.format(hook=hook, body=body), plugin="acme", version="2.5")
    shelf.install("good-metrics", scorer_code("good.length"), plugin="good")
    catalog = catalog_of(shelf)

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert catalog.scorer("good.length").name == "good.length"
            assert not catalog.datasets
            assert not catalog.targets
            assert not catalog.reports
            with pytest.raises(UnknownScorerError):
                catalog.scorer("acme.bare")

    assert set(catalog.scorers) == {"good.length"}
    assert catalog.plugins.left_out == [("acme", f"acme-metrics 2.5: {said}")]
    assert caplog.messages == [f"Left out of plug-in 'acme' of acme-metrics 2.5: {said}"]


def test_a_catalog_is_used_for_a_while_and_by_what_is_started_meanwhile(shelf: "Shelf") -> None:
    own = catalog()  # before the shelf, which is on the path, has anything
    shelf.install("acme-metrics", scorer_code("acme.length"), plugin="acme")
    other = catalog_of(shelf)

    with use_catalog(other):
        assert catalog() is other
        with pytest.raises(UnknownScorerError):
            get_scorer("text.exact_match")

    assert catalog() is own
    with pytest.raises(UnknownScorerError):
        get_scorer("acme.length")


class Listener:
    """Notes the evaluations that finish."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @hookimpl
    def evalkit_run_finished(self, result: evalkit.EvaluationResult) -> None:
        """Note the name."""
        self.names.append(result.name)


def test_an_evaluation_tells_the_plug_ins_of_the_catalog_in_use() -> None:
    listener, other = Listener(), Catalog(load_plugins())
    other.plugins.manager.register(listener, name="listener")

    def work(name: str) -> None:
        evalkit.evaluate(
            data=[{"question": "q", "expected": "a", "output": "a"}],
            scorers=["text.exact_match"],
            name=name,
            runtime=evalkit.Runtime(store=False),
        )

    with use_catalog(other):
        work("inside")
    work("outside")

    assert listener.names == ["inside"]


def test_first_party_scorers_come_from_their_own_distribution() -> None:
    origins = {entry.provenance.distribution for entry in catalog().scorers.values()}

    assert "evalkit-ai" in origins
