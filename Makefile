# make run   serve Hezha with demo data on http://127.0.0.1:8080
# make test  lint, types and every test
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup run test lint types tests diagrams bench bench-photos bench-sync bench-flat bench-api bench-checklists pictures lock clean

setup: build/.ready

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Hezha needs Python 3.11 or newer: apt install python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "venv is missing: apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

build/.ready: $(VENV)/.ready package-lock.json package.json $(wildcard web/*.mjs web/*.js web/engine/*.* web/engine/cel/*.* web/engine/src/*.ts web/signing/*.* web/signing/src/*.ts) $(wildcard checklists/*.yaml)
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { echo "Hezha needs Node 20 or newer: apt install nodejs npm"; exit 1; }
	npm ci --silent --no-fund --no-audit
	npm run --silent build
	@touch $@

run: setup
	$(BIN)/hezha serve --demo

test: setup lint types tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy
	npm run --silent types

tests: setup
	$(BIN)/pytest -n 2 --dist loadfile

# Draws every process anew from its table, the demo town from its network and the demo month from its plan;
# tests hold docs/ to all three.
diagrams: setup
	$(BIN)/python -m server.diagrams docs
	$(BIN)/python -m server.demo.map docs
	$(BIN)/hezha balance picture server/demo/outages.json server/demo/outages-plan.json --out docs/demo-month.svg
	$(BIN)/hezha balance picture server/demo/outages.json server/demo/outages-plan.json --lang zh-CN \
		--out docs/demo-month.zh-CN.svg

# Draws the printed forms of docs/forms anew from the demo; needs poppler's pdftoppm.
pictures: setup
	$(BIN)/python docs/forms/pictures.py

# What takes many minutes, or has peers to install, is a target of its own.
bench: setup
	@for b in $(filter-out bench/api.py bench/replication.py bench/flat.py bench/judging.py bench/lookalikes.py bench/outages.py,$(wildcard bench/[a-z]*.py)); do echo "== $$b"; $(BIN)/python $$b || exit 1; done

build/.bench: bench/package-lock.json bench/package.json
	@mkdir -p build
	npm ci --silent --ignore-scripts --no-fund --no-audit --prefix bench
	@touch $@

# Beside npm's pouchdb-server, and beside Apache CouchDB where HEZHA_TEST_COUCHDB_URL names one.
bench-sync: setup build/.bench
	$(BIN)/python bench/replication.py

# A database grows to a million documents; about six minutes, and some gigabytes in the temporary folder.
bench-flat: setup
	$(BIN)/python bench/flat.py --plot docs/sync-flat.svg

# Lists, searches, bulletins and the rebuild from a thousand to a hundred thousand cases; about half an hour, and
# some ten gigabytes in the temporary folder.
bench-api: setup
	$(BIN)/python bench/api.py --plot docs/api-growth.svg

# Photos beside bare Pillow, and look-alikes among a million; about ten minutes.
bench-photos: setup
	$(BIN)/python bench/photos.py --photos 1000
	OPENBLAS_NUM_THREADS=1 $(BIN)/python bench/lookalikes.py

# A submission of 225 items judged, 200 definitions loaded, memory over 100,000 judgements; a few minutes.
bench-checklists: setup
	$(BIN)/python bench/judging.py

# Months of 20 to 1,000 works balanced on two networks; about a quarter of an hour.
bench-outages: setup
	$(BIN)/python bench/outages.py --plot docs/outages-gap.svg

# Needs uv (https://docs.astral.sh/uv/): resolves again and writes the locks, hashes and all.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev --extra peers -o requirements-dev.lock

clean:
	rm -rf $(VENV) node_modules bench/node_modules build .pytest_cache .mypy_cache .ruff_cache .hypothesis
