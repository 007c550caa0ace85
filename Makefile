# Everything a developer types. Needs python3 (3.11 or later) with venv, and make; a C compiler
# is used when there is one. All else is installed into $(VENV), pinned by constraints.txt.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n 2

BIN := $(VENV)/bin
DONE := $(VENV)/.done
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
NATIVE := $(wildcard src/gausswork/_native/*.c src/gausswork/_native/*.h)
DEMO := demo-output

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format docs bench clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DONE)/run ## fit Galton's families: table, plot, saved model
	@mkdir -p $(DEMO)
	$(BIN)/gausswork fit examples/galton-families.csv \
	    --target childHeight --features midparentHeight,gender \
	    --save $(DEMO)/galton.json --plot $(DEMO)/galton.png
	@printf '%s\n' '' 'What to do next:' \
	    '  look at the picture        $(DEMO)/galton.png' \
	    '  predict with the model     $(BIN)/gausswork predict $(DEMO)/galton.json examples/galton-families.csv --interval 0.95' \
	    '  see how it was computed    $(BIN)/gausswork fit examples/galton-families.csv --target childHeight --features midparentHeight --show-work' \
	    '  play with it               $(BIN)/gausswork lab examples/galton-families.csv' \
	    '  fit your own table         $(BIN)/gausswork fit YOUR.csv --target COLUMN'

test: $(DONE)/test ## run all tests (PYTEST_ARGS='-k name' for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(DONE)/lint ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(DONE)/lint ## put the style right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(DONE)/docs ## build the documentation into docs/_build/html
	$(BIN)/python -m sphinx --fail-on-warning --nitpicky --keep-going --quiet \
	    --builder html --doctree-dir docs/_build/doctrees docs docs/_build/html
	@echo 'open docs/_build/html/index.html'

bench: $(DONE)/bench ## measure accuracy and speed beside the peers
	$(BIN)/python benchmarks/run.py

clean: ## remove what was built, keep the environment
	rm -rf build dist demo-output docs/_build docs/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf src/*.egg-info src/gausswork/_native/*.so
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f $(DONE)/run

distclean: clean ## remove the environment too
	rm -rf $(VENV)

# The environment, in layers: each stamp is older than what it was made from when that changes.

$(DONE)/build: requirements/build.txt constraints.txt
	@echo 'Setting up $(VENV): this takes a minute or two, and only the first time.'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	    "gausswork needs Python 3.11 or later. Name one: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --requirement requirements/build.txt
	@mkdir -p $(DONE) && touch $@

$(DONE)/run: $(DONE)/build pyproject.toml setup.py $(NATIVE)
	$(PIP) --no-build-isolation --editable '.[lab,plots]'
	@touch $@

$(DONE)/test: $(DONE)/run requirements/test.txt
	$(PIP) 'gausswork[all]' --requirement requirements/test.txt
	@touch $@

$(DONE)/lint: $(DONE)/run requirements/lint.txt
	$(PIP) --requirement requirements/lint.txt
	@touch $@

$(DONE)/docs: $(DONE)/run requirements/docs.txt
	$(PIP) --requirement requirements/docs.txt
	@touch $@

$(DONE)/bench: $(DONE)/test requirements/bench.txt
	$(PIP) --requirement requirements/bench.txt
	@touch $@
