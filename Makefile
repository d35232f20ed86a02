# The modules are those of go.work; every target that says "all modules" loops over them.

GOLANGCI_LINT_VERSION := v2.12.2
GOLANGCI_LINT := .bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
TESTCLUSTER := .bin/testcluster
POSTGRES_MAJORS := 14 15 16 17 18
STANDBY_BIN ?= $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))
UPGRADES := 14-18 15-16 15-17

# The linter's cache holds paths, which another clone of the repository would report as its own.
export GOLANGCI_LINT_CACHE := $(CURDIR)/.bin/lint-cache

# Extra flags for go test, such as TESTFLAGS='-run Lock -v'.
TESTFLAGS ?=
# Flags for the benchmarks, such as BENCHFLAGS='-short' or BENCHFLAGS='-run wide -json wide.json'.
BENCHFLAGS ?=
# What a server of its own gets of the machine's memory, as PostgreSQL's manual advises: a quarter.
BENCHBUFFERS ?= $(shell awk '/^MemTotal:/ { printf "%dMB", $$2 / 4096 }' /proc/meminfo 2>/dev/null)
FUZZTIME ?= 10s
SOAK ?= 10m

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## See the library at work, in a minute and without any set-up
	cd cmd/chrononaut && go run . demo

.PHONY: build
build: ## Build the command: bin/chrononaut
	cd cmd/chrononaut && go build -trimpath -o ../../bin/chrononaut .

.PHONY: test
test: $(TESTCLUSTER) ## Vet and test all modules on a throw-away PostgreSQL
	$(TESTCLUSTER) -- scripts/test $(TESTFLAGS)

.PHONY: test-all
test-all: $(TESTCLUSTER) ## The same, at length, on every supported version of PostgreSQL; needs npm
	@failed=; for major in $(POSTGRES_MAJORS); do \
		echo "==== PostgreSQL $$major"; \
		CHRONONAUT_TEST_LONG=1 $(TESTCLUSTER) -major $$major -- scripts/test $(TESTFLAGS) || failed="$$failed $$major"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed on PostgreSQL$$failed" >&2; exit 1; fi

.PHONY: test-upgrade
test-upgrade: $(TESTCLUSTER) ## Restore dumps of older versions of PostgreSQL into newer ones; needs npm and pg_dump
	@failed=; for majors in $(UPGRADES); do \
		from=$${majors%-*}; to=$${majors#*-}; echo "==== PostgreSQL $$from to $$to"; \
		$(TESTCLUSTER) -major $$from -- sh -c 'CHRONONAUT_TEST_UPGRADE_FROM_URL="$$CHRONONAUT_TEST_DATABASE_URL" exec "$$@"' sh \
			$(TESTCLUSTER) -major $$to -- go test -count=1 -run 'Upgrade|Restored' -v $(TESTFLAGS) ./chronomigrate ./internal/exactness || failed="$$failed $$majors"; \
	done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

.PHONY: test-standby
test-standby: $(TESTCLUSTER) ## Test reading on a physical standby; needs an installed PostgreSQL
	$(TESTCLUSTER) -bin $(STANDBY_BIN) -- scripts/with-standby $(STANDBY_BIN) go test -count=1 -run Standby -v $(TESTFLAGS) ./chronomigrate ./internal/exactness

# SQLite itself, which is C made into Go, is compiled without the detector: with it, it takes five to ten times as long.
RACEFLAGS := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=github.com/ncruces/go-sqlite3-wasm/...=-race=false

.PHONY: race
race: $(TESTCLUSTER) ## Run the short tests of all modules under the race detector; needs gcc
	CGO_ENABLED=1 $(TESTCLUSTER) -- scripts/test $(RACEFLAGS) -short -timeout 35m $(TESTFLAGS)

.PHONY: fuzz
fuzz: $(TESTCLUSTER) ## Run every fuzz test for FUZZTIME (10s)
	$(TESTCLUSTER) -- scripts/fuzz $(FUZZTIME)

.PHONY: soak
soak: $(TESTCLUSTER) ## Run the soak tests of all modules, each for SOAK (10m)
	CHRONONAUT_TEST_SOAK=$(SOAK) $(TESTCLUSTER) -- scripts/each go test -run Soak -count=1 -timeout 0 -v ./...

.PHONY: bench
bench: $(TESTCLUSTER) ## Measure what history costs; BENCHFLAGS=-short takes a minute
	cd bench && ../$(TESTCLUSTER) -disk $(addprefix -set shared_buffers=,$(BENCHBUFFERS)) -- go run . $(BENCHFLAGS)

.PHONY: golden
golden: $(TESTCLUSTER) ## Rewrite the golden files; look at the diff before you commit it
	$(TESTCLUSTER) -- scripts/golden

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint all modules and check that go.mod and go.sum are tidy
	scripts/each "$(CURDIR)/$(GOLANGCI_LINT)" run ./...
	scripts/tidy -check

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format all modules
	scripts/each "$(CURDIR)/$(GOLANGCI_LINT)" fmt ./...

.PHONY: tidy
tidy: ## Tidy go.mod and go.sum of all modules, and go.work
	scripts/tidy

# Built rather than run by "go run", which would neither pass signals on nor keep the exit status.
.PHONY: $(TESTCLUSTER)
$(TESTCLUSTER):
	@go build -o $@ ./internal/cmd/testcluster

$(GOLANGCI_LINT):
	GOBIN="$(CURDIR)/.bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .bin/golangci-lint $@
