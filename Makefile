# SPDX-License-Identifier: Apache-2.0
# Two commands for a newcomer: `make run` and `make test`. The rest is for a developer.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
SUITE ?= p2pdma
TOPOLOGY ?= switch

# One configuration for the program and its tests, so that what is tested is what is shipped.
# The tests look into modules, hence -enable-testing.
# Coloured or not, the compiler has another command line, and everything is built anew.
SWIFT_FLAGS := -c release -Xswiftc -enable-testing --no-color-diagnostics
SWIFT_SOURCES := Package.swift Sources Tests
PROGRAM := bin/crossbar

.PHONY: help run test test-unit test-guest test-teeth build build-tests install lint format lint-c lint-series coverage bench-engine packages clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) \
	  | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: packages build ## Install what is missing, build, boot a guest, verify, report
	$(PROGRAM) run $(TOPOLOGY) --suite $(SUITE)

test: packages build-tests ## Install what is missing, run the unit tests, then boot real guests
	swift test $(SWIFT_FLAGS) --skip-build --skip GuestTests
	swift test $(SWIFT_FLAGS) --skip-build --no-parallel --filter GuestTests

test-unit: packages build-tests ## Run the tests that boot nothing
	swift test $(SWIFT_FLAGS) --skip-build --skip GuestTests

test-guest: packages build-tests ## Run the tests that boot guests
	swift test $(SWIFT_FLAGS) --skip-build --no-parallel --filter GuestTests

test-teeth: packages build-tests ## Break the kernel on purpose, once a patch of Tests/Teeth, and see it noticed
	CROSSBAR_TEETH=$(or $(TEETH),1) swift test $(SWIFT_FLAGS) --skip-build --no-parallel --filter TeethTests

build: packages ## Build the program: bin/crossbar
	swift build $(SWIFT_FLAGS)
	mkdir -p bin
	ln -sf "$$(swift build $(SWIFT_FLAGS) --show-bin-path)/crossbar" $(PROGRAM)

build-tests: build ## Build the tests as well
	swift build $(SWIFT_FLAGS) --build-tests

install: build ## Install below PREFIX (/usr/local), with completions for bash, zsh and fish
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/crossbar
	rm -rf $(DESTDIR)$(PREFIX)/share/crossbar
	mkdir -p $(DESTDIR)$(PREFIX)/share/crossbar
	cp -r qemu-configs images $(DESTDIR)$(PREFIX)/share/crossbar/
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/crossbar/Sources/CDeviceABI/include \
	  Sources/CDeviceABI/include/*.h
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(PROGRAM) --generate-completion-script bash \
	  > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/crossbar
	$(PROGRAM) --generate-completion-script zsh \
	  > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_crossbar
	$(PROGRAM) --generate-completion-script fish \
	  > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/crossbar.fish

lint: build lint-c ## Check the style of Swift and C
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

# checkpatch comes with the guest kernel's source, which the program knows how to get.
lint-c: build ## Check the style of C, of the kernel's patches too
	tree="$$($(PROGRAM) kernel source)"; \
	images/kernel/checkpatch "$$tree"; \
	perl "$$tree/scripts/checkpatch.pl" --no-tree --strict --terse --show-types --no-summary \
	  --ignore "$$(grep -o '^[A-Z_]*' images/guest/checkpatch-ignore | paste -sd,)" \
	  -f $$(find images/guest Sources/CDeviceABI Sources/CPeerGPU -name '*.[ch]')

# Not a part of `lint`: it takes as long as all of the tests that boot guests.
lint-series: build ## Check the kernel's series as it is mailed, patch by patch, with W=1 and sparse
	images/kernel/check-series $(PROGRAM) $(SPARSE)

format: ## Format the Swift sources in place
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

coverage: packages ## Print the line coverage of the Swift modules by the unit tests
	swift test --scratch-path .build-coverage --enable-code-coverage --skip GuestTests \
	  > .build-coverage.log 2>&1 || { grep -E 'error:|✘' .build-coverage.log; exit 1; }
	@PATH="$$(dirname "$$(readlink -f "$$(command -v swift)")"):$$PATH" llvm-cov report -instr-profile .build-coverage/debug/codecov/default.profdata \
	  .build-coverage/debug/crossbarPackageTests.xctest \
	  -ignore-filename-regex='(\.build|Tests)' -show-functions=false \
	  | awk 'NF > 9 && $$1 != "Filename" { split($$1, path, "/"); all[path[1]] += $$8; missed[path[1]] += $$9 } \
	    END { for (m in all) printf "%-16s %6d lines, %5.1f %% run\n", m, all[m], 100 * (1 - missed[m] / all[m]) }' \
	  | sort

bench-engine: build ## Measure the peer GPU's engine against memcpy, a bare CRC loop and a bare qtest client
	"$$(swift build $(SWIFT_FLAGS) --show-bin-path)/bench-engine" $(BENCH_FLAGS)

packages: ## List missing Debian packages and install them (CROSSBAR_NO_INSTALL=1: only list)
	@images/install-host-packages images/host-packages.txt

clean: ## Remove what was built here; runs/ and the caches in ~/.cache/crossbar stay
	rm -rf .build .build-coverage .build-coverage.log bin
