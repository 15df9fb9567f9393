# Two commands do all the set-up: `make run` and `make test`, each needing python3 (3.11 or newer) alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests in parallel, one PostgreSQL per process: as many as there are cores, never fewer than two.
TEST_PROCESSES ?= 2
PORT ?= 8080

.PHONY: run test bench matrix lint format clean

run: $(VENV)/run.stamp
	@exec $(BIN)/python -m app demo --port $(PORT)

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) $(ARGS)

# Nothing is asserted: tables are printed. Some minutes, on a machine that does nothing else.
bench: $(VENV)/test.stamp
	$(BIN)/python -m tests.benchmarks.scim $(or $(ARGS),--full)
	$(BIN)/python -m tests.benchmarks.reconciler

# The reconciler's and the credentials' tests once under each alternative of each knob of the sandbox: an hour.
matrix: $(VENV)/test.stamp
	BRIDGE_KNOBS=all $(BIN)/python -m pytest -p tests.knob_report -n $(TEST_PROCESSES) -k sqlite --show-capture=no \
	    tests/reconcile tests/credentials --ignore tests/reconcile/test_knobs.py --ignore tests/reconcile/test_sieve.py \
	    --ignore tests/reconcile/test_machine.py $(ARGS)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) var

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The stamps make the second time fast: pip runs again only when a list of requirements changed.
$(VENV)/run.stamp: $(BIN)/python requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp tests/requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@
