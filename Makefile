# make setup   make .venv: beatmeter with its extras but ray and beatnet, at pinned versions
# make demo    analyse the bundled recording
# make test    run every test
# make lint    check style, types and imports
# make gate    measure whether MERT may vote
# Each of them makes .venv first when it is not there. PYTHON names the Python it is made from.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := docs/demo/escape-from-chaosland.opus

.PHONY: setup demo test lint gate

setup: $(READY)

# tinysoundfont comes without its requirements: only its synthesizer is used, not its sound card
# output.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[jams,mert,page,train,dev]'
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps tinysoundfont
	touch $@

demo: $(READY)
	$(BIN)/beatmeter analyze $(DEMO)

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

gate: $(READY)
	$(BIN)/pytest benchmarks --gate
