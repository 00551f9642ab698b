# Both main targets do all their own set-up: `make demo` and `make test` work in a bare clone.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EARMARK := $(BIN)/earmark
SCALE := demo
SEEDS := 0

# Modules are compiled once, by what first imports them, also where the shell says that Python is to keep nothing.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install early data demo ladder tables test test-unit test-slow lint types clean

help:
	@echo "make demo       install, prepare real audio, train and report the demo table"
	@echo "make ladder     the same for speech: language models, a CTC recogniser, every way to decode it"
	@echo "make test       install and run the tests (10 to 11 minutes on 2 cores; the bound is 10)"
	@echo "make test-unit  the quick tier alone (about 3 minutes; the bound is 2)"
	@echo "make test-slow  the tests that take minutes each"
	@echo "make lint types ruff and mypy"
	@echo "make tables     the tables of README.md and docs/ from the packs in results/"

INSTALL = test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	echo "installing PyTorch, Lightning, MLflow and what they need into $(VENV): some minutes, and gigabytes"; \
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable

# The stamp is newer than what it was made from, so an unchanged clone installs once. pip compiles on one core, so it is
# left to all of them; what no Python 3 can compile, some packages' oldest files, is passed over.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(INSTALL) '.[wfst,pretrained,export,search,slurm,test]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $(VENV)/.installed-core $@
	@echo "installed: . $(BIN)/activate && earmark predict --self-check"

# What sound event detection needs, without extras and without compiling all of it.
$(VENV)/.installed-core: pyproject.toml constraints.txt
	@$(INSTALL) .
	@touch $@

install: $(VENV)/.installed

tables: install
	$(BIN)/python tests/documents/tables.py --write

# Sounds are fetched and decoded while pip installs. What fails here is said by the data step, which does what is missing.
early:
	@test -e $(VENV)/.installed-core || { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt rich numpy soundfile soxr G722 \
	  && { $(BIN)/python -m datamodules.corpora.sounds.soundbank_early & fetching=$$!; \
	       trap 'kill $$fetching 2>/dev/null' INT TERM; \
	       $(MAKE) --no-print-directory $(VENV)/.installed-core; code=$$?; wait $$fetching; exit $$code; }; }

# Exit code 3 means that this machine has no apt-get: then, and only then, synthetic tones stand in for real audio.
data: $(VENV)/.installed-core
	@$(EARMARK) data soundscapes --scale $(SCALE); code=$$?; \
	if [ $$code -eq 3 ]; then $(EARMARK) data tones --scale demo && echo tones/demo >$(VENV)/.corpus; \
	elif [ $$code -eq 0 ]; then echo soundscapes/$(SCALE) >$(VENV)/.corpus; else exit $$code; fi

# The table is printed even if a row failed; the target fails then all the same.
demo: early
	@$(MAKE) --no-print-directory data
	@corpus=$$(cat $(VENV)/.corpus); \
	set -- --scale $(SCALE) --seeds $(SEEDS); \
	if [ $$corpus != soundscapes/$(SCALE) ]; then set -- "$$@" --set data.corpus=$$corpus; fi; \
	$(EARMARK) run weak_sed "$$@"; code=$$?; \
	echo; $(EARMARK) report weak_sed "$$@"; echo; exit $$code
	@echo "One seed:  make demo SEEDS=0,1 trains another, and shows how far two trainings of a row lie apart"
	@echo "Dashboard: $(EARMARK) ui    then open the link that it prints"
	@echo "Pictures:  mlruns/runs/*/scores/clips/*.png and mlruns/runs/*/pictures/learning_curves.png"

# Real speech; without apt-get it fails and says so: synthetic speech has nothing to show here.
ladder: install
	$(EARMARK) data prompts
	@$(EARMARK) run ctc_decoding --scale $(SCALE); code=$$?; \
	echo; $(EARMARK) report ctc_decoding --scale $(SCALE); echo; $(EARMARK) report language_models --scale $(SCALE); exit $$code

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# A process a core, each with whole files, whose tests share their trainings.
PARALLEL := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: install
	$(PARALLEL) -m "not slow"

test-unit: install
	$(PARALLEL) -m "not slow and not integration"

test-slow: install
	$(BIN)/pytest -m slow

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
