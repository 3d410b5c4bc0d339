from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

import evalkit
from evalkit.data.snapshot import Spool
from evalkit.errors import DataError, MissingColumnError

Spooled = Callable[..., Spool]
OFF = evalkit.Runtime(store=False, progress=False)
SCORERS = ["classification.accuracy", "classification.roc_auc", "classification.log_loss"]
P = np.array([0.1, 0.8, 0.3, 0.7, 0.6, 0.2, 0.9, 0.4])
Y = np.array([0, 1, 0, 0, 1, 1, 1, 0])
NAMES = np.array(["churn", "stay"])
FRAME = pd.DataFrame({"q": range(8), "y_true": Y, "y_pred": (P > 0.5).astype(int)})
TEXTS = FRAME.assign(y_true=NAMES[Y], y_pred=NAMES[(P > 0.5).astype(int)])
OF_EACH: list[Any] = [{"0": 1 - p, "1": p} for p in P]
IN_ORDER: list[Any] = [[1 - p, p] for p in P]
ARRAYS: list[Any] = [np.array(pair) for pair in IN_ORDER]
PAIR = {"p_churn": 1 - P, "p_stay": P}


def scored(frame: pd.DataFrame, columns: Any = None, scorers: Any = SCORERS) -> Any:
    return evalkit.evaluate(data=frame, scorers=scorers, columns=columns, runtime=OFF)


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        pytest.param(FRAME.assign(y_proba=P), None, id="obvious-names"),
        pytest.param(FRAME.assign(p=P), {"probabilities": "p"}, id="of-the-positive-label"),
        pytest.param(FRAME.assign(p=P), {"probabilities": ["p"]}, id="a-list-of-one"),
        pytest.param(
            FRAME.assign(p_0=1 - P, p_1=P), {"probabilities": ["p_0", "p_1"]}, id="two-columns"
        ),
        pytest.param(
            FRAME.assign(a=1 - P, b=P), {"probabilities": {"0": "a", "1": "b"}}, id="named"
        ),
        pytest.param(
            FRAME.assign(a=1 - P, b=P), {"probabilities.0": "a", "probabilities.1": "b"}, id="dots"
        ),
        pytest.param(FRAME.assign(p=OF_EACH), {"probabilities": "p"}, id="mapping"),
        pytest.param(FRAME.assign(p=IN_ORDER), {"probabilities": "p"}, id="list"),
        pytest.param(FRAME.assign(p=ARRAYS), {"probabilities": "p"}, id="array"),
        pytest.param(
            TEXTS.assign(**PAIR), {"probabilities": ["p_churn", "p_stay"]}, id="texts-as-labels"
        ),
        pytest.param(
            FRAME.astype({"y_true": bool, "y_pred": bool}).assign(p_False=1 - P, p_True=P),
            {"probabilities": ["p_False", "p_True"]},
            id="truth-values",
        ),
    ],
)
def test_labels_and_probabilities_stand_side_by_side(frame: pd.DataFrame, columns: Any) -> None:
    result = scored(frame, columns)

    assert result["classification.accuracy"].value == accuracy_score(Y, P > 0.5)
    assert result["classification.roc_auc"].value == pytest.approx(roc_auc_score(Y, P))
    assert result["classification.log_loss"].value == pytest.approx(log_loss(Y, P))


def test_probabilities_alone_are_the_output() -> None:
    frame = TEXTS.drop(columns="y_pred").assign(**PAIR)

    result = scored(frame, {"probabilities": ["p_churn", "p_stay"]})

    assert result["classification.accuracy"].value == accuracy_score(Y, P > 0.5)
    assert result["classification.log_loss"].value == pytest.approx(log_loss(Y, P))


def test_what_is_missing_of_either_is_missing_alone(spooled: Spooled) -> None:
    rows = [
        {"q": 1, "y_pred": "a", "y_proba": None},
        {"q": 2, "y_pred": None, "y_proba": 0.5},
        {"q": 3, "y_pred": None, "y_proba": None},
    ]

    assert spooled(rows).values("outputs") == [
        {"label": "a", "probabilities": None},
        {"label": None, "probabilities": 0.5},
        None,
    ]


def test_a_label_that_is_none_of_the_classes_is_no_wrong_label() -> None:
    frame = TEXTS.assign(of_a=1 - P, of_b=P)

    result = scored(frame, {"probabilities": ["of_a", "of_b"]})

    assert result["classification.accuracy"].value == accuracy_score(Y, P > 0.5)
    assert result["classification.roc_auc"].n_failed == 8
    assert "is none of the classes 'a', 'b'" in result.failures().iloc[0]["explanation"]


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        pytest.param({"probabilities": "y_prob"}, MissingColumnError, "y_proba", id="misspelt"),
        pytest.param(None, DataError, "columns={'outputs': None}", id="beside-a-model"),
        pytest.param(
            {"inputs": "q", "probabilities": "outputs.p"}, DataError, "a model", id="of-the-model"
        ),
    ],
)
def test_wrong_columns_are_errors_before_the_run(columns: Any, error: Any, says: str) -> None:
    model = None if error is MissingColumnError else lambda q: q

    with pytest.raises(error, match=says):
        evalkit.evaluate(model, FRAME.assign(y_proba=P), SCORERS, columns=columns, runtime=OFF)


def test_dropped_outputs_take_their_probabilities_along(spooled: Spooled) -> None:
    spool = spooled(
        [{"q": 1, "y_pred": 1, "y_proba": 0.5}], columns={"inputs": "q", "outputs": None}
    )

    assert spool.fields == {"id", "inputs"}
