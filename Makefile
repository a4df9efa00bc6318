# `make` or `make help` lists the targets. ARGS passes options on: make test ARGS="-k status"
PYTHON := dev/python
PACKAGES := wire/src bridge/src chassis/src gateway/src remote/src
SOURCES := $(PACKAGES) __main__.py bench components dev fleet policy scripts servers stacks tests
LOCK := --universal --generate-hashes --no-emit-index-url --no-header
UNIT_TESTS := tests/unit tests/components bridge/tests/unit chassis/tests gateway/tests/unit remote/tests/unit $(wildcard servers/*/tests) wire/tests
COVERAGE := 80
.DEFAULT_GOAL := help
.PHONY: help up down engine prod-sim test test-long check lint types unit processes coverage bench bench-bridge lock fmt clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## bring everything up: Docker, Pulumi, the dev stack
	@bin/fleet up

down: ## destroy the dev stack and stop what was started for it
	@bin/fleet down

engine: ## bring up what a stack runs on, without a stack
	@bin/fleet engine

prod-sim: ## production in a simulated cloud on this machine: brought up, called, broken, changed, removed (root)
	@$(PYTHON) -m dev.cloud

test: unit processes engine ## the tests; the slow half runs on real Docker and Pulumi
	@$(PYTHON) -m pytest -m "engine and not long" $(ARGS)

test-long: engine ## changes under load, killed updates, 100,000 hostile messages: half an hour and more
	@$(PYTHON) -m pytest -m long $(ARGS)

check: lint types unit ## the fast half: no Docker, no Pulumi engine, no network

lint: ## ruff
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check --quiet . || { echo "make fmt formats them"; exit 1; }

types: export MYPYPATH := $(subst $() ,:,$(wildcard servers/*/src))
types: ## mypy, strict
	@$(PYTHON) -m mypy $(SOURCES)

unit: ## unit and component tests
	@$(PYTHON) -m pytest -m "not engine and not long" -n auto $(UNIT_TESTS) $(ARGS)

processes: ## the bridge and the gateway as processes, before real servers and with a real Envoy
	@$(PYTHON) -m pytest -m "not engine and not long" -n auto bridge/tests gateway/tests remote/tests \
		--ignore=bridge/tests/unit --ignore=gateway/tests/unit --ignore=remote/tests/unit $(ARGS)

coverage: ## how much of the chassis and of each server of our own its tests run: 80 % of each at least
	@$(PYTHON) -m pytest -m "not engine and not long" -n auto --cov --cov-report= chassis/tests servers $(ARGS)
	@for folder in chassis $(patsubst %/src,%,$(wildcard servers/*/src)); do \
		$(PYTHON) -m coverage report --include="$$folder/*" --fail-under=$(COVERAGE) || exit 1; \
	done

bench: engine ## measure the dev stack; the figures go to docs/performance.md
	@$(PYTHON) -m bench $(ARGS)

bench-bridge: ## race the bridge against its peers and its floor; the table goes to docs/performance.md
	@$(PYTHON) -m bench.bridge

lock: ## resolve every dependency anew, pinned by hash
	@$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) --group dev --group test pyproject.toml -o requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) --no-emit-package mcp-wire bridge/pyproject.toml -o bridge/requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) chassis/pyproject.toml -o chassis/requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) --no-emit-package mcp-wire --extra envoy gateway/pyproject.toml -o gateway/requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) remote/pyproject.toml -o remote/requirements.lock
	@for lock in servers/*/requirements.lock; do \
		$(PYTHON) -m uv pip compile --quiet --upgrade $(LOCK) --no-emit-package mcp-chassis $${lock%requirements.lock}pyproject.toml -o $$lock || exit 1; \
	done

fmt: ## format, and fix what ruff can fix
	@$(PYTHON) -m ruff check --fix-only --quiet .
	@$(PYTHON) -m ruff format .

clean: ## also remove what is kept between runs: programs, images, caches
	@bin/fleet clean
	@rm -rf .venv
