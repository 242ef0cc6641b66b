# SPDX-License-Identifier: Apache-2.0
# `make -f Makefile.apxs lint` (included there): .ci/lint.sh runs the steps below one after another. Each leaves a
# stamp a file below build/lint, so that a second run looks at what changed alone.

LINT := $(BUILD)/lint
LINT_CLANG ?= clang
LINT_FLAGS = $(CPPFLAGS_ALL) $(call as_system,-I$(INCLUDEDIR)) $(HTTPD_BINARY)

SHIPPED_SOURCES := $(LIBRARY_SOURCES) $(MODULE_SOURCES) $(CTL_SOURCES)
TEST_SOURCES := $(wildcard t/unit/*.c t/lib/*.c t/bench/*.c)
C_FILES := $(SHIPPED_SOURCES) $(TEST_SOURCES) $(wildcard src/*/*.h src/*/*/*.h t/*/*.h)
# By their first lines.
HASH := \#
SHELL_SCRIPTS := $(shell find .ci conf packaging src t -path t/logs -prune -o -type f \
    -exec awk 'FNR > 3 { nextfile } /^$(HASH)!.*[ \/](ba)?sh$$|^$(HASH) shellcheck shell=/ { print FILENAME }' {} +)

LINT_STEPS := format shell gcc clang analyzer tidy cppcheck
lint_stamps = $(patsubst %.c,$(LINT)/$(1)/%.stamp,$(2))
stamp = mkdir -p $(@D) && touch $@

.PHONY: $(addprefix lint-,$(LINT_STEPS))

lint:
	@APXS="$(APXS)" CC="$(CC)" LINT=$(LINT) MAKE="$(MAKE)" exec sh .ci/lint.sh $(LINT_STEPS)

lint-format: $(LINT)/format.stamp
$(LINT)/format.stamp: $(C_FILES) .clang-format
	clang-format --dry-run --Werror $(C_FILES) && $(stamp)

lint-shell: $(LINT)/shell.stamp
$(LINT)/shell.stamp: $(SHELL_SCRIPTS)
	shellcheck $(SHELL_SCRIPTS) && $(stamp)

# All that make builds, tests and bench too, has its warnings as errors.
lint-gcc: $(call object,$(SHIPPED_SOURCES) $(TEST_SOURCES))

lint-clang: $(call lint_stamps,clang,$(SHIPPED_SOURCES) $(TEST_SOURCES))
$(LINT)/clang/%.stamp: %.c
	@mkdir -p $(@D)
	$(LINT_CLANG) $(LINT_FLAGS) -std=gnu11 -O2 $(WARNINGS) -fsyntax-only -MMD -MP -MF $(@:.stamp=.d) -MT $@ $< && touch $@

# The two that follow paths through the code look at what runs in production: a test that leaks or takes NULL for
# granted fails, and that is all the harm. An object or a clang stamp is younger than all headers of its file.
# What .ci/analyzer.h says of functions can't be said where those are defined. -O2 cuts functions into pieces, between
# which gcc's analyzer loses its way.
ANALYZER_FLAGS = $(LINT_FLAGS) -std=gnu11 -O1 $(if $(filter $(OUTCOME_SOURCES),$<),,-include .ci/analyzer.h)
OUTCOME_SOURCES := $(shell grep -lrE '^const whk_outcome_t \*whk_(refuse|fail|jwk_refuse|session_error)\>' src --include='*.c')
# Takes an allocation for lost whose one reference is in what a pool or an atomic holds, which is where all of ours
# are; the tests look for leaks with SANITIZE.
ANALYZER_OFF := -Wno-analyzer-malloc-leak
lint-analyzer: $(call lint_stamps,analyzer,$(SHIPPED_SOURCES))
$(LINT)/analyzer/%.stamp: %.c $(BUILD)/%.o .ci/analyzer.h
	$(CC) $(ANALYZER_FLAGS) $(WARNINGS) -fanalyzer $(ANALYZER_OFF) -c -o /dev/null $< && $(stamp)

lint-tidy: $(call lint_stamps,tidy,$(SHIPPED_SOURCES))
$(LINT)/tidy/%.stamp: %.c $(LINT)/clang/%.stamp .clang-tidy .ci/analyzer.h
	clang-tidy --quiet $< -- $(ANALYZER_FLAGS) && $(stamp)

# Sees all files at once, and so a function that nobody calls. It keeps its own notes of what changed.
lint-cppcheck: $(LINT)/cppcheck.stamp
$(LINT)/cppcheck.stamp: $(C_FILES) .ci/cppcheck.txt
	@mkdir -p $(LINT)/cppcheck
	cppcheck --quiet --error-exitcode=1 --std=c11 --library=posix --cppcheck-build-dir=$(LINT)/cppcheck \
	    --enable=warning,performance,portability,unusedFunction --inline-suppr --suppressions-list=.ci/cppcheck.txt \
	    -Isrc -I. -D_GNU_SOURCE '-DAPR_STRINGIFY(x)=#x' '-DAPR_DECLARE_EXTERNAL_HOOK(...)=' '-DAPR_HOOK_STRUCT(...)=' \
	    '-DAPR_HOOK_LINK(...)=' '-DAPR_IMPLEMENT_EXTERNAL_HOOK_RUN_FIRST(...)=' \
	    $(SHIPPED_SOURCES) $(TEST_SOURCES) && $(stamp)
