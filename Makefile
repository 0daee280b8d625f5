# make            this list
# make demo       the default study, end to end, in minutes (STUDY=name for one of workflow/studies)
# make test       the tests, one process a core
# make test-faults  those of faults: jobs, nodes, disks and files that fail (minutes)
# make resume     go on after a kill (the same STUDY and ARGS as the run that was killed)
# make lint       ruff, snakefmt, snakemake's own linter, mypy, and who may import whom
# make docs       these pages as a site, build/site/index.html
# make lock       resolve the pinned environment again
# make clean      remove the environment; results stay
#
# CORES=n takes n cores (default: all), ARGS="..." hands anything else to Snakemake.

PYTHON ?= python3
CORES ?= all
STUDY ?=
ARGS ?=
STUDIES := $(sort $(basename $(notdir $(wildcard workflow/studies/*.yaml))))
ifneq ($(filter-out $(STUDIES),$(STUDY)),)
$(error there is no study $(STUDY); STUDY is one of: $(STUDIES))
endif
BIN := .venv/bin
INSTALLED := .venv/installed
OPTIONS := $(if $(STUDY),--configfile workflow/studies/$(STUDY).yaml) $(ARGS)
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES) --show-failed-logs $(OPTIONS)
# what Snakemake would tell of by a traceback, and what is wrong with the study
CHECK := $(BIN)/dap study check --quick $(if $(STUDY),workflow/studies/$(STUDY).yaml,config.yaml) $(ARGS)
RESULTS := results/$(or $(STUDY),demo)

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults resume lint docs lock clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q' && sed -n 's/^# \(CORES.*\)/\1/p' Makefile

$(INSTALLED): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "dap needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@command -v cc > /dev/null || { echo "dap needs a C compiler (for PESQ, and for the networks' layers)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED)
	@$(CHECK)
	$(SNAKEMAKE)
	@echo "tables:  $(RESULTS)/tables/   (start with table1.md)"
	@echo "figures: $(RESULTS)/figures/"
	@echo "report:  $(RESULTS)/report.html, as text $(RESULTS)/summary.md"

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=8 --dist=loadgroup \
		--no-loadscope-reorder $(ARGS)

test-faults: $(INSTALLED)
	$(BIN)/python -m pytest --faults -m faults $(ARGS)

resume: $(INSTALLED)
	@$(CHECK)
	$(BIN)/python workflow/owner.py
	$(SNAKEMAKE) --unlock
	$(SNAKEMAKE) --rerun-incomplete

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

docs: $(INSTALLED)
	$(BIN)/python docs/tools/pictures.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site: build/site/index.html"

lock: $(INSTALLED)
	$(BIN)/python envs/lock.py

clean:
	rm -rf .venv
