"""What predicts whole batches of cases: estimators, and predictors of other kinds as if they were.

A predictor is called with a frame of the input columns, or with what its library takes for one.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

_FRAMES: Final = frozenset({"X", "df", "frame", "dataframe", "data_frame", "model_input"})
"""Names of a lone parameter that is a table, by the custom of scikit-learn and MLflow."""

_TYPES: Final = ("DataFrame", "ndarray", "NDArray", "Series")

_KINDS: Final[dict[str, str]] = {"float": "float32", "double": "float64", "string": "object"}
"""Types of ONNX whose names numpy does not have."""


def is_estimator(thing: Any) -> bool:
    """Say whether *thing* predicts as scikit-learn's estimators do.

    Examples:
        >>> is_estimator(len)
        False
    """
    if isinstance(thing, type) or not callable(getattr(thing, "predict", None)):
        return False
    return callable(getattr(thing, "get_params", None)) or callable(getattr(thing, "fit", None))


@dataclass(frozen=True, slots=True)
class BatchPredictor:
    """Answers a frame by a function or a model of another library."""

    model: Any
    """What was given, for its name and import path."""

    predict: Callable[[Any], Any]
    """Takes a DataFrame of n rows, and returns n predictions."""

    predict_proba: Callable[[Any], Any] | None = None
    """Likewise the probabilities of the classes, where they do not come with predictions."""

    classes_: Any = None
    """The classes in the order of their probabilities, where they are known."""

    feature_names_in_: Sequence[str] | None = None
    """The columns that it takes, in order, where it names them."""

    @property
    def name(self) -> str:
        """Name of what was given, or of its class."""
        return str(getattr(self.model, "__name__", type(self.model).__name__))


def batch_predictor(thing: Any) -> Any:
    """Return what predicts batches of cases: an estimator or a `BatchPredictor`; else ``None``.

    Estimators and their bound ``predict``, models of MLflow (pyfunc), Keras, PyTorch and ONNX
    Runtime, and a function or ``predict`` whose lone parameter is declared as a frame or array, or
    is called ``X``, ``df``, ``frame`` or ``model_input``.

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
    bound = owner is not None and getattr(thing, "__name__", "") == "predict"
    for model in (thing, owner) if bound else (thing,):
        for place, wrapped in _LIBRARIES.items():
            if any(
                f"{kind.__module__}.{kind.__name__}.".startswith(place)
                for kind in type(model).__mro__
            ):
                return wrapped(model)
        if is_estimator(model):
            return model
    predict = getattr(thing, "predict", None)
    function = predict if callable(predict) else thing
    if callable(function) and _takes_a_frame(function):
        if "context" in inspect.signature(function).parameters:  # as MLflow's have before the frame
            function = functools.partial(function, None)
        return BatchPredictor(thing, function, *_of_classes(owner if bound else thing))
    return None


def _of_classes(model: Any) -> tuple[Callable[[Any], Any] | None, Any]:
    proba = getattr(model, "predict_proba", None)
    return (proba, getattr(model, "classes_", None)) if callable(proba) else (None, None)


def _takes_a_frame(function: Any) -> bool:
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return False
    empty = inspect.Parameter.empty
    needed = [one for one in parameters if one.default is empty and one.kind in _POSITIONAL]
    needed = [one for one in needed if one.name != "context"]
    if len(needed) != 1:
        return False
    hint = needed[0].annotation
    declared = str(getattr(hint, "__name__", hint)) if hint is not empty else ""
    if declared and declared.rpartition(".")[2] not in {"Any", "object"}:
        return any(kind in declared for kind in _TYPES)
    return needed[0].name in _FRAMES


_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _array(frame: Any, dtype: str = "float32") -> Any:
    """Return *frame* as an array; a sole column of arrays, such as pictures, as those stacked."""
    if frame.shape[1] == 1 and hasattr(frame.iloc[0, 0], "__len__") and dtype != "object":
        import numpy as np  # start-up: only networks need it here

        return np.stack(frame.iloc[:, 0].to_list()).astype(dtype)
    return frame.to_numpy(dtype=dtype)


def _mlflow(model: Any) -> BatchPredictor:
    """Return the predictor of a pyfunc; one of scikit-learn's labels has probabilities as well."""
    schema = model.metadata.get_input_schema()
    names = schema.input_names() if schema is not None and schema.has_input_names() else None
    inner = getattr(getattr(model, "_model_impl", None), "sklearn_model", None)
    by_label = getattr(getattr(model, "_predict_fn", None), "__name__", "") == "predict"
    proba, classes = _of_classes(inner if by_label else None)
    return BatchPredictor(model, model.predict, proba, classes, names)


def _keras(model: Any) -> BatchPredictor:
    return BatchPredictor(model, functools.partial(_predicted_by_keras, model))


def _predicted_by_keras(model: Any, frame: Any) -> Any:
    return _flat(model.predict(_array(frame), verbose=0))


def _torch(model: Any) -> BatchPredictor:
    return BatchPredictor(model, functools.partial(_predicted_by_torch, model))


def _predicted_by_torch(model: Any, frame: Any) -> Any:
    torch = importlib.import_module("torch")  # no stubs where it is not installed
    training = [module for module in model.modules() if module.training]
    model.eval()  # as in use: no dropout, and nothing is learnt
    weights = next(model.parameters(), None)
    rows = torch.as_tensor(_array(frame))
    try:
        with torch.no_grad():
            return _flat(model(rows if weights is None else rows.to(weights)).cpu())
    finally:
        for module in training:
            module.training = True


def _onnx(session: Any) -> BatchPredictor:
    """Return the predictor of *session*; a classifier has labels first, then probabilities."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    has_shares = len(outputs) > 1 and (
        outputs[1].type.startswith("seq(map") or len(outputs[1].shape or ()) == 2  # noqa: PLR2004
    )
    return BatchPredictor(
        session,
        functools.partial(_predicted_by_onnx, session, 0),
        functools.partial(_predicted_by_onnx, session, 1) if has_shares else None,
        feature_names_in_=[each.name for each in inputs] if len(inputs) > 1 else None,
    )


def _predicted_by_onnx(session: Any, output: int, frame: Any) -> Any:
    feeds: dict[str, Any] = {}
    inputs = session.get_inputs()
    for each in inputs:
        kind = str(each.type).removeprefix("tensor(").removesuffix(")")
        part = frame if len(inputs) == 1 else frame[[each.name]]
        feeds[each.name] = _array(part, _KINDS.get(kind, kind))
    return _flat(session.run(None, feeds)[output])


def _flat(predicted: Any) -> Any:
    """Return one value a row where the network has one output."""
    return predicted[:, 0] if tuple(getattr(predicted, "shape", ())[1:]) == (1,) else predicted


_LIBRARIES: Final[dict[str, Callable[[Any], BatchPredictor]]] = {
    "mlflow.pyfunc.PyFuncModel.": _mlflow,
    "keras.": _keras,
    "torch.nn.": _torch,
    "onnxruntime.": _onnx,
}
"""What makes a predictor of a model, by where its class, or one that it inherits from, lives."""
