# Attune. `make help` lists what there is.
#
# There is one profile, --release, and every cargo command names the whole workspace: so RocksDB (eleven minutes on two cores)
# and DataFusion are built once, with one set of features, for the server, the tests, clippy and the docs alike.
# CARGO_TARGET_DIR is respected.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo serve test lint fmt fmtcheck clippy doc deny bench deps

CARGO ?= cargo
WORKSPACE := --release --workspace
ARGS ?=
# What `make bench` runs, and where it puts what it found.
BENCHES ?= read ingest freshness state mixed nexmark plan restart
RESULTS ?= /tmp/attune-bench-results
# Where cargo puts the binary, wherever CARGO_TARGET_DIR or a configuration file says.
ATTUNE = "$$($(CARGO) metadata --format-version 1 --no-deps | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')/release/attune"

help: ## Show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16
	@echo
	@echo "  ARGS are passed on: make demo ARGS='--speed 86400', make serve ARGS='--data /tmp/x',"
	@echo "  make bench BENCHES=read RESULTS=docs/charts ARGS='--seconds 2'"

demo: deps ## Install what the build needs, build, and run the demo on real data (Ctrl-C ends it)
	$(CARGO) build $(WORKSPACE) --bins
	@exec $(ATTUNE) demo $(ARGS)

serve: deps ## Build and run a server on 127.0.0.1:7432 with its data in ./attune-data
	$(CARGO) build $(WORKSPACE) --bins
	@exec $(ATTUNE) serve $(ARGS)

test: deps lint deny ## Every check and every test; the summaries of the tests come last
	$(CARGO) test $(WORKSPACE) $(ARGS)

lint: fmtcheck clippy doc ## Formatting, clippy and the docs, without the tests

fmt: ## Format the sources
	$(CARGO) fmt --all

fmtcheck:
	$(CARGO) fmt --all --check

clippy: deps
	$(CARGO) clippy $(WORKSPACE) --all-targets -- -D warnings

doc: deps
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(WORKSPACE) --no-deps

deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --workspace check licenses bans sources; \
	else echo "cargo-deny is not installed: licences are not checked (cargo install cargo-deny)"; fi

bench: deps ## Measure with every benchmark, beside the peers that are installed; charts and JSON into RESULTS
	$(CARGO) build $(WORKSPACE) --bins
	@mkdir -p $(RESULTS); for bench in $(BENCHES); do $(ATTUNE) bench $$bench --json $(RESULTS)/$$bench.json --chart $(RESULTS) $(ARGS); done
	@echo "figures and charts are in $(RESULTS)"

deps: ## Install what the build needs besides Rust: libclang and a C++ compiler
	@.ci/deps
