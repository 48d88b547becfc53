# Headwater needs Python 3.11, 3.12 or 3.13 and make; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
TEST_FLAGS ?= -q

# Tried next when nobody named a Python and the one at hand is too old or too new.
OTHER_PYTHONS := $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
BIN := $(VENV)/bin
STAMPS := $(VENV)/.installed
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt
# The build tool is pinned like everything else, so it is installed before the build.
INSTALL := $(PIP_INSTALL) setuptools && $(PIP_INSTALL) --no-build-isolation -e
SOURCES := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run test check format bench clean

help:
	@echo "make run     install what is needed, then run the reference case, scenarios/jackson.yaml"
	@echo "make test    run the tests"
	@echo "make check   formatting, lint, types and the direction of imports"
	@echo "make format  format the code and repair what lint can repair"
	@echo "make bench   compare speed with other engines on the same work"
	@echo "make clean   remove the environment and all caches; results in runs/ stay"
	@echo
	@echo "Another Python, in an environment of its own: make test PYTHON=python3.13 VENV=.venv/3.13"

run: $(STAMPS)-run
	$(BIN)/headwater run scenarios/jackson.yaml

test: $(STAMPS)-dev
	$(BIN)/python -m pytest $(TEST_FLAGS)

check: $(STAMPS)-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMPS)-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMPS)-bench
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) build dist *.egg-info .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says what is installed. A larger set serves the smaller ones, too.
$(STAMPS)-run: $(SOURCES) | $(BIN)/python
	@echo "Installing Headwater and its libraries into $(VENV) (a minute or two the first time) ..."
	@$(INSTALL) .
	@touch $@

$(STAMPS)-dev: $(SOURCES) | $(BIN)/python
	@echo "Installing Headwater, its libraries and the test tools into $(VENV) (a minute or two the first time) ..."
	@$(INSTALL) '.[dev]'
	@touch $@ $(STAMPS)-run

$(STAMPS)-bench: $(SOURCES) | $(BIN)/python
	@echo "Installing Headwater, its libraries, the test tools and the engines to compare with into $(VENV) ..."
	@$(INSTALL) '.[dev,bench]'
	@touch $@ $(STAMPS)-run $(STAMPS)-dev

# The first Python whose version will do.
$(BIN)/python:
	@for python in $(PYTHON) $(OTHER_PYTHONS) none; do \
	  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && break; \
	done; \
	if [ $$python = none ]; then \
	  echo "Headwater needs Python 3.11, 3.12 or 3.13; $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -n 1)."; \
	  echo "Install one of these versions, or name it: make PYTHON=/path/to/python3.12 run"; \
	  exit 1; \
	fi; \
	if ! $$python -c 'import ensurepip, venv' >/dev/null 2>&1; then \
	  echo "$$python cannot make a virtual environment: its venv module is incomplete."; \
	  echo "On Debian or Ubuntu install it with: apt-get install python3-venv"; \
	  exit 1; \
	fi; \
	echo "Making a virtual environment in $(VENV) with $$($$python --version) ..."; \
	$$python -m venv $(VENV)
