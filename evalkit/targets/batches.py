"""Predictors of whole batches that are no estimators of scikit-learn's kind, as if they were."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from evalkit.targets.estimator import is_estimator

_FRAMES: Final = frozenset({"X", "df", "frame", "dataframe", "data_frame", "model_input"})
"""Names of a lone parameter that is a table, by the custom of scikit-learn and MLflow."""

_TYPES: Final = ("DataFrame", "ndarray", "NDArray", "Series")


@dataclass(frozen=True, slots=True)
class BatchPredictor:
    """Answers a frame by a function or a model of another library."""

    model: Any
    """What was given, for its name and import path."""

    predict: Callable[[Any], Any]
    """Takes a DataFrame of n rows, and returns n predictions."""


def batch_predictor(thing: Any) -> Any:
    """Return what predicts batches of cases: an estimator or a `BatchPredictor`; else ``None``.

    An estimator's bound ``predict``, models of MLflow (pyfunc), Keras, PyTorch and ONNX Runtime,
    and a function or ``predict`` whose lone parameter is declared as a frame or array, or is
    called ``X``, ``df``, ``frame`` or ``model_input``.

    Examples:
        >>> def predict(X):
        ...     return [0] * len(X)
        >>> batch_predictor(predict).predict([1, 2])
        [0, 0]
        >>> batch_predictor(len) is None
        True
    """
    if isinstance(thing, type):
        return None
    owner = getattr(thing, "__self__", None)
    if is_estimator(owner) and getattr(thing, "__name__", "") == "predict":
        return owner
    for library, wrap in _LIBRARIES.items():
        if any(kind.__module__.partition(".")[0] == library for kind in type(thing).__mro__):
            return BatchPredictor(thing, functools.partial(wrap, thing))
    predict = getattr(thing, "predict", None)
    function = predict if callable(predict) else thing
    if callable(function) and _takes_a_frame(function):
        return BatchPredictor(thing, function)
    return None


def _takes_a_frame(function: Any) -> bool:
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return False
    empty = inspect.Parameter.empty
    needed = [one for one in parameters if one.default is empty and one.kind in _POSITIONAL]
    # MLflow's predict has the context before the table.
    needed = [one for one in needed if one.name != "context"]
    if len(needed) != 1:
        return False
    hint = needed[0].annotation
    declared = str(getattr(hint, "__name__", hint)) if hint is not empty else ""
    if declared and declared.rpartition(".")[2] not in {"Any", "object"}:
        return any(kind in declared for kind in _TYPES)
    return needed[0].name in _FRAMES


_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _numbers(frame: Any) -> Any:
    return frame.to_numpy(dtype="float32")


def _mlflow(model: Any, frame: Any) -> Any:
    return model.predict(frame)


def _keras(model: Any, frame: Any) -> Any:
    return _flat(model.predict(_numbers(frame), verbose=0))


def _torch(model: Any, frame: Any) -> Any:
    torch = importlib.import_module("torch")  # no stubs where it is not installed
    with torch.no_grad():
        return _flat(model(torch.as_tensor(_numbers(frame))).cpu().numpy())


def _onnx(session: Any, frame: Any) -> Any:
    (first, *_) = session.run(None, {session.get_inputs()[0].name: _numbers(frame)})
    return _flat(first)


def _flat(predicted: Any) -> Any:
    """Return one value a row where the network has one output."""
    return predicted[:, 0] if getattr(predicted, "shape", ())[1:] == (1,) else predicted


_LIBRARIES: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "mlflow": _mlflow,
    "keras": _keras,
    "torch": _torch,
    "onnxruntime": _onnx,
}
"""What calls a model of each library."""
