import sys
import types
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import evalkit
from evalkit.errors import BindingError
from evalkit.targets.open import open_target

OFF = evalkit.Runtime(store=False, progress=False)
FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
Y = [0, 0, 1, 1]


def fitted() -> Any:
    return LogisticRegression(C=1e6).fit(FRAME, Y)


def untyped(X: Any) -> Any:  # noqa: N803  as scikit-learn has it
    return (np.asarray(X)[:, 0] > 1.5).astype(int)


def typed(rows: pd.DataFrame) -> Any:
    return (rows["a"] > 1.5).astype(int)


class Simple:
    def predict(self, model_input: Any) -> Any:
        return (model_input["a"] > 1.5).astype(int)


class Network:
    """Answers as a network with one output does."""

    def predict(self, inputs: Any, verbose: int = 1) -> Any:
        assert verbose == 0
        assert inputs.dtype == np.float32
        return (inputs[:, :1] > 1.5).astype(int)


Network.__module__ = "keras.models"


@pytest.mark.parametrize(
    "make",
    [
        lambda: fitted().predict,
        lambda: untyped,
        lambda: typed,
        Simple,
        Network,
        lambda: Simple().predict,
    ],
    ids=["bound-predict", "named-X", "declared-a-frame", "an-object", "keras", "a-method"],
)
def test_a_predictor_of_batches_is_called_with_batches(make: Callable[[], Any]) -> None:
    result = evalkit.evaluate(make(), (FRAME, Y), ["classification.accuracy"], runtime=OFF)

    assert result["classification.accuracy"].value == 1.0


class Softmax:
    """Answers as a network with one score a class does."""

    def predict(self, inputs: Any, verbose: int = 1) -> Any:
        del verbose
        second = 1 / (1 + np.exp(1.5 - inputs[:, 0]))
        return np.stack([1 - second, second], axis=1)


Softmax.__module__ = "keras.models"


class Shares(Simple):
    classes_: ClassVar = ["no", "yes"]

    def predict(self, model_input: Any) -> Any:
        return np.where(model_input["a"] > 1.5, "yes", "no")

    def predict_proba(self, model_input: Any) -> Any:
        second = model_input["a"].to_numpy() / 3
        return np.stack([1 - second, second], axis=1)


def by_name_of_class(X: Any) -> Any:  # noqa: N803
    return pd.DataFrame({"0": 1 - X["a"] / 3, "1": X["a"] / 3})


def scores(X: Any) -> Any:  # noqa: N803
    return np.stack([5 - 2 * X["a"], X["a"]], axis=1)


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        pytest.param(Softmax(), [0, 1], id="probabilities-of-a-network"),
        pytest.param(Softmax().predict, [0, 1], id="its-bound-predict"),
        pytest.param(scores, [0, 1], id="scores-of-a-function"),
        pytest.param(by_name_of_class, [0, 1], id="a-frame-of-classes"),
        pytest.param(Shares(), ["no", "yes"], id="predict-proba"),
        pytest.param(Shares().predict, ["no", "yes"], id="bound-predict-proba"),
    ],
)
@pytest.mark.parametrize(
    "scorers",
    [["classification.accuracy"], ["classification.roc_auc", "classification.accuracy"]],
    ids=["labels-alone", "scores-too"],
)
def test_several_numbers_a_case_are_scores_of_the_classes(
    model: Any, labels: list[Any], scorers: list[str]
) -> None:
    data = (FRAME, [labels[place] for place in Y])

    result = evalkit.evaluate(model, data, scorers, runtime=OFF)

    assert {name: result[name].value for name in scorers} == dict.fromkeys(scorers, 1.0)


def test_without_a_scorer_of_classes_they_stay_a_list() -> None:
    @evalkit.scorer
    def total(outputs: Any) -> float:
        return float(sum(outputs))

    result = evalkit.evaluate(scores, (FRAME, Y), [total], runtime=OFF)

    assert result.table()["outputs"].tolist() == [[5.0, 0.0], [3.0, 1.0], [1.0, 2.0], [-1.0, 3.0]]


def test_bare_labels_as_scores_are_remarked_on() -> None:
    result = evalkit.evaluate(untyped, (FRAME, Y), ["classification.roc_auc"], runtime=OFF)

    assert "all 0 or 1, as labels are" in str(result["classification.roc_auc"].note)


class Place:
    """An input or output of an ONNX session."""

    def __init__(self, name: str, kind: str, shape: Any = None) -> None:
        self.name, self.type, self.shape = name, kind, shape


class Session:
    """Answers as a classifier in ONNX does: labels, then a mapping of each."""

    def __init__(self, *inputs: Place) -> None:
        self.inputs = inputs
        self.feeds: dict[str, Any] = {}

    def get_inputs(self) -> Any:
        return self.inputs

    def get_outputs(self) -> Any:
        shares = Place("output_probability", "seq(map(int64,tensor(float)))", [])
        return [Place("output_label", "tensor(int64)", [None]), shares]

    def run(self, names: None, feeds: dict[str, Any]) -> Any:
        del names
        self.feeds = feeds
        second = next(iter(feeds.values()))[:, 0] / 3
        return [(second > 0.5).astype(int), [{0: 1 - p, 1: p} for p in second.tolist()]]


Session.__module__ = "onnxruntime.capi"


@pytest.mark.parametrize(
    ("inputs", "dtypes"),
    [
        pytest.param([Place("X", "tensor(float)")], {"X": "float32"}, id="one-array"),
        pytest.param([Place("X", "tensor(double)")], {"X": "float64"}, id="doubles"),
        pytest.param(
            [Place("a", "tensor(float)"), Place("b", "tensor(int64)")],
            {"a": "float32", "b": "int64"},
            id="an-input-a-column",
        ),
    ],
)
def test_a_session_of_onnx_gets_what_it_declares(inputs: Any, dtypes: Any) -> None:
    session = Session(*inputs)

    result = evalkit.evaluate(
        session, (FRAME, Y), ["classification.accuracy", "classification.roc_auc"], runtime=OFF
    )

    assert {name: str(array.dtype) for name, array in session.feeds.items()} == dtypes
    assert result["classification.roc_auc"].value == 1.0
    assert result["classification.accuracy"].value == 1.0


def test_a_column_that_it_lacks_is_an_error_before_the_run() -> None:
    session = Session(Place("a", "tensor(float)"), Place("age", "tensor(float)"))

    with pytest.raises(BindingError, match="age"):
        evalkit.evaluate(session, (FRAME, Y), ["classification.accuracy"], runtime=OFF)


class Tensor:
    """As much of a tensor as is used."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.shape = values.shape

    def cpu(self) -> "Tensor":
        return self

    def __getitem__(self, place: Any) -> "Tensor":
        return Tensor(self.values[place])

    def tolist(self) -> Any:
        return self.values.tolist()


class Module:
    """Answers as a module of PyTorch does, at random while it trains."""

    training = True

    def parameters(self) -> Any:
        return iter(())

    def modules(self) -> Any:
        return iter([self])

    def eval(self) -> None:
        self.training = False

    def __call__(self, rows: Any) -> Tensor:
        assert not self.training
        return Tensor(rows.mean(axis=tuple(range(1, rows.ndim)))[:, None].round())


Module.__module__ = "torch.nn.modules"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param((FRAME[["a"]] > 1.5, Y), id="numbers"),
        pytest.param(
            [{"image": np.full((2, 2), y), "expected": y} for y in Y], id="a-picture-a-case"
        ),
    ],
)
def test_a_module_answers_as_in_use(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = types.ModuleType("torch")
    torch.no_grad, torch.as_tensor = nullcontext, np.asarray
    monkeypatch.setitem(sys.modules, "torch", torch)

    module = Module()
    result = evalkit.evaluate(module, data, ["classification.accuracy"], runtime=OFF)

    assert result["classification.accuracy"].value == 1.0
    assert module.training, "training goes on as before"


def test_a_module_of_pytorch_itself() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5)).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
        model[0].bias.copy_(torch.tensor([3.0, 0.0]))

    result = evalkit.evaluate(
        model, (FRAME, Y), ["classification.accuracy", "classification.roc_auc"], runtime=OFF
    )

    assert result["classification.accuracy"].value == 1.0
    assert result["classification.roc_auc"].value == 1.0


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_pyfunc_of_mlflow_has_probabilities_beside_its_labels(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    estimator = fitted()
    signature = mlflow.models.infer_signature(FRAME, estimator.predict(FRAME))
    mlflow.sklearn.save_model(estimator, str(tmp_path / "model"), signature=signature)
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))

    result = evalkit.evaluate(
        model,
        FRAME[["b", "a"]].assign(target=Y),
        ["classification.accuracy", "classification.log_loss"],
        runtime=OFF,
    )

    shares = estimator.predict_proba(FRAME)[np.arange(4), Y]
    assert result["classification.accuracy"].value == 1.0
    assert result["classification.log_loss"].value == pytest.approx(-np.log(shares).mean())


def by_name(question: str) -> str:
    return question


def of_the_mapping(inputs: Any) -> Any:
    return inputs


class Bot:
    def predict(self, text: str) -> str:
        return text


@pytest.mark.parametrize(
    "answer",
    [by_name, of_the_mapping, len, Bot()],
    ids=["a-name", "a-mapping", "a-builtin", "an-object"],
)
def test_other_functions_are_called_case_by_case(answer: Any) -> None:
    target: Any = open_target(answer)

    assert target.lane == "thread"


class Unnamed:
    def predict(self, features: Any) -> Any:
        return untyped(features)


def test_a_predictor_that_cannot_be_known_is_told_how_to_be() -> None:
    result = evalkit.evaluate(Unnamed(), (FRAME, Y), ["classification.accuracy"], runtime=OFF)

    (explanation,) = set(result.failures()["explanation"])
    assert explanation.startswith("'features' is the mapping of one case's inputs; a parameter")
