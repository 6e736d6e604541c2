# `make run` serves, `make test` tests; both work on a fresh machine. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
# How `make run` builds: dev starts sooner, release serves faster.
PROFILE ?= dev
# What `make bench` and `make chaos` are told, for example ARGS=--quick.
ARGS ?=
# How `make chaos` builds; the page of results is written by release only.
CHAOS_PROFILE ?= release
# How long `make fuzz` tries each target, and which.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?=

CARGO_DENY_VERSION := 0.20.2
TOOLS := $(CURDIR)/.cache/tools
VENV := .venv/stamp-$(shell sha256sum tests/requirements.txt | cut -c1-16)
# The Python package is tested apart: nothing of the other room's may be at hand.
PACKAGE_VENV := .venv-package/stamp-$(shell sha256sum tests/package/requirements.txt | cut -c1-16)
export PATH := $(TOOLS)/bin:$(PATH)
# The program that the Python tests start.
export LLM_PROXY_BIN ?= $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/llm-proxy

.PHONY: help run test test-rust test-python test-package wheel lint lint-rust lint-python deny fmt bench bench-python chaos fuzz up need-rust need-cxx need-curl need-egress need-python

help: ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: need-rust ## Serve on http://127.0.0.1:8002; in mock mode unless LLM_PROXY__LLM_MODE is set
	@cargo build --profile $(PROFILE) -p llm-proxy
	@service="cargo run --quiet --profile $(PROFILE) -p llm-proxy --"; \
	if $$service check 2>/dev/null | grep -q '^LLM_PROXY__LLM_MODE = .*(default)$$'; then \
	    echo 'LLM_PROXY__LLM_MODE is not set: this is the mock. Before a LiteLLM proxy: make run LLM_PROXY__LLM_MODE=litellm'; \
	    export LLM_PROXY__LLM_MODE=mock; \
	fi; \
	exec $$service serve

test: test-rust test-python test-package ## Every test; installs what the tests need

# Builds the program as well.
test-rust: need-rust need-egress
	@if cargo nextest --version >/dev/null 2>&1; then \
	    cargo nextest run --workspace --no-fail-fast --status-level slow \
	    && cargo test --workspace --doc --quiet; \
	else \
	    cargo test --workspace --no-fail-fast; \
	fi

test-python: test-rust need-curl $(VENV)
	@.venv/bin/python -m unittest discover --quiet bench
	@.venv/bin/pytest

# The wheel as it would be installed, except that it is built as the program of the other tests is. Run from
# an empty directory: beside the sources Python would import those.
test-package: test-rust need-curl $(PACKAGE_VENV)
	@$(call build-wheel,.cache/wheel,--profile dev)
	@$(call install-wheel,.cache/wheel)
	@mkdir -p .cache/elsewhere
	@cd .cache/elsewhere && ../../.venv-package/bin/pytest --config-file=$(CURDIR)/pyproject.toml $(CURDIR)/tests/package

wheel: need-rust $(PACKAGE_VENV) ## The Python package, into dist/
	@$(call build-wheel,dist,--release)
	@ls -1sh dist/*.whl

lint: lint-rust deny lint-python ## Formats, clippy, licences and bans, ruff, mypy: a warning is an error

lint-rust: need-rust
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings

# Built without optimization: a minute instead of four, and it runs for a second.
deny: need-rust
	@if ! cargo deny --version >/dev/null 2>&1; then \
	    echo 'building cargo-deny $(CARGO_DENY_VERSION) into .cache/tools: about a minute, once'; \
	    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root $(TOOLS) \
	        cargo-deny --version $(CARGO_DENY_VERSION) || true; \
	fi; \
	if cargo deny --version >/dev/null 2>&1; then \
	    cargo deny --locked --all-features check --hide-inclusion-graph bans licenses sources; \
	else \
	    echo 'SKIPPED: cargo-deny cannot be installed here; bans, licences and sources were not checked' >&2; \
	fi

lint-python: $(VENV)
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/mypy tests/package

fmt: need-rust $(VENV) ## Format Rust and Python
	@cargo fmt --all
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

bench: need-rust ## Measure beside nginx, HAProxy, LiteLLM and TensorZero: see bench/README.md
	@$(PYTHON) bench/run.py $(ARGS)

bench-python: wheel need-python ## Measure the Python package beside openai, httpx, aiohttp, LiteLLM and TensorZero
	@$(PYTHON) bench/run_python.py $(ARGS)

# Where cargo puts what it builds with that profile.
CHAOS_DIR := $(or $(CARGO_TARGET_DIR),target)/$(if $(filter dev,$(CHAOS_PROFILE)),debug,$(CHAOS_PROFILE))

chaos: need-rust ## Let endpoints die, streams break and callers leave, and measure what comes of it
	@cargo build --profile $(CHAOS_PROFILE) -p llm-proxy -p llm-proxy-chaos
	@$(CHAOS_DIR)/llm-proxy-chaos --binary $(CHAOS_DIR)/llm-proxy \
	    $(if $(filter release,$(CHAOS_PROFILE)),--page bench/RESULTS.md) $(ARGS)

# What libFuzzer is steered by: counters of the code that was reached, and the values that it compares.
# Only what is built for a named target gets them: not the build scripts.
FUZZ_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))/fuzzing
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1

fuzz: need-rust need-cxx ## Try to break every adapter with odd answers, FUZZ_SECONDS each; it stops at a find
	@targets="$$(cargo run --quiet -p llm-proxy-fuzz -- $(FUZZ_DIR)/corpus)"; \
	host="$$(rustc -vV | sed -n 's/^host: //p')"; \
	RUSTFLAGS='$(FUZZ_FLAGS)' cargo build --quiet --profile fuzz --target "$$host" --target-dir $(FUZZ_DIR)/target \
	    -p llm-proxy-fuzz --features libfuzzer --bin libfuzzer; \
	for target in $(or $(FUZZ_TARGETS),$$targets); do \
	    echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
	    mkdir -p $(FUZZ_DIR)/found/$$target; \
	    FUZZ_TARGET=$$target "$(FUZZ_DIR)/target/$$host/fuzz/libfuzzer" -max_total_time=$(FUZZ_SECONDS) \
	        -timeout=10 -verbosity=0 -print_funcs=0 -print_final_stats=1 -artifact_prefix=$(FUZZ_DIR)/found/$$target/ \
	        $(FUZZ_DIR)/corpus/$$target; \
	done

up: ## Start llm-proxy, LiteLLM and Ollama in containers; needs the keys in .env
	@if docker compose version >/dev/null 2>&1; then docker compose up -d --build; \
	elif command -v docker-compose >/dev/null; then docker-compose up -d --build; \
	else echo 'make: neither `docker compose` nor `docker-compose` is there: https://docs.docker.com/compose/install/' >&2; exit 1; fi

# The environment of the Python tests, made again when tests/requirements.txt changes.
$(VENV): | need-python
	@echo 'installing tests/requirements.txt into .venv'
	@rm -f .venv/stamp-*
	@$(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(PACKAGE_VENV): | need-python
	@echo 'installing tests/package/requirements.txt into .venv-package'
	@rm -f .venv-package/stamp-*
	@$(PYTHON) -m venv .venv-package
	@.venv-package/bin/pip install --quiet --disable-pip-version-check -r tests/package/requirements.txt
	@touch $@

# $(call build-wheel,DIRECTORY,PROFILE): cargo decides whether there is anything to do.
define build-wheel
mkdir -p $(1) && rm -f $(1)/llm_proxy-*.whl; \
told="$$(.venv-package/bin/maturin build $(2) --locked --out $(1) 2>&1)" || { echo "$$told" >&2; exit 1; }
endef

# $(call install-wheel,DIRECTORY): unless that very wheel is installed.
define install-wheel
wheel="$$(sha256sum $(1)/llm_proxy-*.whl | cut -c1-16)"; installed=.venv-package/installed-wheel; \
if [ "$$(cat $$installed 2>/dev/null)" != "$$wheel" ]; then \
    .venv-package/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(1)/llm_proxy-*.whl; \
    echo "$$wheel" > $$installed; \
fi
endef

# $(call debian,TEST,PACKAGE,WHAT): where TEST fails, root gets the package, everybody else a message.
define debian
if ! { $(1); } >/dev/null 2>&1; then \
    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
        echo 'installing $(2)'; \
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(2); } >/dev/null || true; \
    fi; \
    { $(1); } >/dev/null 2>&1 || { echo 'make: $(3) is missing. On Debian or Ubuntu: sudo apt-get install $(2)' >&2; exit 1; }; \
fi
endef

need-rust:
	@command -v cargo >/dev/null || { echo 'make: Rust is missing: https://rustup.rs' >&2; exit 1; }
	@$(call debian,command -v cc && echo 'int main(void) { return 0; }' | cc -x c -o /dev/null -,gcc libc6-dev,a C compiler)

need-cxx:
	@$(call debian,command -v c++,g++,a C++ compiler)

# The proxies that the tests go through. Squid without TLS of its own is another package, and not enough.
need-egress:
	@$(call debian,test -x /usr/sbin/squid && test -x /usr/lib/squid/security_file_certgen,squid-openssl,Squid with TLS)
	@$(call debian,command -v microsocks,microsocks,microsocks)

need-curl:
	@$(call debian,command -v curl,curl,curl)

need-python:
	@$(call debian,$(PYTHON) -c 'import ensurepip; import sys; sys.exit(sys.hexversion < 0x030b0000)',python3 python3-venv,Python 3.11 or later with venv)
