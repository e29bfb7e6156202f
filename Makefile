# SPDX-License-Identifier: Apache-2.0
# Every target makes the virtual environment that it needs. PYTHON names another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS := $(VENV)/.docs
# A separate environment: training is compared with PyTorch, which nothing else needs.
TORCH := .torch
# Holds fetched sources and everything made from them, so that a stopped run can continue.
WORK ?= work
FUZZ_SECONDS ?= 20
FUZZ_MODELS ?= 10000

.DEFAULT_GOAL := help
.PHONY: help demo test quick lowest check docs guards fuzz bench film corpus zoo pages clean

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## the whole workflow on real video; prints the path of the digest
	$(BIN)/tinyvmaf demo

test: $(DOCS)  ## every test; installs Chromium and LaTeX if there are none, unless TINYVMAF_NO_{BROWSER,LATEX}=1
	$(BIN)/python scripts/browser.py
	$(BIN)/python scripts/onnxruntime_web.py
	$(BIN)/python scripts/latex.py
	$(BIN)/pytest -n auto

quick: $(DOCS)  ## the tests that take less than three minutes together
	$(BIN)/pytest -n auto -m "not slow"

lowest:  ## the quick tests with the lowest versions that pyproject.toml allows, in .lowest
	$(PYTHON) -m venv .lowest
	.lowest/bin/pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt --editable '.[all]'
	# Without the shape checks: the lowest versions are older than their plugin.
	.lowest/bin/pytest -n auto -m "not slow" -o addopts="--import-mode=importlib -ra"

check: $(READY)  ## style, types, layers, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(DOCS)  ## the documentation site, into build/site; a dead link fails it
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/site
	$(BIN)/python scripts/onnxruntime_web.py
	$(BIN)/tinyvmaf report --model-page tinyvmaf_small_v1 -o build/site/model.html \
	    --onnxruntime-web build/node_modules/onnxruntime-web
	@echo build/site/index.html

guards: $(READY)  ## remove every guard against a fault and check that its test fails; half an hour
	$(BIN)/python scripts/guards.py

fuzz: $(READY)  ## both fuzzers: every parser for FUZZ_SECONDS each, then FUZZ_MODELS broken models
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.guided --seconds $(FUZZ_SECONDS)
	$(BIN)/python scripts/fuzz_models.py $(FUZZ_MODELS)

bench: $(READY) $(TORCH)/.ready  ## every benchmark, then docs/results/benchmarks.md; hours on idle cores
	$(BIN)/python scripts/fetch_sources.py $(WORK)/sources
	$(BIN)/python benchmarks/everything.py $(TORCH)/bin/python --work $(WORK)

film: $(READY)  ## cost of scoring films of twenty minutes and two hours, three encodes each
	$(BIN)/python scripts/fetch_sources.py $(WORK)/sources
	$(BIN)/python benchmarks/film.py $(WORK)/sources $(WORK)/film
	$(BIN)/python benchmarks/film_cost.py $(WORK)/film

corpus: $(READY)  ## fetch the sources and build the broad corpus and the hold-out in WORK
	$(BIN)/python scripts/fetch_sources.py $(WORK)/sources
	$(BIN)/python scripts/build_broad.py $(WORK)/sources $(WORK)/broad
	$(BIN)/python scripts/build_broad.py $(WORK)/sources $(WORK)/broad --kind hold_out

zoo: corpus  ## train the planned models; with PEERS="a.onnx ..." judge all on the hold-out
	$(BIN)/python scripts/train_zoo.py $(WORK)/broad/broad.parquet
	$(if $(PEERS),$(BIN)/python scripts/judge_zoo.py $(WORK)/broad/hold_out.parquet $(PEERS:%=--peer %))
	$(BIN)/python scripts/model_pages.py

pages: $(READY)  ## write every generated page and schema again
	$(BIN)/python scripts/model_pages.py
	$(BIN)/python scripts/sampling_page.py
	$(BIN)/python scripts/splits_page.py
	$(BIN)/python scripts/schemas.py
	$(BIN)/python benchmarks/everything.py --page

clean:  ## remove what the targets made, except WORK
	rm -rf $(VENV) $(TORCH) .lowest .browser build demo

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tinyvmaf needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]'
	touch $@

$(DOCS): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@

$(TORCH)/.ready:
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/pip install --quiet --disable-pip-version-check torch==2.15.0 numpy
	touch $@
