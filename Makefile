# make help lists the targets; each sets up what it needs in .venv the first time.

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell for name in python3.12 python3.11 python3.13 python3 python; do \
  $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)

.PHONY: help demo test check bench train pretrain fix pin clean
.DEFAULT_GOAL := help

help:  ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile

demo: $(VENV)/run.stamp  ## extract from data/samples into out/ and show what came out
	$(BIN)/zongjie extract data/samples -o out/ --force
	@for file in $$(ls data/samples/*.txt data/samples/*.docx 2>/dev/null | head -2); do \
	  echo; echo "zongjie show $$file"; COLUMNS=$${COLUMNS:-140} $(BIN)/zongjie show "$$file"; done

test: $(VENV)/dev.stamp  ## run the tests
	$(BIN)/python -m pytest

check: $(VENV)/dev.stamp  ## all that CI runs: lint, format, types, import contracts, quality gate, tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/gate.py
	$(BIN)/python -m pytest

bench: $(VENV)/dev.stamp  ## measure speed against peers in the same run
	$(BIN)/python tests/benchmarks/bench.py
	$(BIN)/python tests/benchmarks/bench_normalise.py

train: $(VENV)/train.stamp  ## train the model of configs/train.toml into out/model, from whatever of its data is there
	$(BIN)/zongjie train configs/train.toml -o out/model

pretrain: $(VENV)/train.stamp  ## read ../shared/corpus for `make train`, into out/silver and out/pretrained (an hour)
	$(BIN)/python -m zongjie.training.silver ../shared/corpus/official.txt.xz ../shared/corpus/news.txt.xz -o out/silver
	$(BIN)/python -m zongjie.training.pretrain out/silver out/pretrained

fix: $(VENV)/dev.stamp  ## mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

pin: $(VENV)/dev.stamp  ## raise the floors of the quality gate to what is measured now
	$(BIN)/python tests/gate.py --pin

clean:  ## remove .venv and out
	rm -rf $(VENV) out

# the stamps: an environment is good until pyproject.toml changes

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "zongjie needs Python 3.11 or later with venv; install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/train.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train]'
	@touch $@ $(VENV)/run.stamp
