import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import ModelUriError
from evalkit.registry.uri import ModelUri, is_model_uri, parse_model_uri

_LETTERS = st.text(st.characters(exclude_characters="/:@"), min_size=1)


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        pytest.param("models:/bot/3", ModelUri(name="bot", version=3), id="version"),
        pytest.param("models:/bot@champion", ModelUri(name="bot", alias="champion"), id="alias"),
        pytest.param("models:/bot/latest", ModelUri(name="bot"), id="latest"),
        pytest.param("models:/bot/LATEST", ModelUri(name="bot"), id="latest-in-capitals"),
        pytest.param("models:/a@b/2", ModelUri(name="a@b", version=2), id="at-in-the-name"),
        pytest.param("models:/a@b@c", ModelUri(name="a@b", alias="c"), id="last-at-counts"),
    ],
)
def test_the_forms_of_mlflow_are_read(uri: str, parts: ModelUri) -> None:
    assert parse_model_uri(uri) == parts


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        pytest.param("models:/bot", "names no version", id="no-version"),
        pytest.param("models:/bot/champion", "models:/bot@champion", id="alias-as-version"),
        pytest.param("models:/bot/", "no number", id="empty-version"),
        pytest.param("models:/bot/-1", "no number", id="negative"),
        pytest.param("models:/bot/²", "no number", id="a-digit-that-is-no-number"),
        pytest.param("models:/bot/1/x", "no number", id="too-long"),
        pytest.param("models:/@champion", "lacks a name", id="alias-of-nothing"),
        pytest.param("models:/bot@", "alias", id="empty-alias"),
        pytest.param("models:///1", "lacks a name", id="empty-name"),
        pytest.param("models:bot/1", "does not begin with models:/", id="no-slash"),
    ],
)
def test_what_is_of_no_form_is_an_error_that_shows_the_forms(uri: str, told: str) -> None:
    with pytest.raises(ModelUriError) as caught:
        parse_model_uri(uri)
    assert told in str(caught.value)
    assert "models:/NAME@ALIAS" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(name=_LETTERS, version=st.integers(1, 10**9))
def test_the_uri_of_a_version_is_read_as_that_version(name: str, version: int) -> None:
    assert parse_model_uri(f"models:/{name}/{version}") == ModelUri(name=name, version=version)


def test_only_texts_that_begin_so_are_uris_of_models() -> None:
    assert is_model_uri("models:/bot/1")
    assert not any(map(is_model_uri, ["runs:/a", "latest", 3, None]))
