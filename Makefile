# Everything runs from a virtual environment in .venv with locked dependencies. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

REV ?= main

.PHONY: help install compile demo test check bench bench-compare profile instructions soak fuzz docs lock sbom audit format

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q shim translations
	@$(BIN)/shim --version
	@touch $(STAMP)

install: $(STAMP)  ## set up the virtual environment, nothing else

compile: install  ## compile the hot modules of the core anew, after a change (decision 0035)
	$(BIN)/python hatch_build.py
	$(BIN)/python -m compileall -q shim translations
	@$(BIN)/shim --version

demo: install  ## set up everything and run the main job: shim and emulated backend on loopback
	$(BIN)/shim demo $(ARGS)

# A worker that ends is not replaced: pytest-xdist may then wait for ever.
test: install  ## set up everything and pass the tests
	$(BIN)/pytest -n auto --dist loadscope --max-worker-restart 0 $(ARGS)

check: install  ## lint, types, architecture contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install  ## the shim beside its peers, lists, the log, start, memory; needs php-fpm and nginx for one peer
	$(BIN)/python -m bench.run $(ARGS)

bench-compare: install  ## CPU a call beside the shim of another commit: make bench-compare REV=main
	$(BIN)/python -m bench.run --only calls --against $(REV) $(ARGS)

profile: install  ## a flame graph of the shim under load: dist/flame.svg
	$(BIN)/python -m bench.profile $(ARGS)

instructions: install  ## instructions of ten translations against those kept; needs valgrind
	SHIM_COMPILED=0 $(BIN)/python -m bench.instructions --check $(ARGS)

soak: install  ## a hundred thousand generated messages through the whole shim, with progress
	$(BIN)/python -m tests.soak $(ARGS)

chaos: install  ## an hour in which everything goes wrong while real clients call; see docs/chaos.md
	$(BIN)/python -m tests.chaos $(ARGS)

fuzz: install .fuzz/.installed  ## ten minutes of inputs led by coverage; what is found is made small and kept
	SHIM_COMPILED=0 PYTHONPATH=.fuzz $(BIN)/python -m tests.hostile.fuzz $(ARGS)

.fuzz/.installed: requirements-fuzz.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target .fuzz \
		-r requirements-fuzz.lock
	@touch $@

docs: install  ## make the generated pages anew
	RECORD_DOCS=1 $(BIN)/pytest -q tests/test_docs.py

sbom: .audit/.installed  ## dist/sbom.cdx.json: what runs, as CycloneDX
	mkdir -p dist
	.audit/bin/cyclonedx-py requirements requirements-runtime.lock --pyproject pyproject.toml \
		--output-reproducible --validate --sv 1.6 --of JSON -o dist/sbom.cdx.json

audit: .audit/.installed  ## known vulnerabilities of what runs; needs a way to api.osv.dev
	.audit/bin/pip-audit --requirement requirements-runtime.lock --require-hashes --disable-pip \
		--vulnerability-service osv --strict --progress-spinner off

.audit/.installed: requirements-audit.lock
	$(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.lock
	@touch $@

format: install  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: install  ## resolve requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --quiet --generate-hashes --no-emit-index-url --extra dev --extra tour --extra otel \
		--python-version 3.11 pyproject.toml -o requirements.lock
	sed '/^    --hash/d; s/ \\$$//' requirements.lock > .venv/constraints.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --constraint .venv/constraints.txt \
		--no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements-runtime.lock
	uv pip compile --quiet --generate-hashes --no-emit-index-url --constraint .venv/constraints.txt --extra otel \
		--no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements-otel.lock
	printf 'cyclonedx-bom\npip-audit\n' | uv pip compile --quiet --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --python-version 3.11 - -o requirements-audit.lock
