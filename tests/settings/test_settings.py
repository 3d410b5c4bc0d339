"""Settings: from the environment, or those that somebody has put in force for a while."""

import threading

import pytest

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
