"""Reading traces: our own JSON, MLflow's and OpenTelemetry's, and what a case takes of them."""

from evalkit.data.traces.reading import is_trace, read_trace, read_traces, trace_if_any

__all__ = ["is_trace", "read_trace", "read_traces", "trace_if_any"]
