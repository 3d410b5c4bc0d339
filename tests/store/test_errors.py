import pickle

import pytest

from evalkit import errors


@pytest.mark.parametrize(
    "error",
    [
        errors.ExperimentNotFoundError("qa", ["qb"]),
        errors.RunNotFoundError("bot", ["bat"]),
        errors.AmbiguousRunError("ab", ["abc", "abd"]),
        errors.UnsupportedStoreError("redis://h", "this is no URI of a store."),
        errors.ActiveRunError("no run is active"),
        errors.StoreUnavailableError("runs.db", "is damaged", "bring it back"),
        errors.SchemaVersionError("runs.db", 9, 1),
        errors.AlreadyExistsError("a run", "one", "give another id"),
        errors.ParamChangedError("one", "lr", "1", "2"),
        errors.DeletedRunError("one"),
        errors.ArtifactPathError("../up", "climbs out of its folder"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_one_line_and_survives_the_way_to_another_process(
    error: errors.EvalkitError,
) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  made here

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert "\n" not in str(error)
    assert len(type(error).__mro__) > len(errors.EvalkitError.__mro__) + 1
