# Python 3.11 or newer and make are all this needs. Another Python: make install PYTHON=python3.12
PYTHON ?= python3

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --quiet

# One stamp per set of packages: nothing is installed twice until pyproject.toml or requirements.lock changes.
MADE    := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
TESTS   := $(VENV)/.test
DEV     := $(VENV)/.dev

# Tests start many processes: they compile each module once, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install run demo test long bench screenshots pages claims bite docs lint coverage lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(RUNTIME) ## Make .venv from requirements.lock: by hash, wheels only

run: $(RUNTIME) ## Serve on localhost:3000; local Slack unless SLACK_… is set
	$(BIN)/slackapp dev

demo: $(RUNTIME) ## Show one whole install without a browser, step by step
	$(BIN)/slackapp demo

test: $(TESTS) ## Run the fast suite: no network, no Slack account, no settings
	$(BIN)/python -m pytest -n auto --dist worksteal

long: $(TESTS) ## Run the long suite: kills, storms, fuzz, full disks, proxies
	$(BIN)/python -m pytest -m long -n auto --dist worksteal

bench: $(TESTS) ## Measure beside Bolt; writes docs/benchmarks.md; QUICK=1: a gate
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

claims: $(TESTS) ## Write docs/claims.md: each promise, its lines and its tests
	$(BIN)/python -m tests.claims

bite: $(TESTS) ## Take away each claim's lines: a test must fail; docs/bite.md
	$(BIN)/python -m tests.bite $(addprefix --only ,$(ONLY))

docs: $(TESTS) ## Write docs/data-model.md and every generated table anew
	$(BIN)/python -m tests.support.data_model
	$(BIN)/python -m tests.support.audit_events
	$(BIN)/python -m tests.support.host_reference
	$(BIN)/python -m tests.test_readme
	$(BIN)/python -m tests.test_submission
	$(BIN)/python -m tests.checks.test_scope_reasons
	$(BIN)/python -m tests.test_operations
	$(BIN)/python -m tests.support.controls
	$(BIN)/python -m tests.support.prd

screenshots: $(TESTS) ## Write pictures to build/screenshots/; needs Chromium
	$(BIN)/python -m tests.support.screenshots build/screenshots
	$(BIN)/python -m tests.support.readme_pictures docs/pictures

pages: $(TESTS) ## Judge every page by axe-core; needs Chromium and npm
	$(BIN)/python -m tests.support.check_pages build/pages

lint: $(DEV) ## Check style with ruff and types with mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

coverage: $(TESTS) ## Run the fast suite and print the branches it leaves out
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

lock: $(MADE) ## Write requirements.lock anew: newest releases, every hash
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip --disable-pip-version-check --quiet install pip-tools
	build/lock/bin/pip-compile --quiet --no-config --generate-hashes --pip-args '--only-binary :all:' \
		--strip-extras --allow-unsafe --no-annotate --no-header --no-emit-options \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file build/lock/compiled.txt pyproject.toml
	{ printf '# The run-time set, with the hash of every wheel of each release. Written by: make lock\n'; \
		cat build/lock/compiled.txt; } > requirements.lock
	rm -rf build/lock

clean: ## Remove .venv, caches and build results; data/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	find slackapp tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE):
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: name a Python 3.11 or newer, as in make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("slackapp needs Python 3.11 or newer, and $(PYTHON) is %d.%d: name another, as in make install PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(RUNTIME): $(MADE) requirements.lock pyproject.toml
	$(PIP) install --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) install --no-deps -e .
	@touch $@

$(TESTS): $(RUNTIME)
	$(PIP) install -e '.[test]'
	@touch $@

$(DEV): $(TESTS)
	$(PIP) install -e '.[dev]'
	@touch $@
