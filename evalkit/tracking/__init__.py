"""Runs, step by step: begin one, log to it, find it again; MLflow's verbs on our own store.

Examples:
    >>> from evalkit import tracking
    >>> tracking.set_tracking_uri("sqlite://")
    >>> with tracking.start_run(run_name="baseline"):
    ...     tracking.log_params({"model": "small", "temperature": 0.2})
    ...     tracking.log_metric("accuracy", 0.81)
    >>> tracking.search_runs(status="FINISHED")[0].data.params["model"]
    'small'
    >>> tracking.set_tracking_uri(None)
"""

from evalkit.tracking.active import ActiveRun, active_run, end_run, start_run
from evalkit.tracking.place import (
    Place,
    current_store,
    get_tracking_uri,
    set_experiment,
    set_tracking_uri,
    use_place,
)
from evalkit.tracking.record import (
    artifact_folder,
    delete_tag,
    list_artifacts,
    log_artifact,
    log_artifacts,
    log_metric,
    log_metrics,
    log_param,
    log_params,
    log_text,
    set_tag,
    set_tags,
)
from evalkit.tracking.search import get_metric_history, get_run, search_experiments, search_runs

__all__ = [
    "ActiveRun",
    "Place",
    "active_run",
    "artifact_folder",
    "current_store",
    "delete_tag",
    "end_run",
    "get_metric_history",
    "get_run",
    "get_tracking_uri",
    "list_artifacts",
    "log_artifact",
    "log_artifacts",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_text",
    "search_experiments",
    "search_runs",
    "set_experiment",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
    "use_place",
]
