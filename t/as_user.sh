#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs test`: runs t/run.sh, as root over a copy and as an unprivileged user,
# since Apache::Test refuses root.
set -eu

if [ "$(id -u)" != 0 ]; then
    exec sh t/run.sh
fi

build=${BUILD:-build}
copy=$(mktemp -d /tmp/webhook-keys-test.XXXXXX)
keep=1
# shellcheck disable=SC2317 # the trap calls it
finish() {
    if [ "$keep" = 0 ]; then
        rm -rf "$copy"
    else
        echo "The tree that was tested, with its logs, is in $copy" >&2
    fi
}
trap finish EXIT
trap 'exit 1' INT TERM
mkdir "$copy/tree"
# Of what was built, what runs.
tar -cf - --exclude=./.git --exclude=./run --exclude=./t/logs --exclude='./build*' . | tar -xf - -C "$copy/tree"
mkdir "$copy/tree/$build"
for file in mod_webhook_keys.so mod_list_directives.so mod_webhook_keys.5 whkctl make_registry unit; do
    if [ -e "$build/$file" ]; then cp -R "$build/$file" "$copy/tree/$build"; fi
done
chown -R nobody:nogroup "$copy"
chmod 755 "$copy"
cd "$copy/tree"
status=0
setpriv --reuid=nobody --regid=nogroup --clear-groups \
    env HOME="$copy" USER=nobody LOGNAME=nobody TMPDIR=/tmp sh t/run.sh || status=$?
[ "$status" != 0 ] || keep=0
exit "$status"
