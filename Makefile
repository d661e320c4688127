PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EROS := $(BIN)/eros

.DEFAULT_GOAL := help
.PHONY: help venv demo lint test test-fast ci mutations soak bench closed-loop docs pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

venv: $(VENV)/.installed ## make .venv with everything the tests need

# The stamp makes the second time instant; a changed dependency list makes it again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "Python 3.10 or newer is needed: make venv PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	@touch $@

demo: venv ## the three schedules on the sample data that comes with the project, and the day's plan
	$(EROS) run performance
	$(EROS) run daily
	$(EROS) run sweep
	$(EROS) schedule

# An in-memory database and folders of its own: a lint waits for nobody and opens no one's file.
lint: export EROS_DUCKDB_PATH = :memory:
lint: export DBT_TARGET = duckdb
lint: export DBT_TARGET_PATH = target/lint
lint: venv ## Python, YAML, spelling, conventions, and the SQL of both engines; nothing is run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/yamllint --strict .
	$(BIN)/codespell
	$(BIN)/dbt --quiet parse --profiles-dir lint
	$(BIN)/dbt-bouncer --show-all-failures
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 models analyses tests/dbt/singular
	$(BIN)/python lint/compile_bigquery.py target/lint-bigquery
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 --config lint/bigquery.cfg target/lint-bigquery

test: lint ## everything, from nothing
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: venv ## the quick part
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

ci: test ## what CI runs: lint and all tests

soak: venv ## thirty simulated days of `eros serve`, thousands of writers and 120 runs killed at random: an hour
	EROS_SOAK_DAYS=15 EROS_KILLS=2000 $(BIN)/python -m pytest -q -n 2 tests/python/test_soak.py tests/python/test_kills.py
	EROS_KILL_POINTS=40 $(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/python/test_invariants.py -k killed_at_any_moment
mutations: venv ## break each rule on a copy and see that a test notices
	$(BIN)/python -m tests.mutations.check

bench: venv ## measure the sizes that the design promises
	$(BIN)/python benchmarks/bench.py

closed-loop: venv ## drive the project through 90 days of a simulated agency, against random, perfect and other choice
	$(BIN)/python benchmarks/closed_loop.py --world agency --seed 1

docs: venv ## one page on every table and column, which opens without a network
	$(BIN)/python -m docs.page

pictures: venv ## draw docs/entities.md and docs/flow.md anew
	$(BIN)/python -m docs.pictures

clean: ## remove what the other targets made, but no data and no database
	rm -rf $(VENV) target logs .pytest_cache .ruff_cache .mypy_cache .hypothesis
