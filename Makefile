# Two commands matter: `make demo` and `make test`. Everything installs into .venv by itself.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

BIN := .venv/bin
# Two at a time, a module in one of them.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder
STAMP := .venv/installed
# Everything that is installed, and uv, which installs it.
LOCKS := requirements.lock requirements-installer.lock
# The dbt project, parsed at installation rather than by each home's first refresh.
PARSED := dbt_project/target/parsed/cxmarts_parsed
# Another interpreter: make setup PYTHON=/path/to/python3.12
# Looked for once, and only where something is to be installed.
PYTHON ?= $(eval PYTHON := $$(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$$$name && break; done))$(PYTHON)
# Nothing below may call anyone but a package registry and the configured sources.
export DO_NOT_TRACK := 1
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help setup demo test test-slow test-all test-campaigns test-recipes ui lint lint-python lint-sql lint-dbt docs lock bench clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) $(PARSED) ## Everything into .venv, as locked

$(STAMP): pyproject.toml $(LOCKS)
	@test -n "$(PYTHON)" || { echo "cxmarts needs Python 3.11 or later; found: $$(python3 -V 2>&1)." \
		"Install one, or name it: make setup PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "cxmarts needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1)" >&2; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) -V) (about a minute, 1.2 GB)" >&2
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@# uv is four times as fast; pip does the same where uv cannot be had or cannot reach the registry.
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-installer.lock \
		&& VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/uv pip sync --quiet --system-certs --require-hashes --compile-bytecode requirements.lock; } \
		|| { echo "Installing with pip instead (two minutes)" >&2 \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; }
	@echo "Installing cxmarts itself" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(PARSED): $(STAMP) $(shell find dbt_project -type f -not -path '*/target/*' -not -path '*/logs/*')
	@echo "Parsing the dbt project and building it once of nothing (a minute)" >&2
	@$(BIN)/python -m orchestration.commands.install

demo: setup ## A generated company: fetch over HTTP, judge, build, publish, scorecard; HELPDESK=freshdesk: through that one
	@$(BIN)/cxmarts demo $(HELPDESK:%=--helpdesk %)

test: setup ## All tests but the slow ones
	@$(PYTEST)

test-slow: setup ## Every command of the documents to its end
	@$(PYTEST) -m slow

test-all: setup ## Both of them in one run, as .ci/run does
	@$(PYTEST) -m 'not campaign and not recipe'

test-campaigns: setup ## Kills, hostile records, many nights, real data sets to a publication: ten minutes
	@$(PYTEST) -m campaign

test-recipes: setup ## Toys added by the recipes of CONTRIBUTING: a KPI, a dimension, a vendor
	@$(BIN)/python -m pytest -m recipe

ui: setup ## The Dagster UI on loopback; after a demo with its company beside it
	@$(BIN)/cxmarts ui

lint: lint-python lint-sql lint-dbt ## Style, types, SQL, the dbt project, documents and the lock

lint-python: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@! grep -nE 'https?://|file://' $(LOCKS) || { echo "a lock names a host" >&2; exit 1; }
	@echo "Python: all good"

lint-sql: $(STAMP)
	@$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models
	@! grep -rnE '[^ ]  +[^ ]| $$' dbt_project/models dbt_project/macros --include='*.sql' || { echo "SQL with double or trailing spaces" >&2; exit 1; }
	@# As they are written: rendered lines are as long as they come.
	@! grep -rnE '.{161,}' dbt_project/models --include='*.sql' || { echo "SQL lines over 160 characters" >&2; exit 1; }
	@echo "SQL: all good"

# That the project parses, and builds of nothing, `setup` has seen.
lint-dbt: setup
	@$(BIN)/python -m orchestration.commands.cards --check
	@$(BIN)/python -m orchestration.commands.dictionary --check
	@$(BIN)/python -m orchestration.commands.settings_docs --check
	@echo "dbt and documents: all good"

docs: setup ## Write what is written from declarations: the cards' macro, data dictionary, the vendors' settings
	@$(BIN)/python -m orchestration.commands.cards
	@$(BIN)/python -m orchestration.commands.dictionary
	@$(BIN)/python -m orchestration.commands.settings_docs

lock: setup ## Resolve pyproject.toml anew into requirements.lock, and take the newest installer
	@$(BIN)/uv pip compile pyproject.toml --system-certs --extra dev --universal --generate-hashes --no-header --no-annotate -q -o requirements.lock
	@echo uv | $(BIN)/uv pip compile - --system-certs --upgrade --universal --generate-hashes --no-header --no-annotate -q -o requirements-installer.lock
	@! grep -nE 'https?://|file://' $(LOCKS) || { echo "a lock names a host" >&2; exit 1; }

bench: setup ## The measurements: what each is and how to run it
	@awk 'FNR == 1 {gsub("\"\"\"", ""); print}' bench/[a-z]*.py

clean: ## Remove what was installed and built; CXMARTS_HOME stays
	rm -rf .venv build dist *.egg-info dbt_project/target dbt_project/logs
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
