# make run     run every notebook, two side by side, then open runs/quick/index.html
# make lab     open JupyterLab on the notebooks
# make test    check the package and the notebooks
# Each target makes and updates .venv by itself; nothing needs to be installed by hand.

PYTHON  ?= python3
PROFILE ?= quick
JOBS    ?= 2
BIN     := .venv/bin

export TF_CPP_MIN_LOG_LEVEL ?= 3
# TensorFlow frees and takes large blocks at every step: glibc is to keep them (4 GiB, 256 MiB).
export MALLOC_TRIM_THRESHOLD_ ?= 4294967296
export MALLOC_MMAP_THRESHOLD_ ?= 4294967296
export MALLOC_TOP_PAD_ ?= 268435456

.PHONY: run resume lab test bench figures clean

run: .venv/ready
	$(BIN)/vidlab run --profile $(PROFILE) --jobs $(JOBS)

resume: .venv/ready
	$(BIN)/vidlab run --profile $(PROFILE) --jobs $(JOBS) --resume

lab: .venv/ready
	$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks

test: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -rs -n 2 --dist loadfile --no-loadscope-reorder

bench: .venv/ready-bench
	$(BIN)/python -m tests.benchmarks

figures: .venv/ready
	$(BIN)/vidlab figures

clean:
	rm -rf .venv runs cache build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp a set of packages: installing happens again only when the dependencies have changed.
.venv/bin/python:
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'vidlab needs Python 3.11, 3.12 or 3.13. Found: ' + sys.version.split()[0] + '. Try: make $(MAKECMDGOALS) PYTHON=python3.12')"
	$(PYTHON) -m venv .venv

.venv/ready: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[phone]"
	@touch $@

.venv/ready-test: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[phone,test]"
	@touch $@ .venv/ready

.venv/ready-bench: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[bench,phone]"
	@touch $@ .venv/ready
