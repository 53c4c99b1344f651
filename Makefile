.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help run serve test lint bench soak fuzz vendor lock clean runtime dev

help: ## List these targets
	@sed -n 's/^\([a-z]*\): .*\(## .*\)/\1: \2/p' Makefile

run: runtime ## Try it: start the application with sample data
	@exec $(BIN)/python -m jobs.serve --demo

serve: runtime ## Start the application for real
	@exec $(BIN)/python -m jobs.serve

test: dev ## Install the test tools, then run the linters and all tests
	@tests/install-tools.sh
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m tests.halves

lint: dev ## Check format, types, templates and that no merge was left undone
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/djlint --lint --quiet templates
	@$(BIN)/python tests/lint_templates.py
	@$(BIN)/python tests/lint_conflicts.py

bench: dev ## Measure throughput and latency (OPTIONS="--no-peers --rounds 3 --seconds 2")
	@tests/install-tools.sh wrk
	@failed=0; for each in "bench $(OPTIONS)" bench_pages bench_impact bench_mail; do \
		$(BIN)/python -m tests.$$each || failed=1; done; exit $$failed

soak: dev ## Run for long under load and watch for leaks
	@exec $(BIN)/python -m tests.soak

fuzz: dev ## Send random requests for long, from the OpenAPI document (EXAMPLES=500, SEED=1)
	@exec $(BIN)/python -m tests.fuzz

vendor: ## Fetch the vendored fonts, icons and scripts anew (needs npm)
	@$(PYTHON) static/vendor/refresh.py

lock: .venv-tools/bin/uv ## Rewrite the lock files from pyproject.toml (UPGRADE=--upgrade takes newer releases)
	@$(UV_LOCK) -o requirements.txt
	@$(UV_LOCK) -c requirements.txt --group dev -o requirements-dev.txt

clean: ## Remove everything that was built or installed here, but not var/
	rm -rf .venv .venv-tools .artifacts .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

UV_LOCK = .venv-tools/bin/uv pip compile pyproject.toml -q --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links $(UPGRADE)

.venv-tools/bin/uv:
	@$(PYTHON) -m venv .venv-tools
	@.venv-tools/bin/python -m pip --disable-pip-version-check -qq install uv==0.13.*

# A stamp holds the checksum of the lock file that was installed: while it matches, there is nothing to do.
runtime: $(BIN)/python
	@cksum requirements.txt | cmp -s - .venv/.runtime || { \
		echo "Installing the packages of requirements.txt into .venv"; \
		$(PIP) install --require-hashes -r requirements.txt && cksum requirements.txt > .venv/.runtime; }

dev: runtime
	@cksum requirements-dev.txt | cmp -s - .venv/.dev || { \
		echo "Installing the packages of requirements-dev.txt into .venv"; \
		$(PIP) install --require-hashes -r requirements-dev.txt && cksum requirements-dev.txt > .venv/.dev; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, $(PYTHON) is not: name another one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update \
			&& DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv; } >/dev/null 2>&1 \
		|| { echo "$(PYTHON) lacks its venv module: on Debian and Ubuntu run apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
