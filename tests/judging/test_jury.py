"""Several judges at a time."""

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.judging.judge import Judge, make_judge
from evalkit.judging.jury import Jury, agreement, jury_of, jury_report
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit.stats import dawid_skene
from evalkit.testing import Fault, ScriptedEndpoint, SeenRequest

POLITE = make_judge("polite", "Is {{ outputs }} polite?")
RATED = make_judge("rated", "Rate {{ outputs }}.", scale=(1, 5))


def answering(by_model: dict[str, Any]) -> Any:
    def answer(request: SeenRequest) -> Any:
        said = by_model[request.json["model"]]
        return said if isinstance(said, Fault) else {"rationale": "r", "verdict": said}

    return answer


def judged(judge: Judge, by_model: dict[str, Any], **settings: Any) -> tuple[Score, list[str]]:
    with ScriptedEndpoint(answering(by_model)) as endpoint:
        models = [{"model": name, "base_url": endpoint.base_url} for name in by_model]
        jury = jury_of(judge, models, **settings)
        jury.check()
        found = asyncio.run(jury.score(Case(outputs="Hello there, you")))
        return found, [str(request.json["model"]) for request in endpoint.requests]


@pytest.mark.parametrize(
    ("votes", "value", "flipped"),
    [
        pytest.param(("yes", "yes", "yes"), True, False, id="all-agree"),
        pytest.param(("no", "yes", "yes"), True, True, id="the-first-is-overruled"),
        pytest.param(("yes", Fault.REFUSAL, "yes"), True, False, id="one-abstains"),
        pytest.param((Fault.REFUSAL, "no", "no"), False, True, id="the-first-abstains"),
    ],
)
def test_more_than_half_of_the_votes_decide(
    votes: tuple[Any, ...], value: bool, flipped: bool
) -> None:
    found, _ = judged(POLITE, dict(zip("abc", votes, strict=True)))

    assert found.value is value
    assert (found.metadata or {})["flipped"] is flipped
    assert [row["model"] for row in (found.metadata or {})["votes"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        pytest.param(("yes", "no"), "no_majority", id="tie"),
        pytest.param(("yes", "no", Fault.REFUSAL), "no_majority", id="tie-of-those-who-vote"),
        pytest.param(("yes", Fault.REFUSAL, Fault.REFUSAL), "refusal", id="most-abstain"),
    ],
)
def test_without_a_majority_the_case_fails(votes: tuple[Any, ...], reason: str) -> None:
    found, _ = judged(POLITE, dict(zip("abc", votes, strict=False)))

    assert (found.status, found.reason) == (Status.FAILED, reason)


@pytest.mark.parametrize(
    ("combine", "votes", "value"),
    [
        ("mean", (1, 4, 5, 5), 3.75),
        ("trimmed_mean", (1, 4, 5, 5), 4.5),
        ("trimmed_mean", (1, 4), 2.5),
    ],
)
def test_values_are_averaged_where_asked(
    combine: str, votes: tuple[int, ...], value: float
) -> None:
    found, _ = judged(RATED, dict(zip("abcd", votes, strict=False)), combine=combine)

    assert found.value == value


@pytest.mark.parametrize(
    ("first", "asked"), [(5, ["a"]), (1, ["a"]), (3, ["a", "b", "c"]), (2, ["a", "b", "c"])]
)
def test_only_borderline_cases_go_to_the_whole_jury(first: int, asked: list[str]) -> None:
    votes = {"a": first, "b": 4, "c": 4}

    _, models = judged(RATED, votes, combine="mean", borderline=(2, 4))

    assert sorted(models) == asked


def test_a_first_juror_that_fails_sends_the_case_to_the_others() -> None:
    found, _ = judged(POLITE, {"a": Fault.REFUSAL, "b": "yes", "c": "yes"}, borderline=(0.4, 0.6))

    assert found.value is True


@pytest.mark.parametrize(
    ("jury", "told"),
    [
        (lambda: Jury(judges=(POLITE,)), "two judges"),
        (lambda: jury_of(POLITE, ["a", "b"], combine="median"), "trimmed_mean"),
        (lambda: Jury(judges=(POLITE, RATED)).check(), "same choices"),
        (
            lambda: jury_of(
                make_judge("t", "{{ outputs }}", choices=["x", "y"]), ["a", "b"], combine="mean"
            ).check(),
            "values",
        ),
    ],
)
def test_a_jury_that_cannot_work_is_refused(jury: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        jury()


def test_a_jury_is_rebuilt_with_the_same_signature() -> None:
    jury = jury_of(POLITE, ["one/model", "another/model"], name="panel", borderline=(0.2, 0.8))
    stored = parse_json(canonical_json(specification(jury)))

    assert rebuild(stored) == jury
    assert signature(rebuild(stored)) == signature(jury)


def test_jurors_without_a_model_take_the_evaluations() -> None:
    jury = Jury(judges=(POLITE, POLITE.with_model("own/model")))

    assert jury.model is None
    assert jury.with_model("given/model").model == "given/model, own/model"


@given(st.lists(st.sampled_from("ab"), min_size=2, max_size=6))
def test_agreement_is_the_share_of_equal_pairs(votes: list[str]) -> None:
    pairs = [(i, j) for i in range(len(votes)) for j in range(i)]
    equal = sum(votes[i] == votes[j] for i, j in pairs)

    assert agreement(votes) == pytest.approx(equal / len(pairs))


def case_of(labels: tuple[str | None, ...]) -> dict[str, Any]:
    rows = [{"model": f"m{n}", "label": label} for n, label in enumerate(labels)]
    return {"votes": rows, "flipped": labels[0] == "no"}


VOTES: list[tuple[str | None, ...]] = [
    ("yes", "yes", "no"),
    ("no", "no", "no"),
    ("yes", "yes", "yes"),
    ("no", None, "yes"),
    ("yes", "yes", "no"),
    ("no", "no", "yes"),
]


def test_the_report_fits_dawid_skene_to_the_votes() -> None:
    report = jury_report(map(case_of, VOTES))
    counts = np.array(
        [[[vote == label for label in ("no", "yes")] for vote in votes] for votes in VOTES]
    )

    expected = dawid_skene(counts.astype(float), smoothing=0.01)

    np.testing.assert_allclose(report.dawid_skene.posterior, expected.posterior)
    assert report.consensus == ("yes", "no", "yes", "no", "yes", "no")
    assert report.abstentions == pytest.approx((0.0, 1 / 6, 0.0))
    assert report.flip_rate == 0.5


def test_jurors_who_err_together_are_worth_fewer() -> None:
    together = [("no", "no", "yes", "yes", "yes")] * 2 + [("yes",) * 5] * 8 + [("no",) * 5] * 6

    report = jury_report(map(case_of, together))

    assert report.error_correlation == pytest.approx(1.0)
    assert report.effective_jurors == pytest.approx(1.0)


def test_a_report_without_votes_is_refused() -> None:
    with pytest.raises(ValueError, match="no vote"):
        jury_report([None, {}])
