# The verbs of the house. `make run` and `make test` need nothing but Python 3.11 or newer.
SHELL := bash
.DEFAULT_GOAL := run
PORT ?= 8501
PY := .venv/bin/python
CHECK = $(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy

.PHONY: run test scorecard check fix bench constraints

run: ## open the chat on 127.0.0.1:$(PORT)
	@scripts/venv.sh run
	@exec .venv/bin/streamlit run app.py --server.port $(PORT)

test: ## everything: checks, unit, contract, browser and PostgreSQL tests; installs what is missing
	@scripts/venv.sh test
	@scripts/test_programs.sh
	@status=0; $(CHECK) || status=1; $(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder || status=1; exit $$status

scorecard: ## the faults and walls at their full counts (more than an hour); writes docs/scorecard.md
	@scripts/venv.sh test
	@scripts/test_programs.sh
	@$(PY) -m tests.scorecard

check: ## lint, format and types
	@scripts/venv.sh test
	@$(CHECK)

fix: ## what ruff can mend by itself
	@scripts/venv.sh test
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

bench: ## the figures of the README, measured on this machine
	@scripts/venv.sh test
	@$(PY) -m bench

constraints: ## resolve all dependencies anew and write constraints.txt
	@python3 scripts/constraints.py
