"""Every environment variable that has an effect is documented."""

import re
from pathlib import Path

from evalkit.llm.open import _PROVIDERS  # pyright: ignore[reportPrivateUsage]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "evalkit/docs/settings.md").read_text(encoding="utf-8")


def test_every_variable_that_a_file_of_ours_names_is_on_the_page_of_settings() -> None:
    sources = [path for room in ("evalkit", "scorers") for path in (ROOT / room).rglob("*.py")]
    read = re.compile(
        r"""(?:environ(?:\.get|\.setdefault)?|getenv|variables\.get)[(\[]\s*["']([A-Z][A-Z_]+)["']"""
    )
    names = {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}

    assert {"EVALKIT_HOME", "XDG_CACHE_HOME", "GITHUB_ACTIONS"} <= names
    assert sorted(name for name in names if f"`{name}`" not in PAGE) == []


def test_addresses_and_keys_of_providers_are_on_the_page_of_settings() -> None:
    names = {
        name
        for provider in _PROVIDERS.values()
        for name in (*provider.address_environment, provider.key_environment)
    }

    assert sorted(name for name in names if f"`{name}`" not in PAGE) == []
