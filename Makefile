# One environment in .venv, made from the hashed lock files; every target makes it when it is missing.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 3000

.PHONY: setup demo dev test test-slow lint format lock benchmark clean

setup: .venv/.ready

.venv/.ready: requirements-uv.lock requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/python -m compileall -q orf_books
	@touch $@

# The whole platform on a bundled library, offline: prints the report and where the dashboard is.
demo: setup
	$(BIN)/orf-books demo

# The Dagster page on http://127.0.0.1:$(PORT), with daemon and sensors.
dev: setup
	$(BIN)/orf-books dev --port $(PORT)

test: setup
	$(BIN)/pytest

# Tests with a live daemon and killed workers; minutes.
test-slow: setup
	$(BIN)/pytest -m slow -n 0

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

benchmark: setup
	$(BIN)/python -m benchmarks.books

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock'

# Upgrade the locks. They hold hashes and no address, so any index serves them.
lock: setup
	$(BIN)/$(COMPILE) --upgrade pyproject.toml -o requirements.lock
	$(BIN)/$(COMPILE) --upgrade -c requirements.lock --group dev pyproject.toml -o requirements-dev.lock
	awk '/^uv==/ {on = 1} on && /^[a-z]/ && !/^uv==/ {exit} on' requirements-dev.lock > requirements-uv.lock

clean:
	rm -rf .venv data
