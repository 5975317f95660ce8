# `make report` and `make test` do all of their set-up: a virtual environment with pinned versions.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPECS := $(wildcard experiments/*.yaml)

.PHONY: help report test check lint types layers slow bench clean
.DEFAULT_GOAL := help

help: ## list what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

report: $(READY) ## run every file in experiments/ and render reports/
	@$(BIN)/optlab run $(SPECS)

test: $(READY) ## run the tests (minutes)
	@$(BIN)/python -m pytest -m 'not slow'

slow: $(READY) ## run the tests that take longer
	@$(BIN)/python -m pytest -m slow

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

layers: $(READY)
	@$(BIN)/lint-imports

check: lint types layers test ## lint, types, layers, tests

bench: $(READY) ## time the engine against hand-written programs
	@$(BIN)/python benchmarks/bench.py --keep

clean: ## remove reports, caches and the environment
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find reports -mindepth 1 ! -name README.md -delete
	find optlab tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
