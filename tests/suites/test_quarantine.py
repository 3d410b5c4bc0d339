"""Files of cases that may fail until a day."""

from pathlib import Path

import pytest

from evalkit.errors import SpecificationError
from evalkit.suites.quarantine import read_quarantine


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
