# `make demo` and `make test` do everything on a machine that has only Python >= 3.11 and make: they create .venv,
# install the library with all its extras, and run. Another interpreter: `make test PYTHON=python3.12`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

export NO_MKDOCS_2_WARNING := 1

.PHONY: demo test lint docs clean

demo: $(INSTALLED)
	$(BIN)/fieldcast demo

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

docs: $(INSTALLED)
	$(BIN)/mkdocs build --strict

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { \
		echo "fieldcast needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another interpreter: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
		exit 1; }
	@echo "Installing fieldcast and everything it needs into .venv (once; a minute or two) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	@# Already there, unless Python is newer than k-Wave's pinned dependencies (see pyproject.toml).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "k-wave-python>=0.6.1,<0.7"
	@touch $@

# Leaves runs/ and data/ alone: they are the user's.
clean:
	rm -rf .venv build dist site fieldcast.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find simulators datasets surrogates scripts tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} +
