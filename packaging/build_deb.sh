#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs deb`. build_deb.sh TO: the Debian package of this tree, below TO. The same tree
# gives the same bytes, wherever and whenever it is built.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
to=${1:?where the package goes}
mkdir -p "$to"
to=$(cd "$to" && pwd)
find "$to" -mindepth 1 -maxdepth 1 \( -name 'libapache2-mod-webhook-keys*' -o -name source -o -name build.log \) -exec rm -rf {} +

# The copy need not have a .git. What a build or a run left behind is none of the sources.
umask 022
mkdir "$to/source"
(cd "$root" && tar -cf - --exclude='./.git' --exclude='./run' --exclude='./build*' --exclude='./t/logs' --exclude='./t/htdocs' \
    --exclude='node_modules' --exclude='*~' .) | tar -xf - -C "$to/source" --no-same-owner
cp -R "$root/packaging/debian" "$to/source/debian"
# Of a checkout they are of when it was made.
find "$to/source" -exec touch -h -d "$(dpkg-parsechangelog -l "$to/source/debian/changelog" -S Date)" {} +

# make's own variables are not those of the make in there, and nothing else of this environment has a say either.
cd "$to/source"
if ! env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 TZ=UTC \
    ${DEB_BUILD_OPTIONS:+"DEB_BUILD_OPTIONS=$DEB_BUILD_OPTIONS"} \
    dpkg-buildpackage -b -us -uc > "$to/build.log" 2>&1; then
    tail -n 30 "$to/build.log" >&2
    echo "dpkg-buildpackage failed; its whole output is in $to/build.log" >&2
    exit 1
fi
rm -rf "$to/source"
