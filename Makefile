# One environment in .venv, made from the hashed lock files; every target makes it when it is missing.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 3000

.PHONY: setup demo dev test test-all lint lock clean

setup: .venv/.ready

.venv/.ready: requirements-uv.lock requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make lock' -c requirements.lock pyproject.toml --group dev -o requirements-dev.lock
	grep -A 40 '^uv==' requirements-dev.lock | awk '/^[a-z]/ && !/^uv==/ {exit} {print}' > requirements-uv.lock
