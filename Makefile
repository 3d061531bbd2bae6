# Python 3.11 to 3.13 and make are all that must be there; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Without bytecode every process would compile its imports anew, seconds each time.
unexport PYTHONDONTWRITEBYTECODE
export DAGSTER_HOME ?= $(CURDIR)/.dagster

.DEFAULT_GOAL := help
.PHONY: help demo ui test lint bench clean

help: ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --quiet --editable '.[dev]'
	@touch $@

demo: .venv/installed ## Make the demo user and take it through every stage
	@$(BIN)/qualia demo

ui: .venv/installed ## The browser app on http://127.0.0.1:3001, Dagster's UI on http://127.0.0.1:3000
	@$(BIN)/qualia ui

test: .venv/installed lint ## Lint, types and tests
	$(BIN)/python -m pytest

lint: .venv/installed ## Lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed ## Benchmarks: minutes, ratios of CPU time
	$(BIN)/python -m benchmarks

clean: ## Remove the environment; the lake and the state stay
	rm -rf .venv *.egg-info .pytest_cache .mypy_cache .ruff_cache
