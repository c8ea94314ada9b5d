# One command says whether you are done: `make test`. No step by hand on a fresh
# Debian 12/13 or Ubuntu >= 24.04 that has git, make and python3.
PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.installed
APT    := DEBIAN_FRONTEND=noninteractive apt-get -q
ARGS   ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo quick test check lint types format openapi docs console strace chromium postgresql mosquitto clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: $(STAMP) ## make .venv and install everything into it (again only when something changed)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    $(APT) update && $(APT) install -y python3-venv; \
	  else \
	    echo 'python3 cannot make virtual environments here; install the package python3-venv' >&2; \
	    echo '(as root: apt-get install python3-venv), then run make again.' >&2; exit 1; \
	  fi; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/liandong warm
	@touch $@

demo: setup ## the demonstration town; ARGS="--once" for virtual time
	$(BIN)/liandong demo $(ARGS)

quick: setup ## the tests that start nothing, in a minute
	@$(BIN)/python -m pytest -m "not slow" -n 2 -q

test: setup console strace chromium postgresql mosquitto lint types ## the whole check; the last line is pytest's own count
	@$(BIN)/python -m pytest -n 2 -q

check: test ## the same as test

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy: strict in core and app
	$(BIN)/mypy

format: setup ## put imports and format right
	$(BIN)/ruff check --fix-only --exit-zero .
	$(BIN)/ruff format .

openapi: setup ## write docs/reference/openapi.json from the code
	@mkdir -p docs/reference
	$(BIN)/liandong openapi > docs/reference/openapi.json.new
	@mv docs/reference/openapi.json.new docs/reference/openapi.json

docs: setup ## write the generated parts of docs/ from the code
	@PYTHONPATH=src:. $(BIN)/python -m tests.docs.pages

console: setup ## build the web console into the package where its sources are newer; ARGS="--force" always
	@$(BIN)/python hatch_build.py $(ARGS)

# Proves that the sync precedes the answer. Only tried, never required: its test says when it is skipped.
strace:
	@command -v strace >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	  $(APT) install -y strace >/dev/null 2>&1 || \
	  { $(APT) update && $(APT) install -y strace; } >/dev/null 2>&1 || \
	  echo 'strace could not be installed; the test that needs it will be skipped'

# A real browser and Chinese letters for the console's tests. Only tried: those tests say when they are skipped.
chromium:
	@{ command -v chromium && fc-list :lang=zh | grep -q .; } >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] || \
	  ! command -v apt-get >/dev/null || \
	  $(APT) install -y --no-install-recommends chromium fontconfig fonts-noto-cjk >/dev/null 2>&1 || \
	  { $(APT) update && $(APT) install -y --no-install-recommends chromium fontconfig fonts-noto-cjk; } >/dev/null 2>&1 || \
	  echo 'chromium could not be installed; the tests in a browser will be skipped'

# A PostgreSQL whose programs the tests start themselves; the package's own service need not run. Only tried.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || [ "$$(id -u)" != 0 ] || \
	  ! command -v apt-get >/dev/null || \
	  $(APT) install -y --no-install-recommends postgresql >/dev/null 2>&1 || \
	  { $(APT) update && $(APT) install -y --no-install-recommends postgresql; } >/dev/null 2>&1 || \
	  echo 'PostgreSQL could not be installed; the tests that need a server will be skipped'

# An MQTT broker that the tests start themselves; the package's own service need not run. Only tried.
mosquitto:
	@[ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null || [ "$$(id -u)" != 0 ] || \
	  ! command -v apt-get >/dev/null || \
	  $(APT) install -y --no-install-recommends mosquitto >/dev/null 2>&1 || \
	  { $(APT) update && $(APT) install -y --no-install-recommends mosquitto; } >/dev/null 2>&1 || \
	  echo 'mosquitto could not be installed; the tests that need a broker will be skipped'

clean: ## remove what can be made again
	rm -rf console/node_modules src/liandong/web/static .venv .demo build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
