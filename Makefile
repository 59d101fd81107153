# Two commands on a fresh machine: `make demo` and `make test`.  Everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
GUIDES := .venv-guides
GUIDES_STAMP := $(GUIDES)/.installed
FRAMEWORKS := .venv-frameworks
FRAMEWORKS_STAMP := $(FRAMEWORKS)/.installed
PORTABLE := .venv-portable
PORTABLE_STAMP := $(PORTABLE)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-deep browser lint unit test-torch cures stresses resumes faults audits frameworks portable peer-tests guides figures bench bench-gpu quality trust gpu clean

help:
	@echo "make demo     install, then verify the bundled example, mend it, verify it again"
	@echo "make test     install, then every check: style, types, directions, tests, the wheel"
	@echo "make test-deep   the long forms that 'make test' leaves out: every sample, every cut, every way (half an hour)"
	@echo "make lint     the checks that run nothing"
	@echo "make test-torch TORCH=2.11.0   the tests with another torch (gigabytes: it brings CUDA)"
	@echo "make faults   the planted faults and what is found of them (minutes)"
	@echo "make audits   the half of the labelled programs that the audit was written on: precision and recall (seconds)"
	@echo "make frameworks   programs of 26 frameworks, a clean and a faulty one each, and what is said of them (half an hour; 2 GB of packages)"
	@echo "make portable the operations of thirty models under samebits.portable(), and what all of them are on other settings (20 minutes)"
	@echo "make peer-tests PEERS=PATH   other projects' own seed tests, from checkouts of theirs, against samebits"
	@echo "make guides TRAINERS=PATH   two public trainers, from checkouts, twice under samebits run: equal weights (minutes)"
	@echo "make figures  the guides' two loss curves and their difference, trained and drawn anew into docs/figures (10 minutes)"
	@echo "make bench    what observation, seeding, random numbers and the operations cost (minutes; an otherwise idle machine)"
	@echo "make bench-gpu   random numbers and the operations on CUDA"
	@echo "make quality  statistical tests of the random numbers, 10^9 of each kind (minutes)"
	@echo "make trust    what could make a verdict false, tried (an hour; mounting small disks needs root)"
	@echo "make gpu OUT=FOLDER   all that needs a CUDA machine, in 7 minutes, without installing anything"
	@echo "make clean    remove everything made"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "samebits needs Python 3.11 or newer; say which with: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python examples/demo.py

test: browser lint unit

# A report is tested in Debian's browser, which is installed where it is missing and that needs nobody's password.
browser:
	@command -v chromium > /dev/null && exit 0; \
	root=; test "$$(id -u)" = 0 || root='sudo -n'; \
	if command -v apt-get > /dev/null && $$root true 2> /dev/null; then \
		echo 'installing chromium, for the tests of the report'; \
		$$root apt-get update -qq > /dev/null 2>&1; \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium > /dev/null 2>&1; \
	fi; \
	command -v chromium > /dev/null || echo 'chromium is not there and cannot be installed: the browser tests of the report will be skipped'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# Most tests start programs that import torch: one more at a time than there are cores (tests/conftest.py), for
# some wait; each takes up to 2 GB of memory.
PARALLEL := -n auto --maxprocesses 8 --dist worksteal

# Triton reads its switch when it is imported, so its kernels are interpreted in a session of their own.
unit: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL)
	TRITON_INTERPRET=1 $(BIN)/python -m pytest $(PARALLEL) tests/triton

# What is marked `deep`, and nothing else: `pytest -m ""` runs both.
test-deep: $(STAMP)
	$(BIN)/python -m pytest $(PARALLEL) -m deep
	TRITON_INTERPRET=1 $(BIN)/python -m pytest $(PARALLEL) -m deep tests/triton

# Another torch needs other versions of triton and setuptools.
OTHER := .venv-$(TORCH)

test-torch:
	@test -n "$(TORCH)" || { echo 'which torch? make test-torch TORCH=2.11.0'; exit 1; }
	test -x $(OTHER)/bin/python || $(PYTHON) -m venv $(OTHER)
	grep -vE '^(torch|triton|setuptools)==' constraints.txt > $(OTHER)/constraints.txt
	$(OTHER)/bin/python -m pip install --quiet --constraint $(OTHER)/constraints.txt torch==$(TORCH) --editable '.[dev]'
	$(OTHER)/bin/python -m pytest -p no:cacheprovider

faults: $(STAMP)
	$(BIN)/python benchmarks/faults/run.py

# What cure finds for the faults; what stress and resume say of programs of which it is known.
cures: $(STAMP)
	$(BIN)/python benchmarks/faults/cure.py

stresses: $(STAMP)
	$(BIN)/python benchmarks/stress/run.py

resumes: $(STAMP)
	$(BIN)/python benchmarks/resume/run.py

# What the audit finds in the half of its corpus that it was written on.
audits: $(STAMP)
	$(BIN)/python -m benchmarks.audit.run

# The frameworks are kept apart, with versions of their own.
$(FRAMEWORKS_STAMP): pyproject.toml benchmarks/frameworks/requirements.txt benchmarks/frameworks/prepare.py
	test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --requirement benchmarks/frameworks/requirements.txt
	$(FRAMEWORKS)/bin/python -m pip install --quiet --no-deps --editable .
	$(FRAMEWORKS)/bin/python benchmarks/frameworks/prepare.py
	touch $(FRAMEWORKS_STAMP)

frameworks: $(FRAMEWORKS_STAMP)
	$(FRAMEWORKS)/bin/python -m benchmarks.frameworks.run

# Thirty models of torchvision, timm and transformers, in an environment of their own; then every row's bits.
$(PORTABLE_STAMP): pyproject.toml constraints.txt benchmarks/portable/requirements.txt benchmarks/frameworks/prepare.py
	test -x $(PORTABLE)/bin/python || $(PYTHON) -m venv $(PORTABLE)
	$(PORTABLE)/bin/python -m pip install --quiet --constraint constraints.txt --requirement benchmarks/portable/requirements.txt --editable .
	$(PORTABLE)/bin/python benchmarks/frameworks/prepare.py
	touch $(PORTABLE_STAMP)

portable: $(PORTABLE_STAMP) $(STAMP)
	$(PORTABLE)/bin/python -m benchmarks.portable.coverage
	$(BIN)/python -m benchmarks.portable.bits
	$(BIN)/python -m benchmarks.portable.accuracy

peer-tests: $(STAMP)
	@test -n "$(PEERS)" || { echo 'which checkouts? make peer-tests PEERS=/path/that/holds/them (docs/peer-tests.md)'; exit 1; }
	$(BIN)/python tests/peers/run.py $(PEERS)

# What the trainers import is kept apart: torchvision cannot be imported beside a CPU build of torch as it is, and
# the tests of .venv take one that is there to work.  imgaug asks for an OpenCV that needs a screen's libraries.
$(GUIDES_STAMP): pyproject.toml constraints.txt
	test -x $(GUIDES)/bin/python || $(PYTHON) -m venv $(GUIDES)
	$(GUIDES)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[guides]'
	$(GUIDES)/bin/python -m pip install --quiet --constraint constraints.txt --no-deps imgaug
	touch $(GUIDES_STAMP)

guides: $(GUIDES_STAMP)
	@test -n "$(TRAINERS)" || { echo 'which checkouts? make guides TRAINERS=/path/that/holds/them (docs/guides.md)'; exit 1; }
	$(GUIDES)/bin/python -m tests.guides.trainers.run $(TRAINERS)

figures: $(STAMP)
	$(BIN)/python -m tools.guide_figures

# The projects that the benchmarks compare with; the torch that is there stays.
$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	touch $(BENCH_STAMP)

bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks.digest
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.seeding
	$(BIN)/python -m benchmarks.random
	$(BIN)/python -m benchmarks.ops
	$(BIN)/python -m benchmarks.portable.steps
	$(BIN)/python -m benchmarks.portable.products
	$(BIN)/python -m benchmarks.portable.elementwise

# On a machine with CUDA; without one the same runs on the CPU, and says so.
bench-gpu: $(STAMP)
	$(BIN)/python -m benchmarks.random --device cuda
	$(BIN)/python -m benchmarks.ops --device cuda

quality: $(STAMP)
	$(BIN)/python -m benchmarks.quality

trust: $(STAMP)
	$(BIN)/python -m benchmarks.trust

# From a bare checkout: what is needed is there already, and nothing is installed.
gpu:
	@test -n "$(OUT)" || { echo 'where should the results be? make gpu OUT=/path/of/a/folder'; exit 1; }
	PYTHONPATH="$(CURDIR)/src:$(CURDIR)" $(PYTHON) -m benchmarks.gpu "$(OUT)"

clean:
	rm -rf $(VENV) .venv-* dist build .samebits .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
