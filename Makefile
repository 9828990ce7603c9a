# Two commands do everything: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test check bench calibrate selloff format clean

run: .venv/.installed
	$(BIN)/assay run examples/open_weights.toml

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n auto

check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed-dev
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/portfolio.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/events.py

calibrate: .venv/.installed-dev
	$(BIN)/python benchmarks/calibrate.py

# make selloff PRICES=FOLDER SIGNALS=FOLDER: the page about the real event
selloff: .venv/.installed-dev
	$(BIN)/python benchmarks/selloff.py $(PRICES) $(SIGNALS)

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing Assay (about a minute the first time) ..."
	$(PIP) -e .
	@touch $@

.venv/.installed-dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing Assay and what its tests need (about a minute the first time) ..."
	$(PIP) -e ".[dev]"
	@touch .venv/.installed $@
