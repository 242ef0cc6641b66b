#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs lint`: the steps that are its arguments, each a target lint-STEP of .ci/lint.mk, with
# one line a step. Goes on after one that found something, and ends non-zero then. Environment: MAKE, APXS, CC, LINT.
set -u

# Whoever called make may have given it jobs of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$LINT"
failed=
for step in "$@"; do
    start=$(date +%s)
    log=$LINT/$step.log
    if "$MAKE" -f Makefile.apxs DEPS=no APXS="$APXS" CC="$CC" --keep-going --silent "lint-$step" > "$log" 2>&1; then
        result=fine
    else
        result='found something'
        failed="$failed $step"
        # What make and the tools say of themselves is not it.
        grep -vE "^make|^(CC|LINK|EMBED) |^[0-9]+ (warnings|errors)? ?(and [0-9]+ errors? )?generated|^Suppressed [0-9]+ warn" "$log"
    fi
    printf 'lint: %-9s %s (%s s)\n' "$step" "$result" $(($(date +%s) - start))
done
[ -n "$failed" ] || exit 0
for step in $failed; do
    echo "lint: mend what stands above, and look again: make -f Makefile.apxs lint-$step"
done >&2
exit 1
