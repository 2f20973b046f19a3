# Everything here runs on Node 24, which npm brings; the machine's own Node only starts npm.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MODULES := $(CURDIR)/node_modules
export PATH := $(MODULES)/.bin:$(MODULES)/@biomejs/cli-linux-x64:$(MODULES)/@biomejs/cli-linux-arm64:$(PATH)

.PHONY: help demo test drills check up down status image

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## a shop's pipeline on this machine, with a page to look at
	@node demo/main.ts

test: install ## all tests: types, lint, unit, integration, end to end
	@node dev/test-run.ts

drills: install ## failures of Sources on real servers: caused, read from the status, repaired as it says
	@node e2e/drills/main.ts

check: install ## types, lint and format
	@npm run --silent check

up: install ## PostgreSQL, Kafka, Connect and a Kubernetes API that stay
	@node dev/cli.ts up

down: install ## stop them, keep their data
	@node dev/cli.ts down

status: install ## which of them run
	@node dev/cli.ts status

image: install ## build the image, without Docker
	@node dev/cli.ts image

.PHONY: install
install: $(MODULES)/.stamp
	@case "$$(node -v)" in v24.*) ;; *) \
	  echo "Penstock needs Node 24 and found $$(node -v): run \"npm ci\", or install Node 24" >&2; exit 1 ;; esac

$(MODULES)/.stamp: package-lock.json package.json
	npm ci --no-audit --no-fund
	@touch $@
