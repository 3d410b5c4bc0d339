"""Settings: from the environment, or those that somebody has put in force for a while."""

import re
import threading
from pathlib import Path

import pytest

import evalkit
from evalkit.settings import Settings, settings, use_settings


def test_settings_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_JUDGE_MODEL", "local/judge")
    monkeypatch.setenv("EVALKIT_DISABLE_PLUGINS", "one, two,")

    assert settings().judge_model == "local/judge"
    assert settings().disabled_plugins == ("one", "two")


def test_settings_put_in_force_hold_for_one_thread_and_end_with_the_block() -> None:
    before = settings()
    seen: list[Settings] = []
    with use_settings(Settings(tracking_uri="sqlite:///here.db")):
        assert settings().tracking_uri == "sqlite:///here.db"
        with use_settings(Settings(tracking_uri="sqlite:///inner.db")):
            assert settings().tracking_uri == "sqlite:///inner.db"
        other = threading.Thread(target=lambda: seen.append(settings()))
        other.start()
        other.join()
        assert settings().tracking_uri == "sqlite:///here.db"

    assert seen == [before]
    assert settings() == before


def test_every_variable_that_is_read_is_documented() -> None:
    package = Path(evalkit.__file__).parent
    page = (package / "docs" / "settings.md").read_text(encoding="utf-8")
    told = re.compile(r"[\"']((?:[A-Z]+_)+(?:API_KEY|API_BASE|BASE_URL|TOKEN|HOME|MAP))[\"']")
    settings = re.compile(r"[\"']((?:EVALKIT|GITHUB|XDG)_[A-Z_]+)[\"']")
    read = {
        name
        for file in package.rglob("*.py")
        for pattern in (told, settings)
        for name in pattern.findall(file.read_text(encoding="utf-8"))
    }

    assert {"OPENAI_BASE_URL", "EVALKIT_HOME", "XDG_CACHE_HOME", "GITHUB_ACTIONS"} <= read
    assert not {name for name in read if f"`{name}`" not in page}
