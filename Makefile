# Python 3.11 to 3.14 and make are all that must be there; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check
# Without bytecode every process would compile its imports anew, seconds each time.
unexport PYTHONDONTWRITEBYTECODE
export DAGSTER_HOME ?= $(CURDIR)/.dagster

.DEFAULT_GOAL := help
.PHONY: help demo ui test lint bench clean

help: ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# On Linux the PyTorch of PyPI brings gigabytes for GPUs that nothing here uses. uv knows where the CPU build is; pip
# takes it from where it is configured to look, and otherwise asks a uv of its own.
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)".*/\1/p' pyproject.toml)

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	  { echo "Python 3.11 to 3.14 is needed; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	@if command -v uv >/dev/null; then \
	  echo "uv pip install --torch-backend cpu --editable '.[dev]'" && \
	  uv pip install --quiet --python $(BIN)/python --torch-backend cpu --editable '.[dev]'; \
	else \
	  $(PIP) --quiet --upgrade pip && { \
	    [ "$$(uname)" != Linux ] || $(PIP) --quiet --no-deps '$(TORCH)+cpu' 2>/dev/null || \
	    { $(PIP) --quiet uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend cpu '$(TORCH)'; } || \
	    echo "No CPU build of PyTorch is to be had here: pip brings the usual one, some gigabytes."; } && \
	  echo "pip install --editable '.[dev]'" && $(PIP) --quiet --progress-bar on --editable '.[dev]'; \
	fi
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
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
