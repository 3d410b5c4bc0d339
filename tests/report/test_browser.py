"""The HTML report in a real browser, driven by the WebDriver protocol."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.evaluation.result import EvaluationResult

pytestmark = pytest.mark.browser

Evaluate = Callable[..., EvaluationResult]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
DEADLINE = 300.0
STARTED = re.compile(r"started successfully on port (\d+)")


class Page:
    """A window of chromium."""

    def __init__(self, port: int, profile: Path) -> None:
        self.root = f"http://127.0.0.1:{port}"
        wanted = {
            "goog:chromeOptions": {"args": [*FLAGS, f"--user-data-dir={profile}"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.root += f"/session/{made['sessionId']}"

    def call(self, method: str, path: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.root + path, data, method=method)  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310
            return json.loads(answer.read())["value"]

    def run(self, script: str, *arguments: Any) -> Any:
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, condition: str) -> None:
        """Wait until a script's expression is true."""
        end = time.monotonic() + DEADLINE
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"never true: {condition}"

    def open(self, path: Path) -> None:
        self.complaints()  # of the page before
        self.call("POST", "/url", {"url": path.as_uri()})
        self.wait('performance.getEntriesByName("evalkit-ready").length')

    def complaints(self) -> list[str]:
        """Return what the console has been told since it was last asked."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def resize(self, width: int, height: int) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def search(self, text: str) -> str:
        """Type into the search box and return what the page says was found."""
        self.run("performance.clearMeasures()")
        self.run(
            "const box = document.querySelector('#cases input');"
            "box.value = arguments[0]; box.dispatchEvent(new Event('input'))",
            text,
        )
        self.wait('performance.getEntriesByName("evalkit-search").length')
        return str(self.run("return document.querySelector('#cases .state').textContent"))

    def texts(self, selector: str) -> list[str]:
        found = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
        return list(self.run(found, selector))

    def press(self, selector: str) -> None:
        self.run(
            "document.querySelector(arguments[0])"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            selector,
        )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    with subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            # The driver takes a port that is free, and says which.
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            port = next(found[1] for line in lines if (found := STARTED.search(line)))
            made = Page(int(port), tmp_path_factory.mktemp("profile"))
            yield made
            made.call("DELETE", "")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def report(passed: EvaluationResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return passed.report(tmp_path_factory.mktemp("report") / "sums.html")


@pytest.fixture
def shown(page: Page, report: Path) -> Iterator[Page]:
    """The report as it is when it has just been opened."""
    page.open(report)
    yield page
    assert page.complaints() == []


def test_every_section_is_drawn_from_the_result(shown: Page, passed: EvaluationResult) -> None:
    assert shown.texts("main > section > h2") == [
        "Summary",
        "Distributions",
        "Slices",
        "Worst cases",
        "Cases",
        "Reproduce",
    ]
    assert shown.texts(".estimates tbody .n") == ["40/40"] * len(passed.estimates)
    assert shown.texts(".gates code") == [c.condition for c in passed.verdict.conditions]
    assert shown.texts(".stamp .pill") == [str(passed.verdict.status)]
    assert set(passed.signatures.values()) <= set(shown.texts("#identity dd"))


def test_each_estimate_has_a_whisker_where_its_interval_lies(
    shown: Page, passed: EvaluationResult
) -> None:
    drawn = shown.run(
        "return [...document.querySelectorAll('.estimates .reach')]"
        ".map((e) => [e.getAttribute('x1'), e.getAttribute('x2')])"
    )

    expected = [[estimate.low, estimate.high] for estimate in passed.estimates.values()]
    found = [[float(end.strip("%")) / 100 for end in ends] for ends in drawn]
    assert found == [pytest.approx(ends, abs=1e-3) for ends in expected]


def test_a_search_finds_the_cases_that_hold_every_word(shown: Page) -> None:
    assert shown.search("PLUS 7?") == "4 of 40 cases"
    assert shown.texts(".cases .id") == ["q7", "q17", "q27", "q37"]
    assert shown.search('"7 plus 7"') == "1 of 40 cases"
    assert shown.search("nothing like it") == "0 of 40 cases"
    assert shown.search("") == "40 cases"


def test_a_bar_of_a_histogram_shows_its_cases(shown: Page) -> None:
    shown.press("#distributions figure .bar")
    shown.wait("document.querySelector('#cases .state').textContent !== '40 cases'")

    assert shown.texts("#cases .state") == ["10 of 40 cases"]
    assert shown.texts("#cases .id") == [f"q{i}" for i in range(0, 40, 4)]
    shown.press("#cases .chip")
    shown.wait("document.querySelector('#cases .state').textContent === '40 cases'")


def test_a_slice_shows_its_cases(shown: Page) -> None:
    shown.press(".slice button")
    shown.wait("document.querySelector('#cases .chip')?.textContent.startsWith('language = de')")

    assert shown.texts("#cases .state") == ["20 of 40 cases"]
    shown.press("#cases .chip")
    shown.wait("document.querySelector('#cases .state').textContent === '40 cases'")


def test_a_range_of_a_metric_can_be_typed(shown: Page) -> None:
    shown.run(
        "const low = document.querySelector('#cases [aria-label=from]');"
        "low.value = '0.9'; low.dispatchEvent(new Event('change'))"
    )
    shown.wait("document.querySelector('#cases .chip')")

    assert shown.texts("#cases .state") == ["30 of 40 cases"]
    assert shown.texts("#cases .chip") == ["text.exact_match from 0.900 ×"]
    shown.press("#cases .chip")
    shown.wait("document.querySelector('#cases .state').textContent === '40 cases'")
    assert shown.run("return document.querySelector('#cases [aria-label=from]').value") == ""


def test_a_column_sorts_and_ties_keep_their_order(shown: Page) -> None:
    shown.press("#cases thead th:nth-child(3) button")
    shown.wait("document.querySelector('#cases thead [aria-sort=ascending]')")

    wrong, right = range(0, 40, 4), [i for i in range(40) if i % 4]
    assert shown.texts("#cases .id") == [f"q{i}" for i in (*wrong, *right)]


def test_a_case_opens_with_everything_known_of_it_and_arrows_walk_on(shown: Page) -> None:
    shown.press("#worst button.row")
    shown.wait("document.querySelector('#detail').open")

    assert shown.texts("#detail-title") == ["q0"]
    assert shown.texts("#detail pre")[:3] == ["What is 0 plus 0?", "It is 0", "It is 1"]
    assert "text.exact_match ↑" in shown.texts("#detail .scores dt")
    shown.run(
        "document.querySelector('#detail .close')"
        ".dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    )
    shown.wait("document.querySelector('#detail-title').textContent === 'q4'")
    shown.press("#detail .close")
    assert shown.run("return document.querySelector('#detail').open") is False


def test_the_theme_can_be_turned(shown: Page) -> None:
    colour = "return getComputedStyle(document.body.parentElement).backgroundColor"
    before = shown.run(colour)
    shown.press(".theme")

    assert shown.run(colour) != before
    shown.press(".theme")
    assert shown.run(colour) == before


def test_a_phone_shows_it_without_scrolling_sideways(shown: Page) -> None:
    shown.resize(375, 812)

    assert shown.run("return document.documentElement.scrollWidth") <= 375
    shown.devtools("Emulation.clearDeviceMetricsOverride")


def test_every_control_has_a_name_and_can_be_reached_by_key(shown: Page) -> None:
    nameless = shown.run(
        "return [...document.querySelectorAll('button, select, input, [role=button], a')]"
        ".filter((e) => !(e.textContent.trim() || e.getAttribute('aria-label')))"
        ".map((e) => e.outerHTML)"
    )
    pressable = shown.run(
        "return [...document.querySelectorAll('[role=button]')]"
        ".filter((e) => e.getAttribute('tabindex') === null).length"
    )

    assert (nameless, pressable) == ([], 0)


def test_it_prints_on_a_few_pages(shown: Page) -> None:
    pdf = shown.call("POST", "/print", {"background": True})

    assert len(pdf) > 10_000


def test_failures_are_listed_and_lead_to_their_cases(
    page: Page, broken: EvaluationResult, tmp_path: Path
) -> None:
    page.open(broken.report(tmp_path / "broken.html"))

    assert "250" in page.texts("#failures td")
    assert any("only 1 of 500 cases has a value" in text for text in page.texts(".banner.alarming"))
    page.run("document.querySelectorAll('#failures button')[1].click()")
    page.wait("document.querySelector('#cases .chip')")
    assert page.texts("#cases .state") == ["249 of 500 cases"]
    page.press("#cases tbody tr")
    page.wait("document.querySelector('#detail').open")
    assert any("no such answer" in text for text in page.texts("#detail .scores .prose"))
    assert page.complaints() == []


def test_hostile_data_stays_text(
    page: Page, hostile: EvaluationResult, hostile_texts: tuple[str, ...], tmp_path: Path
) -> None:
    page.open(hostile.report(tmp_path / "hostile.html"))

    assert page.run("return document.querySelectorAll('img, iframe, object, base').length") == 0
    assert page.run("return document.scripts.length") == 2  # the overview and ours
    for place, text in enumerate(hostile_texts):
        page.run("document.querySelectorAll('#cases .open')[arguments[0]].click()", place)
        page.wait(f"document.querySelector('#detail-title').textContent.startsWith('id-{place} ')")
        assert text in page.texts("#detail pre")
    assert page.complaints() == []


def test_a_script_that_gets_in_is_not_run(page: Page, passed: EvaluationResult) -> None:
    """The policy is the second wall: even markup that did get in would do nothing."""
    path = passed.report(Path(passed.folder.path) / "tampered.html")
    text = path.read_text(encoding="utf-8")
    evil = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    path.write_text(text.replace("</body>", f"{evil}</body>"), encoding="utf-8")

    page.open(path)

    assert page.run("return document.title") == "sums · evalkit"
    assert any("Content Security Policy" in line for line in page.complaints())


def test_a_thousand_cases_open_and_are_searched(
    page: Page, evaluate: Evaluate, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rows = [
        {
            "id": f"row-{i}",
            "question": f"question {i} " + " ".join(f"w{(i * k) % 997}" for k in range(40)),
            "expected": f"answer {i % 7}",
            "output": f"answer {i % 5} " + " ".join(f"v{(i * k) % 787}" for k in range(30)),
            "kind": f"k{i % 6}",
        }
        for i in range(1000)
    ]
    result = evaluate(data=rows, scorers=["text.token_f1", "text.exact_match"], name="thousand")
    path = result.report(tmp_path / "thousand.html")

    page.open(path)
    ready = page.run("return performance.getEntriesByName('evalkit-ready')[0].startTime")
    record_property("milliseconds_to_open", ready)

    assert path.stat().st_size < 1_000_000
    assert len(page.texts("#cases tbody tr")) == 50
    assert re.fullmatch(r"1 of 1,000 cases", page.search('"question 777 "'))
    assert page.complaints() == []


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of three systems by three metrics and eight topics."""

    def result(name: str, wrong: int) -> EvaluationResult:
        rows = [
            {"id": f"q{i}", "question": f"{i}?", "expected": f"the answer {i}",
             "topic": f"a rather long name of topic {i % 8}",
             "output": "no" if i % wrong == 0 else f"the answer {i}"}
            for i in range(160)
        ]  # fmt: skip
        return evalkit.evaluate(
            data=rows,
            scorers=["text.exact_match", "text.token_f1", "text.edit_distance"],
            columns={"tags": ["topic"]},
            name=name,
            runtime=evalkit.Runtime(store=False),
        )

    names = "model=openai/large,prompt=plain", "model=openai/small,prompt=brief", "third"
    results = [result(name, wrong) for name, wrong in zip(names, (2, 3, 8), strict=True)]
    folder = tmp_path_factory.mktemp("comparison")
    return evalkit.compare(*results).report(folder / "c.html")


@pytest.mark.parametrize("width", [390, 1_200])
def test_a_comparison_is_no_wider_than_its_screen_and_not_endless(
    page: Page, comparison: Path, width: int
) -> None:
    page.call("POST", "/url", {"url": comparison.as_uri()})
    page.resize(width, 844)
    try:
        sizes = page.run(
            "const d = document.documentElement; return [d.scrollWidth, d.scrollHeight]"
        )
        ends = page.run(
            "return [...document.querySelectorAll('#differences .forest td, #filter')]"
            ".map((cell) => cell.getBoundingClientRect().right)"
        )
    finally:
        page.devtools("Emulation.clearDeviceMetricsOverride")

    assert sizes[0] <= width
    assert max(ends) <= width - 15  # the margin of the page
    assert sizes[1] < 20_000
    assert page.complaints() == []


def test_a_comparison_is_filtered_by_what_got_better(page: Page, comparison: Path) -> None:
    page.call("POST", "/url", {"url": comparison.as_uri()})
    shown = (
        "return [...document.querySelectorAll('section tr[data-outcome]')]"
        ".filter((row) => row.checkVisibility()).map((row) => row.dataset.outcome)"
    )
    before = page.run(shown)
    page.run("document.querySelector('.only-worse').click()")

    assert len(page.run(shown)) < len(before)


def test_a_comparison_is_filtered_by_words(page: Page, comparison: Path) -> None:
    page.open(comparison)
    state = (
        "return [[...document.querySelectorAll('tr[data-outcome], .case')]"
        ".filter((row) => row.checkVisibility())"
        ".map((row) => row.textContent.replace(/\\s+/g, ' ')),"
        "[...document.querySelectorAll('details')].map((fold) => [fold.open, fold.name])]"
    )
    write = (
        "const box = document.querySelector('#filter'); box.value = arguments[0];"
        "box.dispatchEvent(new Event('input'))"
    )
    before = page.run(state)

    page.run(write, "LONG  token_f1")
    rows, _ = page.run(state)
    told = page.run("return document.querySelector('#left').textContent")
    page.run(write, "")

    assert rows
    assert all("long" in row and "token_f1" in row for row in rows)
    assert len(rows) == 16  # of two systems, by eight topics
    assert told.startswith(f"{len(rows)} of ")
    assert page.run(state) == before
    assert page.complaints() == []
