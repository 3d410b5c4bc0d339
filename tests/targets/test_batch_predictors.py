from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import evalkit
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
