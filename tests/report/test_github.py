"""Workflow commands and the job's summary of GitHub Actions."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import UsageError
from evalkit.report.github import SUMMARY_BYTES, annotation, step_summary


@given(st.text(), st.text())
def test_an_annotation_is_one_line_whatever_it_says(title: str, message: str) -> None:
    told = annotation(title, message, file="a,b:c.jsonl", line=3)
    head, _, body = told.removeprefix("::error ").partition("::")

    assert "\n" not in told
    assert "\r" not in told
    assert len(head.split(",")) == 3
    assert body.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%") == message


def test_a_line_without_a_file_is_left_out() -> None:
    assert annotation("t", "m", line=3) == "::error title=t::m"
    assert annotation("t", "m", level="notice") == "::notice title=t::m"


def test_a_summary_grows_until_github_takes_no_more(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    step_summary(file, "one")
    step_summary(file, "two", first=False)
    step_summary(file, "x" * SUMMARY_BYTES, first=False)

    assert file.read_text() == "one\ntwo"


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot write"):
        step_summary(tmp_path, "text")
