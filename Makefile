# Trunkline: one command runs it, one command tests it. All that is needed is Python 3.11, git and make.
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
PYTEST := $(BIN)/python -m pytest
# A process for each core; a file's tests stay together, in the order of tests/conftest.py.
SPREAD := --numprocesses auto --dist loadfile --no-loadscope-reorder
ARGS ?=
# The tests start the program hundreds of times: what Python compiled once is kept, whatever the environment says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run install test test-embedded test-kill test-long test-again lint format bench bench-cluster lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## Set up what is missing and start Trunkline (ARGS="--port 0")
	@exec $(BIN)/trunkline up $(ARGS)

install: $(DEV_STAMP) ## Set up everything for running and developing
	@echo "Ready in $(VENV): make run, make test"

# The tests start a PostgreSQL of their own where its server is installed (apt install postgresql), or use
# the one that TRUNKLINE_TEST_PG names. Without one they are skipped, or fail where CI is set.
test: lint ## Check format, lint, types and import rules, then run the tests (ARGS="-k name")
	$(PYTEST) $(SPREAD) -m "not kill" $(ARGS)

test-embedded: lint ## The same, without the tests that need a PostgreSQL
	TRUNKLINE_TEST_PG=none $(PYTEST) $(SPREAD) -m "not kill" $(ARGS)

test-kill: $(DEV_STAMP) ## Kill the program at every named step and under load; takes minutes
	$(PYTEST) --numprocesses auto --dist worksteal -m "kill and not long" $(ARGS)

test-long: $(DEV_STAMP) ## The rest of the kills on PostgreSQL: every step, a database away for 40 s
	$(PYTEST) -m "kill and long" $(ARGS)

test-again: $(DEV_STAMP) ## Run only the tests that failed the last time
	$(PYTEST) --last-failed --last-failed-no-failures none $(ARGS)

lint: $(DEV_STAMP) ## Check format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(DEV_STAMP) ## Format the code and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV_STAMP) ## Measure speed against floors measured in the same run
	$(BIN)/python -m bench $(ARGS)

bench-cluster: $(DEV_STAMP) ## Measure many processes on a PostgreSQL of its own (ARGS=--quick: 4 minutes)
	$(BIN)/python -m bench.cluster $(ARGS)

lock: $(DEV_STAMP) ## Write requirements.lock: exact versions with hashes, for a release
	@$(PIP) install "uv>=0.9,<1"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra all \
		--no-annotate --custom-compile-command "make lock" \
		--output-file requirements.lock pyproject.toml

clean: ## Remove the environment, caches and builds (your data is elsewhere and stays)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A name on the PATH may be a launcher for a version that is not there, so each one is tried.
$(BIN)/python:
	@for name in python3.11 python3 python3.12 python3.13 python3.14 python; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			echo "Creating $(VENV) with $$("$$name" --version) ..." >&2; \
			"$$name" -m venv --clear $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "Could not create $(VENV). On Debian and Ubuntu: apt install python3-venv" >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Trunkline needs Python 3.11 or newer, and none was found on the PATH." >&2; \
	echo "Install it from https://www.python.org/downloads/ or your package manager, then try again." >&2; \
	exit 1

$(RUN_STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing Trunkline (the first time takes about a minute) ..." >&2
	@$(PIP) install --editable ".[all]" >&2
	@touch $@

# The set for developing holds the one for running.
$(DEV_STAMP): pyproject.toml | $(BIN)/python
	@echo "Installing Trunkline and its development tools (the first time takes about a minute) ..." >&2
	@$(PIP) install --editable ".[dev]" >&2
	@touch $(RUN_STAMP) $@
