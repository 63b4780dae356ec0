# One environment, .venv, installed from requirements.lock with pip alone. GNU make 3.81 is enough.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab classroom test test-rest test-all test-faults test-browser rerun lint notebooks editions book slides \
	figures screenshots results lock licenses audit compatibility clean distclean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp
PYTHON ?= python3.11 python3.12 python3.13 python3
UV ?= uv
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
RESULTS := moment_features way_back methods optimizers growth frontier tolerances
# Tests run side by side in this many processes, each with one thread of TensorFlow. See tests/README.md for the tiers.
PROCESSES ?= 2
# The variables are set before Python starts: NumPy reads them when it is first imported, and so must new processes.
ONE_THREAD := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# A file stays in one process: its tests share fixtures and compiled networks, the cells of a notebook a kernel.
# (loadgroup could spread the slow tests of a file, but pytest-xdist 3.8 ignores groups under pytest 9.2.)
PYTEST = $(ONE_THREAD) $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations=20

export TF_CPP_MIN_LOG_LEVEL := 3
export SCREENSHOTS

define HELP
The first call of most of these installs .venv. To choose the Python: make test PYTHON=/path/to/python3

Try it
  make demo           transfer the style of one bundled picture to another, with a film, into out/demo
  make lab            open the notebooks in JupyterLab
  make classroom      show the explorers in the browser: sliders, no code

Check it
  make lint           check style, format and types (ruff and mypy)
  make test           make lint, and the tests to run before every commit (10 to 20 minutes on 2 cores)
  make test-rest      all other tests: notebooks, faults, damaged input at full counts, determinism
  make test-all       make test, then make test-rest
  make test-faults    only the tests of damaged input and of faults during a run, with their counts
  make test-browser   the explorers and the book in Chromium (apt-get install chromium)
  make rerun          compute the committed figures again from their reports, and compare (15 minutes)
  make audit          compare the installed packages with requirements.lock, and look up known vulnerabilities
  make compatibility  the tests with the oldest and newest packages, on each Python found (long; needs uv)

Generate
  make notebooks      execute all notebooks; to execute one: make notebooks ONLY=01_gradient_systems
  make editions       folders to hand out, for students (no solutions) and for instructors, into out/editions
  make book           the course as web pages that open offline, into out/book
  make slides         slides of every lesson for the browser, into out/slides
  make figures        the thesis's figures, into figures/
  make screenshots    images of the explorers, into figures/
  make results        seven of the committed measurements, into benchmarks/results (hours)
  make licenses       the licenses of packages, pictures and weights, in docs/licenses.md
  make lock           requirements.lock from pyproject.toml (needs uv)

Clean up
  make clean          remove out/ and the caches
  make distclean      remove the environment .venv too
endef
export HELP

help:
	@echo "$$HELP"

demo: $(STAMP)
	@$(BIN)/decoupling transfer coffee chelsea --max-side 256 --film --out out/demo/transfer
	@$(BIN)/decoupling transfer china china --max-side 64 --out out/demo/self
	@echo "The results are in $(CURDIR)/out/demo:"
	@echo "  transfer/  the style of coffee on chelsea"
	@echo "  self/      the style of china removed from china and imposed again"
	@echo "Open report.html in each folder, and film.html in the first."

test: lint
	@$(PYTEST) --tier quick tests

test-rest: $(STAMP)
	@$(PYTEST) --tier rest tests
	@$(PYTEST) notebooks

# One after the other, also with make -j.
test-all: test
	@$(MAKE) test-rest

test-faults: $(STAMP)
	@$(PYTEST) -m faults tests

test-browser: $(STAMP)
	@if [ -z "$(CHROMIUM)" ]; then \
	    echo "make test-browser needs Chromium: apt-get install chromium, or name it: make test-browser CHROMIUM=/path" >&2; exit 1; \
	fi
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest tests/browser

rerun: $(STAMP)
	@$(BIN)/decoupling rerun figures/manifest.json --out out/rerun/figures
	@$(BIN)/decoupling rerun figures/transfer.json --out out/rerun/transfer

book: $(STAMP)
	@$(BIN)/python tools/book.py --out out/book --work out/book-work
	@echo "open $(CURDIR)/out/book/index.html"

slides: $(STAMP)
	@$(BIN)/python tools/slides.py --out out/slides
	@echo "open $(CURDIR)/out/slides/index.html"

editions: $(STAMP)
	@$(BIN)/python notebooks/editions.py --out out/editions

screenshots: $(STAMP)
	@$(MAKE) test-browser SCREENSHOTS=figures

lab: $(STAMP)
	@$(BIN)/jupyter lab notebooks

classroom: $(STAMP)
	@$(BIN)/decoupling classroom

lint: $(STAMP)
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m mypy

notebooks: $(STAMP)
	@$(BIN)/python notebooks/execute.py $(ONLY)

figures: $(STAMP)
	@$(BIN)/decoupling figures --out figures

results: $(STAMP)
	@set -e; for name in $(RESULTS); do $(BIN)/python benchmarks/$$name.py; done

# An environment without its stamp may be half installed, so it is replaced; one with an old stamp is updated.
# A Python is used only if it runs: a pyenv shim on PATH may belong to a version that is not active.
$(STAMP): requirements.lock pyproject.toml
	@set -e; \
	if [ ! -f $@ ]; then \
	    found=; \
	    for candidate in $(PYTHON); do \
	        if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	            >/dev/null 2>&1; then found=$$candidate; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "No Python 3.11 or newer with venv found (tried: $(PYTHON)); install one, or name it: make PYTHON=/path/to/python3" >&2; \
	        exit 1; \
	    fi; \
	    echo "Creating $(VENV) with $$("$$found" --version)"; \
	    "$$found" -m venv --clear $(VENV); \
	fi; \
	rm -f $@; \
	echo "Installing requirements.lock into $(VENV) (several minutes the first time)"; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@

define LOCK_HEADER
# All packages that the kit and its extras dev, notebooks, book and audit need: Python 3.11 to 3.13, Linux and macOS.
# Install:    pip install --require-hashes -r requirements.lock
#             pip install --no-deps --no-build-isolation -e .
# Update:     make lock, which keeps the pins that still fit (make lock UPGRADE=--upgrade: the newest versions) and runs
#             $(LOCK_COMMAND)
endef
LOCK_COMMAND = $(UV) pip compile pyproject.toml --extra dev --extra notebooks --extra book --extra audit --universal --python-version 3.11 --generate-hashes
export LOCK_HEADER

lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv, or name it: make lock UV=/path/to/uv" >&2; exit 1; }
	@cp requirements.lock requirements.lock.pins
	@$(LOCK_COMMAND) $(UPGRADE) --no-config --no-header --quiet --output-file requirements.lock.pins >/dev/null || { rm -f requirements.lock.pins; exit 1; }
	@{ echo "$$LOCK_HEADER" | sed 's|$(UV) pip|uv pip|'; cat requirements.lock.pins; } > requirements.lock.new
	@rm requirements.lock.pins
	@mv requirements.lock.new requirements.lock
	@echo "requirements.lock: $$(grep -c '^[a-z0-9].*==' requirements.lock) pins"

licenses: $(STAMP)
	@$(BIN)/python tools/licenses.py

# It does not depend on the stamp, which would repair what it should find.
audit:
	@[ -x $(BIN)/python ] || { echo "make audit checks $(VENV), which is not installed: run make lint" >&2; exit 1; }
	@$(BIN)/python tools/audit.py

# PYTHONS: interpreters, separated by commas; without it, each of python3.11 to python3.13 on PATH that runs.
compatibility: $(STAMP)
	@$(BIN)/python tools/compatibility.py --uv "$(UV)" --pythons "$(PYTHONS)"

clean:
	rm -rf out build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis notebooks/.ipynb_checkpoints
	@find . -name .venv -prune -o -name .git -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
