# Everything runs from .venv, which is made from the lock files. `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core-ready
DEV := $(VENV)/.dev-ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
# pyright comes whole in its wheel, and node in another: neither asks the network for a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PYRIGHT_PYTHON_GLOBAL_NODE := 0

.DEFAULT_GOAL := help
.PHONY: help demo demo-mqtt test cover check format formal bench docs mutants lock system setup clean distclean
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(CORE) ## play the restorative profile on the embedded simulator, 60 times faster than life
	@$(BIN)/massager-ctl run restorative --device sim: --speed 60

demo-mqtt: system $(DEV) ## show a session over MQTT, with a broker of its own and mosquitto_sub
	@$(BIN)/python tools/demo_mqtt.py

test: system $(DEV) ## run all tests (ARGS="-k stop" to choose)
	$(BIN)/python -m pytest $(ARGS)

# Every branch of what keeps a person safe is tested: the host's rules, and the device's.
FIRMWARE := firmware core judge session levels pattern allowance announce button noise memory nvm
COMMA := ,
EMPTY :=
SURE := */massager_ctl/wire/*,*/massager_ctl/safety/*,*/massager_ctl/session.py,*/massager_ctl/programme.py,*/massager_ctl/profile/*$(subst $(EMPTY) $(EMPTY),,$(FIRMWARE:%=$(COMMA)*/firmware_sim/%.py))

cover: system $(DEV) ## run all tests and hold the branch coverage to its bounds
	$(BIN)/python -m pytest --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --fail-under=90
	$(BIN)/coverage report --fail-under=100 --include='$(SURE)'

check: $(DEV) ## format, lint, types, import contracts, documents, tree
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/documents.py --check
	$(BIN)/python tools/check_tree.py

format: $(DEV) ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

formal: system ## check the models of stop, dead-man and latch with spin
	formal/run

bench: ## measure beside peers, in an environment of its own, and write the table in docs/explanation/performance.md
	@$$(tools/find-python) bench/run.py --write $(ARGS)

docs: $(DEV) ## write the generated parts of the documents anew
	$(BIN)/python -m massager_ctl.profile.reference docs/reference
	$(BIN)/python tools/documents.py

mutants: $(DEV) ## mutation testing of the safety rules: every survivor is a missing test
	$(BIN)/mutmut run
	$(BIN)/mutmut results

lock: ## write the lock files anew, keeping versions that still fit (UPGRADE=1 takes new ones)
	tools/lock $(if $(UPGRADE),--upgrade)

system: ## install the Debian packages that the tests use, or say what is missing
	@tools/setup-debian

setup: system $(DEV) ## set up everything, run nothing

clean: ## remove what builds and tests leave behind
	rm -rf build dist mutants htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove the environment as well
	rm -rf $(VENV) .venv-lock .venv-bench

$(CORE): requirements.lock pyproject.toml
	@tools/install $(VENV) requirements.lock
	@touch $@

# The larger lock holds the smaller one, so that it makes both ready.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml
	@tools/install $(VENV) requirements-dev.lock
	@touch $(CORE) $@
