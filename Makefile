# Two commands: `make demo` sets up and runs the main job, `make test` sets up and passes the tests.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
STAMP := $(VENV)/.installed

.PHONY: help
help: ## List what there is
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "}; {printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: install
install: $(STAMP) ## Put everything into .venv, at the versions of uv.lock

$(STAMP): pyproject.toml uv.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; name it by PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --frozen --all-extras --inexact --compile-bytecode
	@$(BIN)/python -m compileall -q octo_core octo_resources octo_assets octo_api octo_cli demo
	@touch $(STAMP)

.PHONY: demo
demo: install ## Load 336,776 real flights into a real PostgreSQL, with approval, updates, quarantine and drift
	$(BIN)/python -m demo

.PHONY: demo-stream
demo-stream: install kafka ## Flights as a live feed beside their history, into one table; the consumer is killed twice
	$(BIN)/python -m demo.stream

.PHONY: example-marketing
example-marketing: install kafka ## Campaigns from an API each night and through Kafka by day, in one table
	$(BIN)/python examples/marketing/play.py

.PHONY: kill-matrix
kill-matrix: install kafka $(SPARK_ARCHIVE) ## What is lost and doubled when something breaks, at every point, in every mode: a table
	$(BIN)/python -m benchmarks kill_matrix

.PHONY: dev
dev: install ## Open Dagster's UI on this folder's state (after `make demo`: with its database and source running)
	$(BIN)/python -m demo dev

JARS := .jars
KAFKA_JARS := $(JARS)/kafka/.brought

.PHONY: kafka
kafka: $(KAFKA_JARS) ## Bring the jars of an Apache Kafka broker, for tests and demos (Maven Central, 54 MB)

YARN_JARS := $(JARS)/yarn/.brought

.PHONY: yarn
yarn: $(YARN_JARS) ## Bring the jars of a Hadoop YARN, for the tests of Spark on it (Maven Central, 90 MB)

$(KAFKA_JARS) $(YARN_JARS): $(JARS)/%/.brought: pom.xml
	@command -v mvn >/dev/null || { echo "Maven and Java 17 are needed to bring $*'s jars: apt-get install maven"; exit 1; }
	@mkdir -p $(JARS) && exec 9>$(JARS)/.lock && flock 9 && { test $@ -nt pom.xml || { \
		rm -rf $(JARS)/$* && \
		mvn --quiet --batch-mode -P$* dependency:copy-dependencies -DoutputDirectory=$(JARS)/$* </dev/null && touch $@; }; }

SPARK_ARCHIVE := $(VENV)/share/octopipe/spark.jsa

.PHONY: spark-archive
spark-archive: $(SPARK_ARCHIVE) ## Keep Spark's classes in an archive: it starts in half the time from then on

$(SPARK_ARCHIVE): $(STAMP)
	@$(BIN)/python -m octo_resources.engines.spark.archive 2>/dev/null </dev/null

.PHONY: s3
s3: .tools/versitygw ## Bring versitygw, an S3 server, for the tests of S3 (Go, 75 s); without it they use moto's

.tools/versitygw:
	@command -v go >/dev/null || { echo "Go is needed to make versitygw"; exit 1; }
	GOBIN=$(CURDIR)/.tools go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 </dev/null

.PHONY: test
test: install kafka ## Run the checks and the tests
	@$(MAKE) --no-print-directory -j2 check tests

.PHONY: tests
tests: install kafka $(SPARK_ARCHIVE)
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder

.PHONY: test-all
test-all: install kafka yarn $(SPARK_ARCHIVE) ## All tests, also those that take long and find little that others do not
	$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder -m ""

.PHONY: check
check: install ## Lint, format, imports and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

.PHONY: format
format: install ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: install ## Measure the speed figures of docs/speed.md
	$(BIN)/python -m benchmarks

DATA ?= data
.PHONY: eval
eval: install ## Measure the quality of mapping and typing: DATA=folder (docs/quality.md says how to get it)
	$(BIN)/python -m benchmarks.eval $(DATA)

.PHONY: eval-llm
eval-llm: install ## Measure mapping with a language model: DATA=folder OCTOPIPE_LLM_MODEL=openai/… OCTOPIPE_LLM_KEY=…
	$(BIN)/python -m benchmarks.eval_llm $(DATA)

.PHONY: llm-record
llm-record: install ## Record a real provider's answers for the tests: OCTOPIPE_LLM_MODEL=openai/… OCTOPIPE_LLM_KEY=…
	$(BIN)/python -m benchmarks.llm_record

.PHONY: docs
docs: install ## Make the generated pages and schemas of docs/ again
	$(BIN)/python -m octo_core.expressions.docs > docs/expressions.md
	$(BIN)/python -m octo_core.inference.semantic_types.docs > docs/semantic-types.md
	$(BIN)/python -m octo_cli.schemas
	$(BIN)/python -m octo_api.openapi

.PHONY: clean
clean: ## Take away what was installed and all local state
	rm -rf $(VENV) .octopipe .tmp_dagster_home_*
