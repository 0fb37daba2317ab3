# Everything runs from .venv, which is made from the lock files. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core-ready
DEV := $(VENV)/.dev-ready
RELEASE := .venv-release/.ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# Hundreds of the tests start a program: compiled once, it starts in half the time.
unexport PYTHONDONTWRITEBYTECODE
# pyright comes whole in its wheel, and node in another: neither asks the network for a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PYRIGHT_PYTHON_GLOBAL_NODE := 0

.DEFAULT_GOAL := help
.PHONY: help demo demo-firmware demo-mqtt demo-web quick test conformance firmware ble web tooling cover check format formal fuzz-api bench docs mutants removals lock check-install pythons \
	check-home-assistant release-check system setup clean distclean
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(CORE) ## play the restorative profile on the embedded simulator, 60 times faster than real time
	@$(BIN)/massager-ctl run restorative --device sim: --speed 60

demo-web: $(DEV) ## offer the page for a simulated device, and print its address
	@$(BIN)/massager-ctl serve --device neck=sim: --web --log text

demo-mqtt: system $(DEV) ## show a session over MQTT, with a broker of its own and mosquitto_sub
	@$(BIN)/python tools/demo_mqtt.py

# Many tests wait for real programs, so there are more workers than cores.
CORES := $(shell getconf _NPROCESSORS_ONLN)
MORE = 1
test: MORE = 2
PYTEST = $(BIN)/python -m pytest -n $(or $(JOBS),$(shell expr $(CORES) + $(MORE))) --dist worksteal

demo-firmware: $(DEV) ## run the firmware on MicroPython as a board does: the first minute of a session, then the quick suite
	@$(BIN)/python tools/demo_firmware.py

quick: $(DEV) ## run the unit and property tests but the slow ones: what to run all day (ARGS="-k stop" to choose)
	$(PYTEST) -p no:schemathesis -q -m "not slow" $(ARGS) tests/unit tests/property

# What takes longest has targets of its own: `make cover` and continuous integration run it all.
CONFORMANCE := tests/hil tests/second_device tests/unseen_devices
FIRMWARE := tests/firmware
BLE := tests/e2e/ble
WEB := tests/e2e/web
TOOLING := tests/tools tests/bench
APART := $(CONFORMANCE) $(FIRMWARE) $(BLE) $(WEB) $(TOOLING)

test: system $(DEV) ## run the tests but those of the next five targets, on all cores (ARGS="-k stop", JOBS=0 for one process)
	$(PYTEST) $(APART:%=--ignore=%) $(ARGS)

conformance: system $(DEV) ## run the tests of the conformance suite, and of devices that are not ours
	$(PYTEST) $(ARGS) $(CONFORMANCE)

firmware: system $(DEV) ## run the tests of the firmware on MicroPython and of its boards
	$(PYTEST) $(ARGS) $(FIRMWARE)

ble: system $(DEV) ## run the tests over a virtual Bluetooth radio
	$(PYTEST) $(ARGS) $(BLE)

web: system $(DEV) ## run the tests of the web page in Chromium, and of its HTTP API
	$(PYTEST) $(ARGS) $(WEB)

tooling: system $(DEV) ## run the tests of tools/, the benchmark and the locks
	$(PYTEST) $(ARGS) $(TOOLING)

# Every branch of what keeps a person safe is tested: the host's rules, and the device's.
SURE := */massager_ctl/wire/*,*/massager_ctl/safety/*,*/massager_ctl/control/session.py,*/massager_ctl/control/setpoint_source.py,*/massager_ctl/profile/*,*/massager_fw/*

cover: system $(DEV) ## run all tests, and hold the branch coverage to its bounds
	$(PYTEST) --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --fail-under=90
	$(BIN)/coverage report --fail-under=100 --include='$(SURE)'

check: $(DEV) ## format, lint, types, import contracts, documents, tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/documents.py --check
	$(BIN)/python tools/check_tree.py

format: $(DEV) ## format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

formal: system ## check the models of stop, dead-man and latch with spin
	formal/run

fuzz-api: $(DEV) ## send a served page's API for a minute what its document allows and what not: no fault, and a confirmed STOP after it
	@$(BIN)/python tools/fuzz_api.py $(ARGS)

bench: ## measure beside peers, in an environment of its own, and write the table in docs/explanation/performance.md
	@$$(tools/find-python) bench/run.py --write $(ARGS)

docs: $(DEV) ## write the generated parts of the documents
	$(BIN)/python -m massager_ctl.profile.reference docs/reference
	$(BIN)/python -m massager_ctl.frontends.web.openapi docs/reference/openapi.json
	$(BIN)/python tools/documents.py

mutants: $(DEV) ## mutation testing of the safety rules: every survivor is a missing test
	$(BIN)/mutmut run
	$(BIN)/mutmut results

N ?= 30
SEED ?= $(shell git rev-parse --short=10 HEAD)
removals: $(DEV) ## take N lines that enforce a rule away at random, one at a time: a test must fail (SEED=… chooses them)
	$(BIN)/python tools/removals.py --number $(N) --seed $(SEED) $(ARGS)

lock: ## write the lock files, keeping versions that still fit (UPGRADE=1 takes new ones)
	tools/lock $(if $(UPGRADE),--upgrade)

check-install: $(DEV) ## install each lock file with old pips and a new one, where everything has a newer release
	$(BIN)/python tools/check_install.py $(ARGS)

pythons: system $(DEV) ## run the tests on each Python of this machine that is supported
	$(BIN)/python tools/pythons.py $(or $(ARGS),-q)

release-check: $(RELEASE) ## build a release, look into it, install it on each Python of this machine, run its tests
	$(dir $(RELEASE))bin/python tools/release_check.py $(ARGS)

system: ## install the Debian packages that the tests use, or say what is missing
	@tools/setup-debian

setup: system $(DEV) ## set up everything, run nothing

check-home-assistant: ## check the discovery messages by Home Assistant's own schemas, with Python 3.13 and an environment of its own
	@[ -x .venv-ha/bin/hass ] || { $${PYTHON:-python3.13} -m venv --clear .venv-ha && .venv-ha/bin/pip install -q homeassistant==2025.4.4 paho-mqtt==2.1.0; }
	.venv-ha/bin/python tools/check_home_assistant.py

clean: ## remove what builds and tests leave behind
	rm -rf build dist mutants .removals htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove the environment as well
	rm -rf $(VENV) .venv-*

$(CORE): requirements.lock requirements-build.lock pyproject.toml
	@tools/install $(VENV) requirements.lock
	@touch $@

# The larger lock holds the smaller one, so that it makes both ready.
$(DEV): requirements-dev.lock requirements.lock requirements-build.lock pyproject.toml
	@tools/install $(VENV) requirements-dev.lock
	@touch $(CORE) $@

$(RELEASE): requirements-release.lock requirements-build.lock
	@tools/install .venv-release requirements-release.lock alone
	@touch $@
