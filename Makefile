# SPDX-License-Identifier: Apache-2.0
# Every target makes the virtual environment that it needs. PYTHON names another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# An environment of its own: PyTorch is what training is compared with, and nothing needs it else.
TORCH := .torch

.PHONY: demo test quick check fuzz bench clean

demo: $(READY)  ## the whole way on real video, ends with the digest's path
	$(BIN)/tinyvmaf demo

test: $(READY)  ## every test
	$(BIN)/pytest -n auto

quick: $(READY)  ## the tests that take less than three minutes together
	$(BIN)/pytest -n auto -m "not slow"

check: $(READY)  ## style, types, layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell

FUZZ_SECONDS ?= 20
fuzz: $(READY)  ## every parser of foreign bytes, so many seconds each, guided by coverage
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.guided --seconds $(FUZZ_SECONDS)

bench: $(READY) $(TORCH)/.ready  ## every benchmark, then docs/benchmarks.md; three quarters of an hour
	$(BIN)/python benchmarks/everything.py $(TORCH)/bin/python

clean:  ## remove what the targets made
	rm -rf $(VENV) $(TORCH) demo

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tinyvmaf needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	touch $@

$(TORCH)/.ready:
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check torch==2.15.0 numpy
	touch $@
