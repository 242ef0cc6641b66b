#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# httpd with the sanitizers' runtime, for a module that was built with SANITIZE. What they find goes to files
# sanitizer.* in WHK_SANITIZER_LOGS, which t/run.sh reads at the end.
set -eu
case $BUILD in
*-clang-*) runtime=$(clang -print-file-name="libclang_rt.asan-$(uname -m).so") ;;
*) runtime="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" ;;
esac
LD_PRELOAD=$runtime${LD_PRELOAD:+ $LD_PRELOAD}
ASAN_OPTIONS="detect_leaks=1:exitcode=0:handle_segv=2:handle_abort=2:handle_sigbus=2:allow_addr2line=1:log_path=$WHK_SANITIZER_LOGS/sanitizer"
UBSAN_OPTIONS="print_stacktrace=1:log_path=$WHK_SANITIZER_LOGS/sanitizer"
LSAN_OPTIONS="suppressions=$WHK_SANITIZER_LOGS/suppressions:print_suppressions=0"
export LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
exec "$WHK_HTTPD_PLAIN" "$@"
