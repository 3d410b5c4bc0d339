import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.entities.estimate import Estimate, EvaluationSummary
from evalkit.errors import UsageError
from evalkit.store import open_store
from evalkit.store.sql.store import SqlStore

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
finite = st.none() | st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**40)
estimates = st.builds(
    Estimate,
    key=text.filter(bool),
    value=finite,
    low=finite,
    high=finite,
    level=st.floats(0.5, 0.99),
    method=st.none() | st.sampled_from(["wilson", "cluster-t"]),
    standard_error=finite,
    n_total=counts,
    n_scored=counts,
    n_skipped=counts,
    n_failed=counts,
    n_groups=st.none() | counts,
    n_repeats=st.integers(1, 50),
    unit=st.none() | st.just("seconds"),
    direction=st.sampled_from(["higher", "lower", "none"]),
    note=st.none() | text,
)
summaries = st.builds(
    EvaluationSummary, estimates, signature=text, dataset_digest=st.none() | st.just("ab" * 16)
)


@settings(max_examples=25)  # each opens a store of its own
@given(st.lists(summaries, max_size=4, unique_by=lambda summary: summary.key))
def test_summaries_are_read_back_as_written_in_their_order(
    written: list[EvaluationSummary],
) -> None:
    with open_store("sqlite://") as store:
        run_id = store.runs.create().run_id
        store.summaries.write(run_id, written)

        assert store.summaries.read(run_id) == written


def test_writing_again_replaces_what_was_written(store: SqlStore) -> None:
    run_id, other = store.runs.create().run_id, store.runs.create().run_id
    for run in (run_id, other):
        store.summaries.write(run, [EvaluationSummary(Estimate(key=k)) for k in ("a", "b")])
    store.summaries.write(run_id, [EvaluationSummary(Estimate(key="b", value=1.0))])

    assert store.summaries.read(run_id) == [EvaluationSummary(Estimate(key="b", value=1.0))]
    assert len(store.summaries.read(other)) == 2


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(
            [EvaluationSummary(Estimate(key="a")), EvaluationSummary(Estimate(key="a"))],
            id="key-twice",
        ),
        pytest.param([EvaluationSummary(Estimate(key="k" * 501))], id="key-too-long"),
        pytest.param([EvaluationSummary(Estimate(key="a", value=math.nan))], id="nan"),
        pytest.param([EvaluationSummary(Estimate(key="a", high=math.inf))], id="infinite"),
    ],
)
def test_a_refused_summary_leaves_the_earlier_ones(
    store: SqlStore, refused: list[EvaluationSummary]
) -> None:
    run_id = store.runs.create().run_id
    kept = [EvaluationSummary(Estimate(key="kept", value=0.5, n_total=2, n_scored=2))]
    store.summaries.write(run_id, kept)

    with pytest.raises(UsageError):
        store.summaries.write(run_id, refused)
    assert store.summaries.read(run_id) == kept


def test_a_summary_gives_its_estimate_back() -> None:
    estimate = Estimate(
        key="m", value=0.5, low=0.2, high=0.8, method="wilson", n_total=9, n_scored=7, n_failed=2
    )

    summary = EvaluationSummary(estimate, signature="m|v1", dataset_digest=None)

    assert summary.estimate == estimate
    assert summary.key == "m"
    assert summary.signature == "m|v1"
