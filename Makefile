# SPDX-License-Identifier: MIT
# A thin front for tools/, CMake's presets and pytest. `make` alone lists the targets.

SHELL      = /bin/bash
.SHELLFLAGS = -o pipefail -c

PYTHON  = /usr/bin/python3
PYTEST  = $(PYTHON) -B -m pytest -p no:cacheprovider
JOBS   ?= $(shell nproc)
KEEP   ?=
RUNS   ?= 5
export KEEP

# The system tests run the programs of the dev build, sanitizers and all.
DEV = MUSTER_BIN=$(CURDIR)/build/dev/bin \
      ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1 \
      UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

FOLDERS = common producer fetcher serializer announcer muster tests/unit tests/stage tests/model tests/fuzz tests/bench
SOURCES = $(wildcard $(addsuffix /*.c,$(FOLDERS)))
HEADERS = $(wildcard $(addsuffix /*.h,$(FOLDERS)))
OURS    = $(wildcard $(addsuffix /*.c,common producer fetcher serializer announcer muster))

# Of a test program's output, each runner's own summary is shown, and all that a failing test says.
CTEST_NOISE = '^[0-9]+: (\[ RUN|\[ +OK|\[=+\].*Running|Test command:|Working Directory:|Environment var|Test timeout|$$| [A-Z]+_OPTIONS=)|^(test [0-9]+|UpdateCTest|Parse Config|Constructing|Checking test dep|Done|Updating| Add coverage|Added 0 tests).*$$|^$$'

say = @printf '\n== %s\n' "$(1)"

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo build package dev test unit stage model system provider test-package test-compose \
        check check-format check-tidy check-cppcheck check-release format analyze coverage fuzz bench clean distclean

help: ## List the targets
	@echo "Muster. Begin with: make demo"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: ## Set up, build, and see 1,000 machines of two providers become one clean set (KEEP=1 leaves all running)
	$(call say,setting up)
	@tools/setup demo
	@$(MAKE) --no-print-directory build
	$(call say,the demo)
	@MUSTER_BIN=$(CURDIR)/build/release/bin tools/with-servers tools/demo

test: ## Set up, build with sanitizers, run every test and check
	$(call say,setting up)
	@tools/setup test
	@$(MAKE) --no-print-directory unit stage model
	@$(MAKE) --no-print-directory provider
	@$(MAKE) --no-print-directory system
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory test-package
	$(call say,every test and check passed)

setup: ## Install what building, running and testing needs
	@tools/setup test

build: ## Build the programs, optimized and hardened, into build/release/bin
	$(call say,building (release))
	@cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS)

package: ## Build the Debian package into build/
	$(call say,building the package)
	@command -v dpkg-shlibdeps >/dev/null || { echo "dpkg-shlibdeps is missing: make setup brings it"; false; }
	@cmake --preset package >/dev/null
	@cmake --build --preset package --parallel $(JOBS)
	@rm -rf build/*.deb && umask 022 && cpack --config build/package/CPackConfig.cmake -B build >build/cpack.log 2>&1 \
	    || { cat build/cpack.log; false; }
	@rm -rf build/_CPack_Packages && ls build/*.deb

dev: ## Build the programs and tests with sanitizers into build/dev
	$(call say,building (dev))
	@cmake --preset dev >/dev/null
	@cmake --build --preset dev --parallel $(JOBS)

unit stage model: dev
	$(call say,$@ tests)
	@ctest --preset dev --label-regex '^$@$$' --parallel $(JOBS) --verbose 2>&1 | grep -vE $(CTEST_NOISE)

unit: ## Run the unit tests: every module that decides, no I/O
stage: ## Run the stage tests: one stage against a mock broker and a misbehaving server
model: ## Run the model test: thousands of random schedules of the pure modules

provider: ## Run the tests of the stand-in provider server and of the JSON Schemas
	$(call say,tests of the stand-in provider and of the JSON Schemas)
	@$(DEV) $(PYTEST) tests/provider tests/schemas tests/docs

system: dev ## Run the system tests: real Kafka, real MongoDB (ARGS='-k name' picks some)
	$(call say,system tests)
	@$(DEV) tools/with-servers $(PYTEST) tests/system $(ARGS)

test-package: package ## Build the Debian package, install it into a folder, and try what is there
	$(call say,tests of the package)
	@$(PYTEST) tests/package $(ARGS)

test-compose: ## Build, start, scale and check docker-compose.yml (skipped where there is no Docker)
	$(call say,docker compose)
	@tools/test-compose

check: check-format check-tidy check-cppcheck check-release ## Check format, clang-tidy, cppcheck and the release build's warnings

check-format:
	$(call say,clang-format on $(words $(SOURCES) $(HEADERS)) files)
	@$(if $(SOURCES)$(HEADERS),clang-format-19 --dry-run -Werror $(SOURCES) $(HEADERS),true)
	@echo "format: clean"

check-tidy: dev
	$(call say,clang-tidy on $(words $(OURS)) files)
	@printf '%s\0' $(OURS) | xargs -0 -r -n 1 -P $(JOBS) clang-tidy-19 --quiet -p build/dev 2>build/tidy.log \
	    || { grep -v ' warnings* generated' build/tidy.log; false; }
	@echo "clang-tidy: clean"

check-cppcheck:
	$(call say,cppcheck on $(words $(OURS)) files)
	@mkdir -p build/cppcheck
	@$(if $(OURS),cppcheck --quiet --std=c11 --platform=unix64 --language=c -I. -D_GNU_SOURCE \
	    -j $(JOBS) --cppcheck-build-dir=build/cppcheck --error-exitcode=1 --inline-suppr \
	    --enable=warning$(,)performance$(,)portability --suppressions-list=tools/cppcheck.txt $(OURS),true)
	@echo "cppcheck: clean"

check-release:
	$(call say,building (release) with warnings as errors)
	@cmake --preset package -DMUSTER_WERROR=ON >/dev/null
	@cmake --build --preset package --parallel $(JOBS)
	@echo "release: clean"

format: ## Rewrite our C as clang-format wants it
	@$(if $(SOURCES)$(HEADERS),clang-format-19 -i $(SOURCES) $(HEADERS))

analyze: ## Compile with gcc's static analyzer
	$(call say,building (analyze))
	@cmake --preset analyze >/dev/null
	@cmake --build --preset analyze --parallel $(JOBS)
	@echo "analyze: clean"

coverage: ## Run unit, stage and model tests and count which lines they run
	$(call say,building (coverage))
	@cmake --preset coverage >/dev/null
	@cmake --build --preset coverage --parallel $(JOBS)
	@find build/coverage -name '*.gcda' -delete
	@ctest --preset coverage --parallel $(JOBS)
	@find build/coverage -name '*.gcda' -print0 \
	    | xargs -0 -r gcov --no-output --relative-only --source-prefix $(CURDIR) 2>/dev/null \
	    | awk -F"'" '/^File/ { name = $$2 } /^Lines/ && name { print substr($$0, 7) "  " name; name = "" }' \
	    | sort -u -k 2.1

fuzz: ## Build the fuzz targets into build/fuzz/tests/fuzz (after tools/setup fuzz)
	$(call say,building (fuzz))
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz --parallel $(JOBS)

bench: ## Measure everything beside bare loops and other tools (RUNS=5, ROWS='new fetch'; docs/benchmarks.md)
	$(call say,setting up)
	@tools/setup bench
	$(call say,building (bench))
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --parallel $(JOBS)
	$(call say,measuring)
	@MUSTER_BUILD=$(CURDIR)/build/bench tools/with-servers $(PYTHON) -B tests/bench/bench.py \
	    --runs $(RUNS) $(if $(QUICK),--quick) $(if $(RECORD),--record) $(ROWS)

clean: ## Remove what was built
	rm -rf build

distclean: clean ## Remove what was built and fetched (.local too)
	rm -rf .local

, := ,
