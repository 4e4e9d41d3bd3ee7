# What can be done here? `make` lists it. On a fresh machine git, make and Python 3.11 are all it takes.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
READY := .venv/.ready
CHECKOV := deploy/build/checkov
ARGS ?=

# Only this folder's environment counts, whatever else is active in the shell; no interpreter is fetched.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON_DOWNLOADS := never
# A machine's own list of authorities is used where it has one, as pip does: a company's proxy may be among them.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs /etc/pki/tls/certs),true,false)

.PHONY: help setup up test long faults lint contracts proto simulate bench costs image image-test checkov variables dashboards clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## prepare the environment: .venv, with the congdoan command in it
	@:

up: setup ## run the whole suite on this machine with the sample federation (options: make up ARGS='--lang en')
	@exec $(BIN)/congdoan up $(ARGS)

# Three on two cores: many tests wait for servers, leases and clocks.
test: setup lint ## everything that must hold before a change goes in (one test: make test ARGS='-k transfer')
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

long: setup ## the tests that take long on two cores, each with a shorter one in `make test`
	$(BIN)/pytest -n 2 --dist worksteal -m long $(ARGS)

faults: setup ## a million commands while processes, servers and disks fail (options: make faults ARGS='--seed 7 --commands 20000')
	PYTHONPATH=.:services:proto/stubs $(BIN)/python -m tests.faults $(ARGS)

lint: setup ## style, types, walls between the services, the contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python proto/generate.py check
	$(BIN)/mypy

proto: setup ## write the Python stubs of the protos anew
	$(BIN)/python proto/generate.py stubs

contracts: setup ## write AsyncAPI, JSON Schemas and dictionary of all published events anew, for review
	$(BIN)/congdoan events contract

simulate: setup ## thousands of simulated schedules full of faults (one again: make simulate ARGS='--seed 7 --trace')
	@PYTHONPATH=.:services:proto/stubs $(BIN)/python -m tests.simulation $(ARGS)

bench: setup ## the numbers, side by side with the peers, in one run
	$(BIN)/uv sync --frozen --quiet --inexact --group bench
	$(BIN)/python -m benchmarks $(ARGS)

costs: setup ## what an event costs, and a year of twelve million members from it: the tables of docs/scale.md anew
	PYTHONPATH=.:services:proto/stubs $(BIN)/python -m benchmarks.unit_costs --write

image: ## the one image of all services, by buildah, from Debian's packages and PyPI's (needs buildah and mmdebstrap)
	deploy/image.sh $(ARGS)

image-test: setup ## run the built image: its services against a real NATS and PostgreSQL, each deployment rolled under load
	deploy/try_image.sh $(ARGS)

checkov: setup ## what checkov says against the manifests of every overlay, in an environment of its own (not in `make test`)
	@test -x $(CHECKOV)/bin/checkov || { $(BIN)/uv venv --quiet $(CHECKOV) \
		&& $(BIN)/uv pip install --quiet --python $(CHECKOV)/bin/python checkov; }
	@for overlay in dev national province; do \
		mkdir -p deploy/build/$$overlay && $(BIN)/kubectl kustomize deploy/k8s/overlays/$$overlay > deploy/build/$$overlay/manifests.yaml \
		&& $(CHECKOV)/bin/checkov --config-file deploy/checkov.yaml --directory deploy/build/$$overlay || exit 1; done

variables: setup ## write the table of variables in the operator's guide anew
	PYTHONPATH=.:services:proto/stubs $(BIN)/python -m deploy.variables_table

dashboards: setup ## write the dashboards for Grafana anew, from their table
	PYTHONPATH=. $(BIN)/python -m deploy.dashboards

clean: ## remove the environment and everything that tools have left
	rm -rf .venv deploy/build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock names the version of uv, so that everyone installs by the same tool; pip brings just that.
$(READY): pyproject.toml uv.lock
	@python=$$(for name in python3.11 python3; do $$name -c '' 2>/dev/null && echo $$name && break; done); \
	$${python:-false} -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "congdoan needs Python 3.11 or later; here is $$($${python:-echo none} --version 2>&1)." >&2; exit 1; }; \
	$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| $$python -m venv --clear .venv \
		|| { echo "This Python cannot make a virtual environment; on Debian install python3-venv." >&2; exit 1; }; \
	uv=$$(awk '/^name = "uv"$$/ {getline; gsub(/version = |"/, ""); print; exit}' uv.lock); \
	[ "$$($(BIN)/uv --version 2>/dev/null | cut -d ' ' -f 2)" = "$$uv" ] \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$$uv" \
		&& $(BIN)/uv sync --frozen --quiet --python $(BIN)/python \
		&& touch $@
