"""Files of cases that may fail until a day."""

import datetime as dt
from pathlib import Path

import pytest

from evalkit.errors import SpecificationError
from evalkit.suites.quarantine import Quarantine, read_quarantine


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("q1 = 2026-01-01", "outside a suite", id="no-suite"),
        pytest.param("[qa]\nq1 = '2026-01-01'", "needs the last day", id="text"),
        pytest.param("[qa]\nq1 = { untill = 2026-01-01 }", "Did you mean 'until'", id="near-miss"),
        pytest.param("[qa", "is not TOML", id="syntax"),
    ],
)
def test_a_wrong_quarantine_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "quarantine.toml"
    file.write_text(text)

    with pytest.raises(SpecificationError, match=told):
        read_quarantine(file)


@pytest.mark.parametrize(("today", "is_over"), [("2024-12-31", False), ("2025-01-01", True)])
def test_a_case_may_fail_on_the_last_day_and_no_more(
    monkeypatch: pytest.MonkeyPatch, today: str, is_over: bool
) -> None:
    now = dt.datetime.fromisoformat(f"{today}T23:59:59+00:00").timestamp() * 1000
    monkeypatch.setattr("evalkit.suites.quarantine.now_milliseconds", lambda: now)

    assert Quarantine(until=dt.date(2024, 12, 31)).is_over is is_over
