# One environment, .venv, installed from requirements.lock with pip alone. GNU make 3.81 is enough.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab classroom test test-browser test-faults rerun lint notebooks editions book figures screenshots results lock licenses audit compatibility clean distclean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp
PYTHON ?= python3.11 python3.12 python3.13 python3
UV ?= uv
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
RESULTS := moment_features way_back style_pairs methods optimizers growth frontier

export TF_CPP_MIN_LOG_LEVEL := 3
export SCREENSHOTS

help:
	@echo "make demo       transfer the style of one bundled picture to another, into out/demo"
	@echo "make test       ruff and every test"
	@echo "make test-browser  the explorers in Debian's Chromium (apt-get install chromium)"
	@echo "make test-faults   the tests of damaged input and of faults under a run alone, with their counts"
	@echo "make rerun      make the committed figures again from their reports, and compare (a quarter of an hour)"
	@echo "make lab        open the notebooks in JupyterLab"
	@echo "make classroom  show the explorers, sliders without code, in the browser"
	@echo "make book       the course as pages that open without a network, into out/book"
	@echo "make editions   the notebooks for students (no solutions) and instructors, into out/editions"
	@echo "make lint       ruff alone"
	@echo "make notebooks  make the notebooks anew from their sources; one: make notebooks ONLY=01_gradient_systems"
	@echo "make figures    draw the thesis's figures anew into figures/; make screenshots: pictures of the explorers"
	@echo "make results    make the committed measurements anew (long)"
	@echo "make lock       make requirements.lock anew from pyproject.toml (needs uv)"
	@echo "make licenses   list the licenses of packages, pictures and weights anew, in docs/licenses.md"
	@echo "make audit      compare what is installed with requirements.lock, and look up known vulnerabilities"
	@echo "make compatibility  tests with the oldest and newest packages on each Python found (needs uv; long)"
	@echo "make clean      remove out/ and the caches"
	@echo "make distclean  remove the environment .venv too"
	@echo "The first call of demo, test or lint installs .venv. To choose the Python: make test PYTHON=/path/to/python3"

demo: $(STAMP)
	@$(BIN)/decoupling transfer coffee chelsea --max-side 64 --out out/demo/transfer
	@$(BIN)/decoupling transfer china china --max-side 64 --out out/demo/self
	@echo "Made, in $(CURDIR)/out/demo:"
	@echo "  transfer/  the style of coffee on chelsea"
	@echo "  self/      the style of china on china itself: the way there and back"
	@echo "Look at result.png and panel.png in each; report.json has the numbers."

test: lint
	@$(BIN)/python -m pytest

test-browser: $(STAMP)
	@if [ -z "$(CHROMIUM)" ]; then \
	    echo "make test-browser needs Chromium: apt-get install chromium, or name it: make test-browser CHROMIUM=/path" >&2; exit 1; \
	fi
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest tests/browser

rerun: $(STAMP)
	@$(BIN)/decoupling rerun figures/manifest.json --out out/rerun/figures
	@$(BIN)/decoupling rerun figures/transfer.json --out out/rerun/transfer

test-faults: $(STAMP)
	@$(BIN)/python -m pytest tests -m faults

book: $(STAMP)
	@$(BIN)/python -m sphinx -b html -q -W --keep-going -d out/book-trees docs out/book
	@echo "open $(CURDIR)/out/book/index.html"

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

notebooks: $(STAMP)
	@$(BIN)/python notebooks/execute.py $(ONLY)

figures: $(STAMP)
	@$(BIN)/decoupling figures --out figures

results: $(STAMP)
	@set -e; for name in $(RESULTS); do $(BIN)/python benchmarks/$$name.py; done

# Without its stamp an environment may be half installed, so it is begun anew; with an old stamp it is updated.
# A Python is taken only if it runs: a pyenv shim may stand on PATH for a version that is not active.
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
	    echo "Making $(VENV) with $$("$$found" --version)"; \
	    "$$found" -m venv --clear $(VENV); \
	fi; \
	rm -f $@; \
	echo "Installing requirements.lock into $(VENV) (several minutes the first time)"; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@

define LOCK_HEADER
# Every package of the kit, its extras dev, notebooks, book and audit, and what they need: Python 3.11 to 3.13, Linux and macOS.
# Install:    pip install --require-hashes -r requirements.lock
#             pip install --no-deps --no-build-isolation -e .
# Make again: make lock, which keeps the pins that still fit (make lock UPGRADE=--upgrade: the newest versions) and runs
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

# Not after the stamp, which would repair what is to be found.
audit:
	@[ -x $(BIN)/python ] || { echo "make audit looks at $(VENV), which is not installed: make test" >&2; exit 1; }
	@$(BIN)/python tools/audit.py

# PYTHONS: interpreters, with commas; without it, each of python3.11 to python3.13 on PATH that runs.
compatibility: $(STAMP)
	@$(BIN)/python tools/compatibility.py --uv "$(UV)" --pythons "$(PYTHONS)"

clean:
	rm -rf out build *.egg-info .pytest_cache .ruff_cache .hypothesis notebooks/.ipynb_checkpoints
	@find . -name .venv -prune -o -name .git -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
