"""What strangers' sources, targets, exporters and commands claim, and do wrong at work."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import evalkit
from evalkit.cli.main import cli
from evalkit.data.open import open_data
from evalkit.errors import DuplicatePluginError, PluginError, UsageError
from evalkit.hooks.catalog import Catalog, use_catalog
from evalkit.hooks.loader import load_plugins
from evalkit.targets.open import open_target

if TYPE_CHECKING:
    from .conftest import Shelf

SOURCE = """
from evalkit.plugin import Chunk, hookimpl

class Source:
    name = "{name}"
    extensions = {extensions}
    schemes = {schemes}

    def accepts(self, data):
        return {accepts}

    def read(self, data, *, chunk_rows):
        yield {chunk}

@hookimpl
def evalkit_datasets():
    return [Source()]
"""
EXPORTER = """
from evalkit.plugin import hookimpl

class Exporter:
    name = "{name}"
    extensions = {extensions}

    def write(self, result, path):
        path.write_text("{name}" + str(1 / {divisor}))

@hookimpl
def evalkit_reports():
    return [Exporter()]
"""
TARGET = """
from evalkit.plugin import hookimpl

@hookimpl
def evalkit_targets():
    return {{"rev": lambda uri: {target}}}
"""
OURS = "which is evalkit's own"


def source(name: str, **settings: Any) -> str:
    chunk = f"Chunk(rows=[{{'question': '{name}'}}])"
    defaults = {"extensions": (), "schemes": (), "accepts": False, "chunk": chunk}
    return SOURCE.format(**{"name": name, **defaults, **settings})


def exporter(name: str, *extensions: str, divisor: int = 1) -> str:
    return EXPORTER.format(name=name, extensions=extensions, divisor=divisor)


@pytest.fixture
def strangers(shelf: "Shelf") -> "Strangers":
    return Strangers(shelf)


class Strangers:
    """Strangers' distributions beside our own."""

    def __init__(self, shelf: "Shelf") -> None:
        self.shelf = shelf
        self.ours = list(entry_points(group="evalkit"))

    def catalog(self, **code: str) -> Catalog:
        """Return a catalog with one distribution a plug-in."""
        for plugin, text in code.items():
            self.shelf.install(f"{plugin}-things", text, plugin=plugin)
        return Catalog(load_plugins([*self.ours, *self.shelf.points()]))


def questions(data: object) -> list[Any]:
    return [row["question"] for chunk in open_data(data).chunks for row in chunk.rows]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.JSON", "samples_a.jsonl"])
def test_an_extension_that_evalkit_reads_is_not_taken_over(
    name: str, strangers: Strangers, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(
        '{"question": "ours"}' if "l" in name else '[{"question": "ours"}]'
    )
    extensions = (".jsonl", ".json", "samples_*.jsonl", ".acme")
    known = strangers.catalog(aaa=source("aaa", extensions=extensions))

    with use_catalog(known):
        assert questions(tmp_path / name) == ["ours"]
        (tmp_path / "x.acme").touch()
        assert questions(tmp_path / "x.acme") == ["aaa"]

    why = [f"{extension!r}, {OURS}" for extension in extensions[:-1]]
    assert known.plugins.left_out == [("aaa", f"aaa-things 1.0: {line}") for line in why]


def test_the_longer_extension_and_the_pattern_decide_who_reads(
    strangers: Strangers, tmp_path: Path
) -> None:
    known = strangers.catalog(
        long=source("long", extensions=(".log.json",)),
        pattern=source("pattern", extensions=("trace*.json",)),
    )
    for name in ("x.json", "x.log.json", "trace_1.json"):
        (tmp_path / name).write_text('[{"question": "ours"}]')

    with use_catalog(known):
        read = {
            name: questions(tmp_path / name) for name in ("x.json", "x.log.json", "trace_1.json")
        }

    assert read == {"x.json": ["ours"], "x.log.json": ["long"], "trace_1.json": ["pattern"]}
    assert not known.plugins.left_out


@pytest.mark.parametrize(
    ("settings", "data", "key"),
    [
        pytest.param({"extensions": (".acme",)}, "x.acme", ".acme", id="extension"),
        pytest.param({"schemes": ("acme",)}, "acme:x", "acme:", id="scheme"),
    ],
)
def test_what_two_strangers_read_is_an_error_that_names_both(
    settings: dict[str, Any], data: str, key: str, strangers: Strangers, tmp_path: Path
) -> None:
    (tmp_path / "x.acme").touch()
    known = strangers.catalog(one=source("one", **settings), two=source("two", **settings))

    with use_catalog(known), pytest.raises(DuplicatePluginError) as raised:
        questions(tmp_path / data if data == "x.acme" else data)

    both = f"{key!r} is offered twice, by one of one-things 1.0 and by two of two-things 1.0"
    assert both in str(raised.value)
    assert known.plugins.left_out == [("two", f"two-things 1.0: {raised.value}")]


@pytest.mark.parametrize(
    ("settings", "data", "problem"),
    [
        pytest.param(
            {"accepts": "1 / 0"}, {"a": [1]}, "tell whether it reads .*dict: Z", id="accepts"
        ),
        pytest.param({"chunk": "1 / 0"}, "acme:x", "read acme:x: Zero", id="read"),
        pytest.param(
            {"chunk": "[]"}, "acme:x", "read acme:x: .*yields list instead of", id="chunk"
        ),
        *(
            pytest.param(
                {"chunk": f"Chunk(rows=[{{}}, {{}}], {part})"}, "acme:x", f"read .*{why}", id=part
            )
            for part, why in {
                "lines=[1]": "a Chunk of 2 rows has 1 lines",
                "lines=[1, 'b']": "lines of a Chunk must be whole numbers",
                "file=3": "file of a Chunk must be a text, got int",
            }.items()
        ),
    ],
)
def test_a_source_that_raises_is_named(
    settings: dict[str, Any], data: object, problem: str, strangers: Strangers
) -> None:
    with (
        use_catalog(strangers.catalog(acme=source("acme", schemes=("acme",), **settings))),
        pytest.raises(PluginError, match=f"Plug-in acme of acme-things 1.0 cannot {problem}"),
    ):
        questions(data)


def result() -> evalkit.EvaluationResult:
    rows = [{"question": "q", "expected": "a", "output": "a"}]
    return evalkit.evaluate(
        data=rows, scorers="text.exact_match", runtime=evalkit.Runtime(store=False)
    )


def test_reports_that_evalkit_writes_are_not_taken_over_and_a_broken_exporter_spoils_no_other(
    strangers: Strangers, tmp_path: Path
) -> None:
    known = strangers.catalog(
        aaa=exporter("aaa", ".html", ".aaa"),
        bad=exporter("bad").replace("name = ", "title = "),
        zero=exporter("zero", ".zero", divisor=0),
    )
    with use_catalog(known):
        page = result().report(tmp_path / "r.html").read_text(encoding="utf-8")
        other = result().report(tmp_path / "r.aaa").read_text(encoding="utf-8")
        problem = "Plug-in zero of zero-things 1.0 cannot write .*r.zero: ZeroDivisionError"
        with pytest.raises(PluginError, match=problem):
            result().report(tmp_path / "r.zero")

    assert page.startswith("<!")
    assert other == "aaa1.0"
    nameless = "evalkit_reports: AttributeError: 'Exporter' object has no attribute 'name'"
    assert known.plugins.left_out == [
        ("bad", f"bad-things 1.0: {nameless}"),
        ("aaa", f"aaa-things 1.0: '.html', {OURS}"),
    ]


NO_WRITER = exporter("none", ".none").replace('path.write_text("none" + str(1 / 1))', "pass")


def test_a_report_that_is_not_written_is_said_and_the_others_are_written(
    strangers: Strangers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = strangers.catalog(zero=exporter("zero", ".zero", divisor=0), none=NO_WRITER)
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("question,expected,output\nq,a,a\n", encoding="utf-8")
    words = ["evaluate", "--data", "d.csv", "--scorer", "text.exact_match"]
    files = [word for name in ("r.zero", "r.none", "r.md") for word in ("--report", name)]

    with use_catalog(known):
        passed = CliRunner().invoke(cli, [*words, *files])
        failed = CliRunner().invoke(cli, [*words, *files, "--gate", "text.exact_match < 0.1@point"])
        again = CliRunner().invoke(
            cli, ["report", "latest", *(word.replace("--report", "-o") for word in files)]
        )

    assert (passed.exit_code, failed.exit_code, again.exit_code) == (4, 1, 4)
    for ran in (passed, failed, again):
        assert "zero-things 1.0 cannot write r.zero: ZeroDivisionError" in ran.output
        assert "none-things 1.0 cannot write r.none: RuntimeError: write left no file" in ran.output
        assert "Wrote r.md" in ran.output


@pytest.mark.parametrize("text", ["rev:x", "rev:my-model", "https:example.org"])
def test_an_address_without_its_slashes_is_told_how_it_is_written(
    text: str, strangers: Strangers
) -> None:
    scheme, _, rest = text.partition(":")
    with (
        use_catalog(strangers.catalog(rev=TARGET.format(target="1 / 0"))),
        pytest.raises(UsageError, match=f"'{text}' lacks the slashes.*give '{scheme}://{rest}'"),
    ):
        open_target(text)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        pytest.param("1 / 0", "ZeroDivisionError: division by zero", id="raises"),
        pytest.param("print", "TypeError: builtin_function_or_method has not all", id="no-target"),
        pytest.param("None", "TypeError: NoneType has not all", id="nothing"),
    ],
)
def test_a_target_that_cannot_be_made_names_its_plug_in(
    target: str, problem: str, strangers: Strangers
) -> None:
    with (
        use_catalog(strangers.catalog(rev=TARGET.format(target=target))),
        pytest.raises(PluginError, match=f"rev of rev-things 1.0 cannot open 'rev://x': {problem}"),
    ):
        open_target("rev://x")


CHECKS = """
from evalkit.plugin import Output, TargetIdentity, hookimpl

class Thing:
    lane = "thread"
    identity = TargetIdentity(kind="rev", name="thing", reference={reference!r})

    def check(self, batch):
        1 / 0

    def call(self, invocation):
        return Output("x")

@hookimpl
def evalkit_targets():
    return {{"rev": lambda uri: Thing()}}
"""


@pytest.mark.parametrize(
    ("reference", "who"), [("rev://x", "Plug-in rev of rev-things 1.0"), (None, r"[\w.]+\.Thing")]
)
@pytest.mark.parametrize("version", [None, "2"])
def test_a_check_that_raises_names_whose_it_is(
    reference: str | None, who: str, version: str | None, strangers: Strangers
) -> None:
    with (
        use_catalog(strangers.catalog(rev=CHECKS.format(reference=reference))),
        pytest.raises(PluginError, match=f"^{who} cannot check the cases for 'thing': ZeroDiv"),
    ):
        evalkit.evaluate(
            open_target("rev://x", version=version),
            [{"question": "q", "expected": "a"}],
            "text.exact_match",
            runtime=evalkit.Runtime(store=False),
        )


COMMAND = """
import click
from evalkit.plugin import hookimpl

@hookimpl
def evalkit_commands():
    return [click.Command({name!r}, callback=lambda: print("hello")), {more}]
"""


@pytest.mark.parametrize(
    ("name", "more", "problem"),
    [
        pytest.param("evaluate", "", f"'evaluate', {OURS}", id="our-own"),
        pytest.param(
            "x", "type('C', (), {'name': 'odd'})()", "'odd' is no click command", id="kind"
        ),
    ],
)
def test_a_command_that_does_not_fit_is_named_and_the_others_work(
    name: str, more: str, problem: str, strangers: Strangers
) -> None:
    known = strangers.catalog(
        acme=COMMAND.format(name=name, more=more), good=COMMAND.format(name="greet", more="")
    )
    with use_catalog(known):
        ran = CliRunner().invoke(cli, ["greet"])
        shown = CliRunner().invoke(cli, ["--help"])

    assert ran.output.endswith("hello\n"), ran.output
    assert "greet" in shown.output
    assert known.plugins.left_out == [("acme", f"acme-things 1.0: {problem}")]
