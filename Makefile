# From a fresh machine: `make demo` sets everything up and shows it, `make test` sets everything up and tests it.
# Repeated, both start at once: Python edits need no new installation, C++ edits rebuild what they touch.

PYTHON ?= python3
VENV ?= .venv
# On Linux PyPI's torch brings gigabytes of CUDA with it; PyTorch's own index has the small CPU build beside it.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
DEMO_SECONDS ?= 60

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile --constraint constraints.txt
INSTALLED := $(VENV)/.installed
NATIVE := CMakeLists.txt $(wildcard ops/cpu/*.cpp ops/cpu/*.h)
# CMake takes c++ where nobody has set CXX; make's own default would be g++.
COMPILER := $(if $(filter default,$(origin CXX)),c++,$(CXX))

.PHONY: help install install-mesh install-browser demo test test-slow lint bench clean

help:
	@echo "make install          set up $(VENV): pinned packages (torch for the CPU), the compiled module, omnifield"
	@echo "make demo             set up, then train the built-in scene for $(DEMO_SECONDS) s (DEMO_SECONDS=...)"
	@echo "make test             set up, then the tests; make test-slow: those that take minutes"
	@echo "make lint             ruff, pyright and the house rules"
	@echo "make bench            what this machine reaches"
	@echo "make install-mesh     the optional mesh tools, with the system libraries they need"
	@echo "make install-browser  a Chromium, for the tests of web pages"
	@echo "make clean            remove $(VENV), builds and caches"
	@echo "Another Python:       make install PYTHON=python3.12"
	@echo "For CUDA:             make clean; make install TORCH_INDEX=  (empty: PyPI's torch)"

install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/omnifield train demo --max-seconds $(DEMO_SECONDS) --run-dir demo/run
	$(BIN)/omnifield render demo/run --output demo/orbit.mp4 --frames 60
	$(BIN)/omnifield export web demo/run --output demo/page.html --max-seconds 30
	$(BIN)/omnifield info demo/run
	@echo "A held-out view beside the truth: demo/run/picture.png. The turn around the scene: demo/orbit.mp4."
	@echo "The scene as a page, for any browser: demo/page.html"
	@echo "To look at it yourself, in the browser: $(BIN)/omnifield view demo/run"

# Without a browser the tests of the viewer's page skip, and say so.
test: $(INSTALLED)
	-@$(MAKE) --no-print-directory install-browser
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)
	$(BIN)/python -m pytest tests/test_lint.py tests/test_house.py

bench: $(INSTALLED)
	$(BIN)/omnifield bench

install-mesh: $(INSTALLED)
	@$(call need,libusb-1.0-0 libgl1,$(HAS_LIBRARIES))
	$(PIP) --no-build-isolation --editable ".[mesh]"

install-browser:
	@$(call need,chromium,command -v chromium || command -v chromium-browser || command -v google-chrome)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call need,packages,check): where the check fails, install these Debian packages if we may, or say what to do.
define need
if ! { $(2); } >/dev/null 2>&1; then \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); \
	fi; \
	{ $(2); } >/dev/null 2>&1 || { \
		echo "make: something is missing. On Debian and Ubuntu: sudo apt-get install $(1)" >&2; exit 1; }; \
fi
endef

NEW_ENOUGH := $(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10))"
HAS_VENV := $(PYTHON) -c "import venv, ensurepip"
HAS_HEADERS := $(PYTHON) -c "import os, sysconfig as s; os.stat(os.path.join(s.get_path('include'), 'Python.h'))"
HAS_COMPILER := echo 'int main() {}' | $(COMPILER) -std=c++20 -fopenmp -x c++ - -o /dev/null
HAS_LIBRARIES := ldconfig -p | grep -q libusb-1.0.so.0 && ldconfig -p | grep -q libGL.so.1

$(VENV)/.created:
	@$(call need,python3-venv,$(HAS_VENV))
	@$(NEW_ENOUGH) || { echo "make: Python 3.10 or newer, please: make PYTHON=python3.12" >&2; exit 1; }
	@$(call need,python3-dev,$(HAS_HEADERS))
	@$(call need,g++,$(HAS_COMPILER))
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The alarm bounds the name look-up too, which no timeout of urllib does: where the index cannot be reached, pip would
# ask it for minutes.
INDEX_ANSWERS := import signal, urllib.request as u; signal.alarm(5); u.urlopen('$(TORCH_INDEX)/torch/', timeout=2)

$(VENV)/.packages: $(VENV)/.created constraints.txt
	@echo "Installing torch, the one large package ..."
	@if $(PYTHON) -c "$(INDEX_ANSWERS)" 2>/dev/null; then index="--extra-index-url $(TORCH_INDEX)"; fi; \
	$(PIP) $$index torch
	$(PIP) --quiet scikit-build-core nanobind cmake ninja
	@touch $@

# Without build isolation the build uses the pinned tools above, and keeps its folder from one time to the next.
$(INSTALLED): $(VENV)/.packages pyproject.toml $(NATIVE)
	@echo "Installing the other packages and building the compiled module ..."
	$(PIP) --quiet --no-build-isolation --editable ".[dev,photos]"
	@touch $@
