# Two commands on a fresh machine: `make demo` and `make test`.  Everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test lint unit faults bench clean

help:
	@echo "make demo     install, then verify the bundled example, mend it, verify it again"
	@echo "make test     install, then every check: style, types, directions, tests, the wheel"
	@echo "make lint     the checks that run nothing"
	@echo "make faults   the planted faults and what is found of them (minutes)"
	@echo "make bench    what observation costs (minutes; an otherwise idle machine)"
	@echo "make clean    remove everything made"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "samebits needs Python 3.11 or newer; say which with: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python examples/demo.py

test: lint unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: $(STAMP)
	$(BIN)/python -m pytest

faults: $(STAMP)
	$(BIN)/python benchmarks/faults/run.py

bench: $(STAMP)
	$(BIN)/python -m benchmarks.digest
	$(BIN)/python -m benchmarks.overhead

clean:
	rm -rf $(VENV) dist build .samebits .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
