# `make` alone lists what there is. Everything sets up what it needs and says so.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
BENCH   := build/bench/env
ONLY    ?= tests
WORKERS ?= 2
LOCK    := --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help run chain ops doctor audit-verify backup restore test check bench year faults docs screens migration lock \
	clean setup setup-dev

help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Use it
run: setup ## the whole platform with demonstration data, console on http://localhost:8000
	@exec $(BIN)/python -m deploy.local.run
chain: setup ## drive one case through the running platform and show every step
	@$(BIN)/python -m deploy.local.chain

ops: setup ## dead letters of the running platform; DO="letters", DO="replay oversight ID --note WHY", ...
	@$(BIN)/python -m deploy.local.ops $(or $(DO),status)

doctor: setup ## what is wrong with the running installation, and what to do; BASE_URL=…, PROMETHEUS_URL=…, OPTIONS=--json
	@$(BIN)/python -m deploy.doctor $(OPTIONS)

audit-verify: setup ## prove the audit of the platform in data/, or name the first row that is broken; KEPT=file of anchors
	@BATON_DATA=$${BATON_DATA:-data} AUDIT_JWKS=$${AUDIT_JWKS:-data/keys/audit.jwks} \
	  $(BIN)/python -m shared.runtime.audit verify $(if $(KEPT),--kept $(KEPT))

backup: setup ## copy the embedded databases of data/ while they are in use; TO=folder
	@$(BIN)/python -m deploy.backup.embedded backup $(TO)
restore: setup ## put a copy back into data/, which must be empty; FROM=backups/MOMENT
	@$(BIN)/python -m deploy.backup.embedded restore $(FROM)

##@ Work on it
test: setup-dev ## all tests, on real servers; ONLY=tests/unit for a part, WORKERS=4 for more at once
	@$(BIN)/python -m deploy.local.system_packages rabbitmq-server postgres chromium promtool
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(ONLY)
check: setup-dev ## lint, format, types, architecture, dependencies and what is known against them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry .
	$(BIN)/python -m deploy.audit_dependencies
bench: setup-dev $(BENCH)/stamp ## benchmarks against peers and limits, in one run; ONLY=drain for a part, SIZE=quick
	@$(BIN)/python -m deploy.local.system_packages rabbitmq-server postgres pgbench
	@SIZE="$(or $(SIZE),default)" $(BIN)/python -m tests.benchmarks $(filter-out tests,$(ONLY))
year: setup-dev ## a year of the whole city, its figures and promises checked; PEOPLE, INMATES, SEED choose it
	@$(BIN)/python -m tests.year
faults: setup-dev ## releases while everything breaks; RELEASES, FAULTS, SEED, MINUTES, DATABASE, BROKER choose how
	@$(BIN)/python -m deploy.local.system_packages rabbitmq-server postgres
	@$(BIN)/python -m tests.faults
docs: setup-dev ## write what is generated from the code: event schemas, AsyncAPI, OpenAPI, state diagrams
	@$(BIN)/python -m deploy.docs
screens: setup-dev ## pictures of every role's pages for the guides, into docs/screens/
	@$(BIN)/python -m deploy.local.system_packages rabbitmq-server chromium
	@$(BIN)/python -m tests.screens
migration: setup-dev ## SERVICE=drug_testing MESSAGE="what changes": a schema migration from the difference to the code
	@$(BIN)/python -m shared.storage.migrations revision $(SERVICE) "$(MESSAGE)"
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --select I --fix .
lock: ## pin the dependencies of pyproject.toml, with hashes; what is pinned stays unless LOCK_OPTIONS=--upgrade
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet --disable-pip-version-check uv
	@build/lock/bin/uv pip compile $(LOCK) $(LOCK_OPTIONS) pyproject.toml -o requirements/run.txt
	@build/lock/bin/uv pip compile $(LOCK) $(LOCK_OPTIONS) --extra dev -c requirements/run.txt pyproject.toml \
		-o requirements/dev.txt
	@build/lock/bin/uv pip compile $(LOCK) $(LOCK_OPTIONS) --group bench -c requirements/run.txt \
		-o requirements/bench.txt
	@rm -rf build/lock
clean: ## remove everything that is made here, but not data/
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

setup: $(VENV)/run.stamp
setup-dev: $(VENV)/dev.stamp
	@$(BIN)/python -m deploy.local.assets --dev

$(VENV)/run.stamp: requirements/run.txt
	@PYTHON="$(PYTHON)" sh deploy/local/venv.sh $(VENV) requirements/run.txt
	@touch $@
$(VENV)/dev.stamp: requirements/dev.txt
	@PYTHON="$(PYTHON)" sh deploy/local/venv.sh $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/run.stamp
$(BENCH)/stamp: requirements/bench.txt
	@PYTHON="$(PYTHON)" sh deploy/local/venv.sh $(BENCH) requirements/bench.txt
	@touch $@
