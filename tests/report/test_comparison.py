"""Comparisons as files: the numbers are there, and no text of a case gets out of its place."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evalkit
from evalkit.errors import UsageError
from evalkit.report.comparison_document import comparison_document
from evalkit.report.comparison_html import pieces
from evalkit.report.comparison_table import folded, show_systems

SCORERS = ["text.exact_match", "text.token_f1"]
EXTENSIONS = (".html", ".md", ".json", ".tex")
NOTHING_KEPT = evalkit.Runtime(store=False)


@pytest.fixture(scope="module")
def systems(hostile_texts: tuple[str, ...]) -> evalkit.Comparison:
    """Three systems whose questions and wrong answers are hostile."""
    rows = [
        {"id": f"q{i}", "question": f"{i} {hostile_texts[i % len(hostile_texts)]}",
         "expected": f"answer {i}", "topic": "odd" if i % 2 else "even"}
        for i in range(60)
    ]  # fmt: skip

    def system(wrong: int, name: str) -> evalkit.EvaluationResult:
        answered = [
            row
            | {
                "output": f"answer {i}"
                if i % wrong
                else f"answer {hostile_texts[i % len(hostile_texts)]}"
            }
            for i, row in enumerate(rows)
        ]
        columns = {"tags": ["topic"]}
        return evalkit.evaluate(
            data=answered, scorers=SCORERS, columns=columns, name=name, runtime=NOTHING_KEPT
        )

    return evalkit.compare(
        system(2, "old"), system(5, "new <b>bold</b> | *x*"), system(3, "</script>")
    )


@pytest.fixture
def pair(systems: evalkit.Comparison) -> evalkit.Comparison:
    """Only the first two of them."""
    old: evalkit.EvaluationResult = systems["old"]
    return old.compare(systems["new <b>bold</b> | *x*"])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.meta: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        if tag == "meta":
            self.meta.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_hostile_texts_and_runs_none_of_them(
    systems: evalkit.Comparison, tmp_path: Path, hostile_texts: tuple[str, ...]
) -> None:
    path = systems.report(tmp_path / "c.html")
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))

    assert not page.tags.keys() & {"img", "iframe", "object", "link", "a", "b"}
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    policy = next(m["content"] for m in page.meta if "http-equiv" in m)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert policy.count("'sha256-") == 2  # the style, and the filter
    assert page.tags["script"] == 1
    for text in hostile_texts[:3]:
        assert text in page.text
    assert "new <b>bold</b> | *x*" in page.text
    assert {"svg", "del", "ins", "details"} <= page.tags.keys()


def test_a_forest_plot_stands_on_each_scale(pair: evalkit.Comparison, tmp_path: Path) -> None:
    text = pair.report(tmp_path / "c.html").read_text(encoding="utf-8")
    drawn = re.findall(r'<line class="reach" x1="([\d.]+)" x2="([\d.]+)" y1="11"', text)

    # Two metrics as a whole, and each of them for both topics; better than old is right of 0.
    assert len(drawn) == 2 + 2 * 2
    low, high = (float(end) for end in drawn[0])
    assert 200 < low < high < 392


def test_the_comment_has_before_and_after_and_what_was_fixed_and_broken(
    systems: evalkit.Comparison, tmp_path: Path
) -> None:
    written = systems.report(tmp_path / "c.md").read_text(encoding="utf-8")
    marker, _, text = written.partition("\n")

    assert marker == "<!-- evalkit: comparison -->"
    assert re.search(r"text\\.exact\\_match ↑ \| 0\.500 \| \*\*0\.800\*\* \| \+0\.300 \| \[0", text)
    assert "🟢 better" in text
    assert "| 24 | 6 |" in text
    assert "Fixed by new &lt;b&gt;bold&lt;/b&gt; | *x* on text.exact_match: 24 cases" in text
    assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>)", text)
    assert "Differences by topic" in text
    widths = {line.replace("\\|", "").count("|") for line in _first_table(text)}
    assert len(widths) == 1


def _first_table(text: str) -> list[str]:
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("|"))
    return [line for line in lines[start : start + 4] if line.startswith("|")]


def test_a_results_own_comment_compares_it_with_its_baseline(tmp_path: Path) -> None:
    rows = [{"id": str(i), "question": f"q{i}", "expected": "y"} for i in range(50)]

    def answered(wrong: int) -> list[dict[str, Any]]:
        return [row | {"output": "y" if i % wrong else "n"} for i, row in enumerate(rows)]

    old, other = (
        evalkit.evaluate(data=data, scorers="text.exact_match", name=name, runtime=NOTHING_KEPT)
        for name, data in (("old", answered(2)), ("other data", answered(2)[:-1]))
    )
    told = [
        evalkit.evaluate(
            data=answered(10),
            scorers="text.exact_match",
            name="new",
            baseline=baseline,
            gates="improves(text.exact_match)",
            runtime=NOTHING_KEPT,
        )
        .report(tmp_path / "comment.md")
        .read_text(encoding="utf-8")
        for baseline in (old, other)
    ]

    assert "✅ PASS · new" in told[0]
    assert "## new against old" in told[0]
    assert "Fixed by new on text.exact_match: 20 cases" in told[0]
    assert "49 cases in common" in told[1]


def test_json_has_every_number_of_the_table(systems: evalkit.Comparison, tmp_path: Path) -> None:
    told = json.loads(systems.report(tmp_path / "c.json").read_text(encoding="utf-8"))
    table = systems.table()

    assert told["schema"] == "evalkit.comparison/1"
    assert [s["name"] for s in told["systems"]] == list(systems)
    assert [row["difference"] for row in told["rows"]] == pytest.approx(table.difference.tolist())
    assert [row["p_adjusted"] for row in told["rows"]] == pytest.approx(table.p_adjusted.tolist())
    assert set(told["slices"]) == {"topic"}
    assert set(told["ranks"]) == set(SCORERS)
    first = told["cases"][0]
    assert (first["n_fixed"], len(first["fixed"])) == (24, 10)
    assert first["fixed"][0]["output_b"].startswith("answer")


def test_tex_is_a_table_without_foreign_commands(
    systems: evalkit.Comparison, tmp_path: Path
) -> None:
    text = systems.report(tmp_path / "c.tex").read_text(encoding="utf-8")

    assert text.count("\\\\") == 1 + 2 * 2
    assert "new \\textless{}b\\textgreater{}" in text
    assert "$+0.300$" in text


def test_an_extension_that_nobody_writes_is_refused(
    pair: evalkit.Comparison, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"\.html .*\.md"):
        pair.report(tmp_path / "c.docx")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_that_cannot_be_written_is_a_usage_error(
    extension: str, pair: evalkit.Comparison, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    with pytest.raises(UsageError, match="Cannot write"):
        pair.report(tmp_path / "file" / f"c{extension}")


def test_the_text_tells_who_is_better_and_ranks_more_than_two(
    systems: evalkit.Comparison, pair: evalkit.Comparison
) -> None:
    assert "is better than old on text.exact_match: +0.300" in str(pair)
    assert "ranked" in str(systems)
    assert all(len(line) <= 120 for line in str(systems).splitlines())


def test_ranks_overlap_where_no_difference_is_clear(systems: evalkit.Comparison) -> None:
    ranks = systems.ranks("text.exact_match")

    assert ranks.system.tolist() == ["new <b>bold</b> | *x*", "</script>", "old"]
    assert ranks.value.tolist() == pytest.approx([0.8, 2 / 3, 0.5])
    rows: list[dict[Any, Any]] = ranks.to_dict("records")
    assert [(row["best_rank"], row["worst_rank"]) for row in rows] == [(1, 2), (1, 3), (2, 3)]


@given(st.text(max_size=60), st.text(max_size=60))
def test_pieces_make_up_both_texts(before: str, after: str) -> None:
    found = pieces(before, after)

    assert "".join(text for kind, text in found if kind != "new") == before
    assert "".join(text for kind, text in found if kind != "gone") == after


def test_every_report_tells_what_has_no_pair(tmp_path: Path) -> None:
    rows = [{"id": f"case {i}", "question": f"q{i}", "expected": "y"} for i in range(40)]
    sides = [
        evalkit.evaluate(str.lower, part, SCORERS, name=name, runtime=NOTHING_KEPT)
        for name, part in (("early", rows[:30]), ("late", rows[10:]))
    ]
    found = evalkit.compare(*sides, anyway=True)
    told = json.loads(found.report(tmp_path / "c.json").read_text(encoding="utf-8"))

    ids = {"early": [f"case {i}" for i in range(10)], "late": [f"case {i}" for i in range(30, 40)]}
    assert told["unmatched"] == {"late": ids}
    assert told["rows"][0]["power"] is None
    for name in ("c.html", "c.md"):
        text = found.report(tmp_path / name).read_text(encoding="utf-8")
        for part in ("case 9", "case 39", "although their dataset differs"):
            assert part in text.replace("\\", "")


@evalkit.scorer(low=0, high=1)
def judged(outputs: str, expectations: Any) -> evalkit.Score:
    right = outputs == expectations["target"]
    return evalkit.Score(value=float(right), explanation=f"it says {outputs}")


def _slices(n: int, name: str, worse: str) -> Any:
    """Evaluate *n* cases of eight topics, of which one is answered wrongly."""
    rows = [
        {"id": f"q{i}", "question": f"{i}?", "expected": f"a{i}", "topic": f"topic {i % 8}"}
        for i in range(n)
    ]

    def bot(question: str) -> evalkit.Output:
        i = int(question[:-1])
        wrong = f"topic {i % 8}" == worse or i % 7 == 0
        passage = {"content": f"passage {name} {i} " * 40, "score": 0.25}
        return evalkit.Output("wrong" if wrong else f"a{i}", retrieved_context=[passage])

    return evalkit.evaluate(
        bot, rows, [*SCORERS, judged], columns={"tags": ["topic"]}, name=name, runtime=NOTHING_KEPT
    )


@pytest.fixture(scope="module")
def broken() -> evalkit.Comparison:
    """One topic that the new system broke."""
    return evalkit.compare(_slices(400, "old", "none"), _slices(400, "new", "topic 5"))


def test_the_slice_that_broke_most_surely_comes_first(broken: evalkit.Comparison) -> None:
    rows = comparison_document(broken)["slices"]["topic"]

    assert {row["value"] for row in rows[:3]} == {"topic 5"}
    assert [row["outcome"] for row in rows[:3]] == ["worse"] * 3
    assert not any(row["outcome"] for row in rows[3:])


def test_a_broken_case_comes_with_contexts_and_reasons_of_both_sides(
    broken: evalkit.Comparison, tmp_path: Path
) -> None:
    document = comparison_document(broken)
    case = next(part for part in document["cases"] if part["metric"] == "judged")["broke"][0]
    text = broken.report(tmp_path / "c.html").read_text(encoding="utf-8")

    assert case["reason_a"].startswith("it says a")
    assert case["reason_b"] == "it says wrong"
    assert case["context_b"][0].startswith("passage new ")
    assert "0.25" not in case["context_b"][0], "a passage's text, without the retriever's score"
    for shown in (case["reason_a"], "it says wrong", "1 passages of new", 'class="only-worse"'):
        assert shown in text


def test_a_page_of_long_answers_and_many_systems_stays_below_two_megabytes(tmp_path: Path) -> None:
    def result(name: str, long: str) -> Any:
        rows = [
            {"id": f"q{i}", "question": f"{i} {long}", "expected": f"a{i}", "output": long + name}
            for i in range(60)
        ]
        if name != "old":
            rows = [row | {"output": f"a{place}"} for place, row in enumerate(rows)]
        return evalkit.evaluate(data=rows, scorers=SCORERS, name=name, runtime=NOTHING_KEPT)

    long = "word " * 2_000
    results = [result(name, long) for name in ("old", *(f"s{i}" for i in range(9)))]
    path = evalkit.compare(*results).report(tmp_path / "c.html")

    assert path.stat().st_size < 2_000_000


@pytest.mark.parametrize("n_systems", [2, 3])
def test_at_80_columns_difference_interval_and_p_remain(
    systems: evalkit.Comparison, pair: evalkit.Comparison, n_systems: int
) -> None:
    comparison = pair if n_systems == 2 else systems
    lines = show_systems(comparison, width=80).splitlines()
    head = next(line for line in lines if "difference" in line)

    assert max(map(len, lines)) <= 80
    for name in ("difference", "95 % interval", "adj. p"):
        assert name in head
    assert "fixed" not in head
    rows = [line for line in lines if line.lstrip().startswith("text.")]
    assert len([line for line in rows if re.search(r"[+−]0\.\d+ +\[.*\] ", line)]) >= 2


@given(st.text("ab._=,", max_size=60), st.integers(8, 30))
def test_a_name_is_broken_where_its_parts_end(name: str, width: int) -> None:
    lines = folded(name, width).split("\n")

    assert "".join(lines) == name
    assert all(line[-1] in "._=," for line in lines[:-1])


def test_a_metric_in_seconds_or_words_or_of_the_whole_fixes_and_breaks_nothing() -> None:
    def system(name: str, wrong: int) -> evalkit.EvaluationResult:
        rows = [
            {"id": str(i), "question": "q", "expected": "y", "latency_seconds": i / (9 + wrong),
             "output": "y" if i % wrong else "no no"}
            for i in range(40)
        ]  # fmt: skip
        scorers = ["operations.latency", "operations.output_length", "text.exact_match"]
        scorers.append("classification.cohen_kappa")
        return evalkit.evaluate(data=rows, scorers=scorers, name=name, runtime=NOTHING_KEPT)

    document = comparison_document(evalkit.compare(system("old", 2), system("new", 5)))

    broken = {row["metric"]: (row["n_fixed"], row["n_broke"]) for row in document["rows"]}
    assert broken.pop("text.exact_match") == (16, 4)
    assert set(broken.values()) == {(None, None)}
    assert len(broken) == 3
    assert [part["metric"] for part in document["cases"]] == ["text.exact_match"]


def test_what_is_right_is_green_and_fields_are_named(tmp_path: Path) -> None:
    rows = [{"id": "a", "age": 41, "size": 3.5, "expected": "benign"}]
    columns = {"inputs": ["age", "size"]}
    systems = {"old": lambda **_: "benign", "new": lambda **_: "malignant"}
    compared = evalkit.sweep(
        systems, rows, "text.exact_match", columns=columns, runtime=NOTHING_KEPT
    )
    page = compared.report(tmp_path / "c.html").read_text()

    assert '<article class="case broke">' in page
    assert ".broke del { color: var(--good)" in page
    assert ".broke ins { color: var(--bad)" in page
    assert '<p class="question">age: 41, size: 3.5</p>' in page


def test_of_a_classifiers_answer_the_label_is_compared() -> None:
    def system(name: str, share: float) -> evalkit.EvaluationResult:
        label = "yes" if share > 0.5 else "no"
        rows = [{"id": "a", "question": "q", "y_true": "yes", "y_pred": label, "y_proba": share}]
        return evalkit.evaluate(
            data=rows, scorers="classification.accuracy", name=name, runtime=NOTHING_KEPT
        )

    document = comparison_document(evalkit.compare(system("old", 0.4), system("new", 0.7)))

    (case,) = document["cases"][0]["fixed"]
    assert (case["output_a"], case["output_b"]) == ("no", "yes")
