PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
# A worker a processor and one more: many tests wait for a browser or a server. Each works through files in order, so that their
# tests share what is costly to set up; a worker that has finished takes tests from the others.
AT_ONCE := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check
# pip compiles one module after the other; here every processor takes part. What is written for another Python fails: so be it.
INSTALL := $(PIP) install --quiet --no-compile --editable
COMPILE := $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true

CAMPAIGNS := $(addprefix campaign-,compression datalab detections features scenes scales inputs weather processors refits drives projection incidents)

.PHONY: help run setup setup-dev board editor test test-long test-cases test-campaigns fuzz kills bounds bounds-lowest bounds-newest sbom audit house tests-map tests-of lint lint-style lint-types lint-imports docs truths coverage bench crowd incidents clean $(CAMPAIGNS)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

run: setup ## open the app (PORT=8501)
	@$(BIN)/casesim serve --port $(PORT)

setup: $(VENV)/.installed ## set up .venv with all that the app needs, without torch

setup-dev: $(VENV)/.installed-dev ## add torch and the test tools to .venv

# The tests start the command and its workers again and again: each would compile the package anew where the environment
# forbids Python to keep what it has compiled.
test test-long test-campaigns: export PYTHONDONTWRITEBYTECODE :=
# A worker has one processor: further threads of NumPy and torch would turn in circles there until it is theirs.
test test-long test-campaigns: export OMP_NUM_THREADS := 1
test test-long test-campaigns: export OPENBLAS_NUM_THREADS := 1

test: $(VENV)/.installed-dev ## run the tests, the browser's included
	@$(BIN)/python -m pytest $(AT_ONCE)

test-long: $(VENV)/.installed-dev ## run every test: kills, crowds, every theme and width, and studies too
	@CASESIM_LONG=1 $(BIN)/python -m pytest $(AT_ONCE) -m ""

test-cases: $(VENV)/.installed-dev ## test every shipped case with fresh runs, and keep the results (some minutes)
	@for case in $$($(BIN)/casesim cases --json | $(BIN)/python -c 'import json, sys; print(*(one["id"] for one in json.load(sys.stdin)))'); do \
		$(BIN)/casesim test $$case --fresh --minutes 60 --keep scenarios/tested/$$case.json || exit 1; done

test-campaigns: $(VENV)/.installed-dev ## try how the committed evidence was made
	@$(BIN)/python -m pytest $(AT_ONCE) -m "" tests/campaigns

lint: lint-style lint-types lint-imports ## check style, types and which part may import which

lint-style: $(VENV)/.installed-dev
	@echo "Style (ruff)" && $(BIN)/ruff check && $(BIN)/ruff format --check

lint-types: $(VENV)/.installed-dev
	@echo "Types (mypy)" && $(BIN)/mypy

lint-imports: $(VENV)/.installed-dev
	@echo "Imports (import-linter)" && $(BIN)/lint-imports

docs: $(VENV)/.installed-dev ## write docs/command.md from the command's own help, and docs/case-reference.md from the schema
	@$(BIN)/python -m tests.command_page && $(BIN)/python -m tests.case_reference

fuzz: $(VENV)/.installed-dev ## try thousands of hostile cases, files, links and command lines, each in a process with limits (minutes)
	@$(BIN)/python -m tests.fuzz $(FUZZ)

kills: $(VENV)/.installed-dev ## kill servers, workers and commands at random moments, stop long commands, and look at what is left (over an hour)
	@$(BIN)/python -m tests.kills $(KILLS)

BOUNDS := build/bounds
bounds: bounds-lowest bounds-newest ## try the oldest and the newest packages that pyproject.toml allows, on PYTHON (about ten minutes)
bounds-lowest: RESOLUTION := lowest-direct
bounds-newest: RESOLUTION := highest
bounds-lowest bounds-newest: bounds-%:
	@echo "The $* packages with $$($(PYTHON) --version), in $(BOUNDS)/$*"
	@$(PYTHON) -m venv --clear $(BOUNDS)/$* && $(BOUNDS)/$*/bin/python -m pip --disable-pip-version-check install --quiet uv
	@cd $(BOUNDS)/$* && bin/uv pip install --quiet --python bin/python --resolution $(RESOLUTION) --editable '$(CURDIR)[lab,measure,monitors,postgres,tradeoffs]'
	@cd $(BOUNDS)/$* && bin/uv pip install --quiet --python bin/python pytest hypothesis
	@$(BOUNDS)/$*/bin/python -m pytest -m "" tests/test_everything_once.py tests/app/test_layout.py

# The package as a user installs it, without extras, in an environment that holds nothing else; the tools lie in another.
INVENTORY := build/inventory
$(INVENTORY)/.installed: pyproject.toml
	@$(PYTHON) -m venv --clear --without-pip $(INVENTORY)/casesim && $(PYTHON) -m venv --clear $(INVENTORY)/tools
	@$(INVENTORY)/tools/bin/python -m pip --disable-pip-version-check install --quiet cyclonedx-bom pip-audit
	@$(INVENTORY)/tools/bin/python -m pip --disable-pip-version-check --python $(INVENTORY)/casesim/bin/python install --quiet .
	@rm -f $(INVENTORY)/casesim/lib/python*/site-packages/casesim-*/direct_url.json
	@touch $@

sbom: $(INVENTORY)/.installed ## write build/sbom.json: the packages of an installed CaseSim, with versions and licences (CycloneDX)
	@$(INVENTORY)/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --short-PURLs --output-reproducible \
		--output-file build/sbom.json $(INVENTORY)/casesim/bin/python
	@echo "build/sbom.json: $$(grep -c '"purl"' build/sbom.json) packages"

audit: $(INVENTORY)/.installed ## compare the packages of an installed CaseSim with the vulnerabilities that PyPI knows
	@$(INVENTORY)/tools/bin/python -m pip --disable-pip-version-check --python $(INVENTORY)/casesim/bin/python \
		list --format freeze --exclude casesim > $(INVENTORY)/requirements.txt
	@$(INVENTORY)/tools/bin/pip-audit --strict --disable-pip --no-deps --progress-spinner off --requirement $(INVENTORY)/requirements.txt

board: ## build the whiteboard's script again from its source (needs node 20 and npm; the result is part of the repository)
editor: ## build the script of Studio's editor again in the same way
board: FRONTEND := simulator/frontend/board
editor: FRONTEND := simulator/frontend/editor
board editor:
	@cd $(FRONTEND) && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent types && npm run --silent build

house: $(VENV)/.installed-dev ## count lines, files in a run, circles of imports, names and tests, each beside its bar
	@$(BIN)/python -m tests.house

tests-map: $(VENV)/.installed-dev ## record in build/ which tests run which lines
	@mkdir -p build && COVERAGE_FILE=build/tests-map $(BIN)/python -m pytest -q $(AT_ONCE) --cov=simulator --cov=pages --cov-context=test --cov-report=

tests-of: $(VENV)/.installed-dev ## print which tests cover a file: FILE=simulator/case/load.py
	@$(BIN)/python -m tests.house.tests_of $(FILE)

truths: $(VENV)/.installed-dev ## print what theory says beside what the simulation says, with intervals
	@$(BIN)/python -m tests.truths

coverage: $(VENV)/.installed-dev ## sample worlds whose truth is known, and print how often the 95% intervals hold it (a quarter of an hour)
	@$(BIN)/python -m tests.coverage

bench: $(VENV)/.installed-dev ## measure the engine's speed beside SimPy, Ciw and salabim, its growth and its memory
	@$(BIN)/python -m benchmarks

crowd: $(VENV)/.installed-dev ## let 1, 4, 16 and 32 people use one server, and print how long they wait and what it takes (about 45 minutes)
	@$(BIN)/python -m benchmarks.crowd

# Campaigns make what assets/ holds. Their data are not part of the repository: say where they lie, as in DATA=~/coco128.
campaign-detections: $(VENV)/.installed-dev ## make the detection tables again: DATA=labelled images TRAINED=ONNX files (hours)
	$(BIN)/python -m campaigns.detections tables --data $(DATA) --trained $(TRAINED)

campaign-features: $(VENV)/.installed-dev ## make the features of the same images again: DATA=labelled images TRAINED=ONNX files
	$(BIN)/python -m campaigns.detections features --data $(DATA) --trained $(TRAINED)

campaign-scenes: $(VENV)/.installed-dev ## make the tables of crops and mixtures again: DATA=labelled images TRAINED=ONNX files (hours)
	$(BIN)/python -m campaigns.detections scenes --data $(DATA) --trained $(TRAINED)

campaign-scales: $(VENV)/.installed-dev ## make the tables by height again: DATA=labelled images TRAINED=ONNX files PHOTOS=photos
	$(BIN)/python -m campaigns.detections scales --data $(DATA) --trained $(TRAINED) --photos $(PHOTOS)

campaign-inputs: $(VENV)/.installed-dev ## measure smaller pictures again: DATA=labelled images TRAINED=ONNX files (some minutes)
	$(BIN)/python -m campaigns.detections inputs --data $(DATA) --trained $(TRAINED)

campaign-weather: $(VENV)/.installed-dev ## count false answers in weather again: DATA=labelled images TRAINED=ONNX files PHOTOS=photos
	$(BIN)/python -m campaigns.detections weather --data $(DATA) --trained $(TRAINED) --photos $(PHOTOS)

campaign-processors: $(VENV)/.installed-dev ## judge the detectors at 8 bits on this processor: DATA=labelled images TRAINED=ONNX files
	$(BIN)/python -m campaigns.detections processors --data $(DATA) --trained $(TRAINED)

campaign-refits: $(VENV)/.installed-dev ## fit the served detector's last layer to labelled frames: DATA=labelled images TRAINED=ONNX files (some minutes)
	$(BIN)/python -m campaigns.detections refits --data $(DATA) --trained $(TRAINED)

campaign-datalab: $(VENV)/.installed-dev ## make the data lab's evidence again: DATA=skin photos READERS=skin readers NSFWJS=unpacked npm package
	$(BIN)/python -m campaigns.datalab readers --data $(READERS)
	$(BIN)/python -m campaigns.datalab features --data $(DATA) --nsfwjs $(NSFWJS)
	$(BIN)/python -m campaigns.datalab studies
	$(BIN)/python -m campaigns.datalab tables

campaign-compression: $(VENV)/.installed-dev ## train smaller networks for the skin case, fold by fold: DATA=skin photos PHOTOS=photos DEVICE=this machine (an hour)
	$(BIN)/python -m campaigns.compression scores --data $(DATA)
	$(BIN)/python -m campaigns.compression spoiled --data $(DATA)
	$(BIN)/python -m campaigns.compression compare
	$(BIN)/python -m campaigns.compression calls --photos $(PHOTOS) --photos-from "$(notdir $(PHOTOS))" --device $(DEVICE)

campaign-drives: $(VENV)/.installed-dev ## make the tables of recorded drives again: DATA=drives as KITTI lays them out (half an hour)
	$(BIN)/python -m campaigns.drives $(DATA)

campaign-projection: $(VENV)/.installed-dev ## fit the projections again and hold networks out again (some minutes)
	$(BIN)/python -m campaigns.projection

STUDY = assets/incidents/production-drift
campaign-incidents: $(VENV)/.installed-dev ## play many incidents: which signs causes bring, investigators, fixes, monitors (about an hour)
	$(BIN)/python -m campaigns.incidents rehearse production-drift --workers 2
	$(BIN)/python -m campaigns.incidents fixes production-drift --workers 2 --out $(STUDY)/fixes.csv
	$(BIN)/python -m campaigns.incidents harms production-drift --workers 2
	$(BIN)/python -m campaigns.incidents study production-drift --workers 2 --out $(STUDY)/players.csv
	$(BIN)/python -m campaigns.incidents study production-drift --workers 2 --seeds 75 --player sensible --player nothing \
		--player script --player checklist --player opportunist --level easy --level hard --out $(STUDY)/levels.csv
	$(BIN)/python -m campaigns.incidents rules production-drift --workers 2 --out $(STUDY)/rules.csv
	$(BIN)/python -m campaigns.incidents monitors production-drift --workers 2 --monitors $(STUDY)/monitors.yaml \
		--cause blurred_camera --out $(STUDY)

incidents: campaign-incidents

clean: ## delete .venv, caches and builds
	rm -rf $(VENV) build dist *.egg-info .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "CaseSim needs Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Making the virtual environment $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@$(PIP) --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@echo "Installing the app into $(VENV): about a minute the first time"
	@$(INSTALL) '.[tradeoffs,lab,fast]'
	@$(COMPILE)
	@touch $@

# All at once: to look for what fits together, and to build the package, takes as long for a part of it.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@$(PIP) --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@echo "Installing the app, torch and the test tools into $(VENV): some minutes the first time"
	@$(INSTALL) '.[tradeoffs,fast,fidelity,tracking,campaigns,dev]'
	@$(COMPILE)
	@touch $(VENV)/.installed $@
