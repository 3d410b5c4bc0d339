"""What was asked for: the content of ``plan.json``, enough to resume or to say what differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit._internal.clock import now_milliseconds
from evalkit.entities.target import TargetIdentity
from evalkit.scoring.protocol import Scorer
from evalkit.scoring.signature import signature, specification

if TYPE_CHECKING:
    from evalkit.data.snapshot import Spool

FORMAT = 1
"""Number of the form of an evaluation's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """Name, digest and number of cases of the data."""

    name: str
    digest: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineReference:
    """What the gates compare with: its name, and the text that opens it again."""

    name: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What was asked for, as it is written before the first call."""

    name: str
    target: TargetIdentity
    model_id: str
    """Identity of what is evaluated: a digest over the target."""

    scorers: Sequence[Mapping[str, Any]]
    """What rebuilds each scorer: import path, parameters, digest."""

    signatures: Mapping[str, str]
    """Signature of each scorer."""

    dataset: DatasetFacts
    added: Sequence[str] = ()
    """Scorers that are added to the run's finished evaluation, which has the scores of the others;
    none where this is no such addition."""

    code: str | None = None
    """Digest of the code of a target that is a function."""

    outputs_digest: str | None = None
    created: int = 0
    """Milliseconds since the Unix epoch."""

    shard_rows: int = 1
    """Cases that are called and scored as one."""

    repeats: int = 1
    reducers: Sequence[str] = ("mean",)
    gates: Sequence[str] = ()
    baseline: BaselineReference | None = None
    shard: str | None = None
    """Which part of the cases this is, such as ``1/4``; its gates are judged on the whole."""

    stop: Mapping[str, Any] | None = None
    """What an evaluation that ends with its gates' decision watches; see `stop_facts`."""

    level: float = 0.95
    seed: int = 0
    judge_model: str | None = None
    """Model of the judges that name none, by argument or setting."""

    judge_base_url: str | None = None
    columns: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    runtime: Mapping[str, Any] = field(default_factory=dict[str, Any])
    run_id: str | None = None
    store: str | None = None
    """URI of the store that holds the run."""

    owned: bool = False
    """Whether the evaluation made its run, and so ends it."""

    scores_only: bool = False
    """Whether the texts of the cases are not there, as in a baseline file."""

    def scorer(self, name: str) -> Mapping[str, Any]:
        """Look up what rebuilds a scorer, or the one that it wraps; empty where there is none."""
        spec = next((spec for spec in self.scorers if spec["name"] == name), {})
        inner: Mapping[str, Any] = spec.get("inner", spec)
        return inner

    @property
    def judge_models(self) -> dict[str, list[str]]:
        """Models that made the numbers of each judge, by scorer; of a jury those of its jurors."""
        models: dict[str, list[str]] = {}
        for name in (spec["name"] for spec in self.scorers):
            identity = self.scorer(name).get("identity") or {}
            jurors = identity.get("jurors", [identity])
            models[name] = [str(juror["model"]) for juror in jurors if juror.get("model")]
        return {name: asked for name, asked in models.items() if asked}

    @property
    def judged_by(self) -> str:
        """The models of all judges, each once, as one text; empty where there is no judge."""
        return ", ".join(dict.fromkeys(chain(*self.judge_models.values())))

    def to_json(self) -> dict[str, Any]:
        """Turn the plan into JSON values."""
        # Not asdict of it all: that copies parameters deeply, and some cannot be copied.
        fields = vars_of(self)
        for name in ("target", "dataset", "baseline"):
            fields[name] = None if fields[name] is None else vars_of(fields[name])
        return {"format": FORMAT, **fields}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EvaluationPlan:
        """Read what `to_json` wrote; what an older release did not write has its default."""
        names = {field.name for field in dataclasses.fields(cls)}
        fields = {name: value for name, value in content.items() if name in names}
        fields.setdefault("owned", content.get("run_id") is not None)
        baseline = content.get("baseline")
        fields["target"] = TargetIdentity(**content["target"])
        fields["dataset"] = DatasetFacts(**content["dataset"])
        fields["baseline"] = None if baseline is None else BaselineReference(**baseline)
        return cls(**fields)


def vars_of(thing: Any) -> dict[str, Any]:
    """Give the fields of a dataclass by name, uncopied."""
    return {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}


def model_id_of(identity: TargetIdentity) -> str:
    """Digest everything that the answers of a target come from."""
    return content_hash(canonical_json(vars_of(identity)), size=16)


def plan_of(
    cases: Spool,
    scorers: Sequence[Scorer],
    *,
    name: str,
    data_name: str,
    target: TargetIdentity | None = None,
    **options: Any,
) -> EvaluationPlan:
    """Describe an evaluation of *cases* by *scorers*, created now; *options* are further fields.

    Without a *target*, stored outputs are evaluated, which their digest identifies.
    """
    identity = target or TargetIdentity(
        kind="stored", name=name, parameters={"outputs": cases.outputs_digest}
    )
    return EvaluationPlan(
        name=name,
        created=now_milliseconds(),
        target=identity,
        model_id=model_id_of(identity),
        scorers=[specification(scorer) for scorer in scorers],
        signatures={scorer.name: signature(scorer) for scorer in scorers},
        dataset=DatasetFacts(name=data_name, digest=cases.dataset_digest, n=cases.n),
        outputs_digest=cases.outputs_digest,
        **options,
    )
