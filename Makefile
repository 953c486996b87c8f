# Every target sets up what it needs; a repeat costs nothing. `make` alone lists them.

# The first Python of 3.11 or newer that can make virtual environments.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && { echo "$$python"; break; }; done)
VENV ?= .venv
PYTEST_ARGS ?= -n 4 --dist worksteal -q

python := $(VENV)/bin/python
pip := $(python) -m pip install -q --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lab simulate load bench bench-compare lint types contracts check clean
.DELETE_ON_ERROR:

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: $(VENV)/.installed ## See the relay at work in a throwaway home.
	@$(python) scripts/demo.py

test: $(VENV)/.test ## Run all tests (PYTEST_ARGS="tests/unit -x" narrows it down).
	@$(python) -m pytest $(PYTEST_ARGS)

lab: $(VENV)/.test ## Open a shell between two mounts of one folder with stale caches.
	@$(python) -m tests.lab

MINUTES ?= 10
simulate: $(VENV)/.test ## Simulate the relay with crashes, pauses and lost replies for MINUTES.
	@$(python) -m tests.simulation --both --minutes $(MINUTES)

LOAD ?=
load: $(VENV)/.test ## Play 64 clients, 4 daemons and 20,000 requests on Redis, daemons killed meanwhile.
	@$(python) -m tests.load $(LOAD)

bench: $(VENV)/.bench ## Measure speed and cost for eight minutes (OUT=file.json ONLY=name,name QUICK=1).
	@$(python) -m benchmarks run $(if $(OUT),--out "$(OUT)") $(if $(ONLY),--only "$(ONLY)") \
		$(if $(QUICK),--quick)

bench-compare: $(VENV)/.bench ## Compare two runs (OLD=a.json NEW=b.json); fails if something got worse.
	@$(python) -m benchmarks compare "$(OLD)" "$(NEW)"

lint: $(VENV)/.lint ## Check style and format.
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .

types: $(VENV)/.lint ## Check types.
	@$(python) -m mypy

contracts: $(VENV)/.lint ## Check the direction of imports.
	@$(VENV)/bin/lint-imports

check: lint types contracts ## All three of the above.

clean: ## Delete what these targets made.
	rm -rf .venv .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests scripts benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with venv found." \
		"Install one (Debian: python3-venv), or say PYTHON=/path/to/python." >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..."
	@"$(PYTHON)" -m venv $(VENV)
	@# Dependency groups need pip >= 25.1.
	@$(pip) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@echo "Installing aexp ..."
	@$(pip) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(pip) --group test
	@touch $@

$(VENV)/.bench: $(VENV)/.installed
	@echo "Installing what the benchmarks need ..."
	@$(pip) --group bench
	@touch $@

$(VENV)/.lint: $(VENV)/.installed
	@echo "Installing what the checks need ..."
	@$(pip) --group lint
	@touch $@
