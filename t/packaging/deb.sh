#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs test-deb`: the Debian package is the same bytes when it is built twice, and lintian has nothing
# to say; in a fresh system, which debootstrap makes from wherever apt gets this one's packages, it is installed, used,
# upgraded, removed and purged (deb_session.sh). SUITE: another release, in which it is then built as well; with MIRROR and
# KEYRING, where its packages are and what they are signed by, one of Ubuntu. VALID_UNTIL=no: the mirror is one of a day that
# is over, which apt refuses of a release that goes on changing.
# Needs root, and a kernel that lets root make namespaces: what httpd listens on and whatever is started in there is in
# namespaces of its own, which end with this script.
set -eu
umask 022

root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC1091 # the system's
here=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
SUITE=${SUITE:-$here}
package=libapache2-mod-webhook-keys
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

failed() {
    echo "test-deb: $1" >&2
    exit 1
}
ok() { echo "ok: $1 ($(($(date +%s) - begun)) s)"; }
begun=$(date +%s)
[ "$(id -u)" = 0 ] || failed 'only root can make a system by debootstrap'
mkdir -p "$root/build"
work=$(mktemp -d "${TMPDIR:-/tmp}/webhook-keys-test-deb.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

# quietly COMMAND...: what it says is shown where it fails
quietly() {
    if ! "$@" > "$work/said" 2>&1; then
        tail -n 40 "$work/said" >&2
        return 1
    fi
}

system=$work/system
# in_system SECONDS NETWORK COMMAND...: NETWORK is host, or --net for one of its own. /proc is mounted for that one command.
# shellcheck disable=SC2016 # the inner shell's
in_system() {
    seconds=$1 network=$2
    shift 2
    [ "$network" != host ] || network=
    # unshare takes no notice of SIGTERM.
    timeout --foreground -k 10 "$seconds" unshare ${network:+"$network"} --mount --pid --fork --kill-child -- sh -c '
        system=$1
        shift
        mount -t proc proc "$system/proc"
        [ -z "$1" ] || ip link set lo up
        shift
        exec chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
    ' sh "$system" "$network" "$@"
}

unshare --net --mount --pid --fork --kill-child true ||
    failed 'this kernel, or the container around, lets nobody make namespaces (unshare above): nothing was tested'

if [ "$SUITE" = "$here" ]; then
    sh "$root/packaging/build_deb.sh" "$work/one" || failed 'it is not built'
    ! grep -nE '^[^ ]+:[0-9]+:[0-9]+: warning: ' "$work/one/build.log" || failed 'the compiler warns of what stands above'
    ok 'it is built'
    # Another folder, by somebody with another way of working.
    (umask 077 && LC_ALL=C TZ=Pacific/Auckland sh "$root/packaging/build_deb.sh" "$work/another/folder") || failed 'it is not built twice'
    for deb in "$work"/one/*.deb; do
        cmp -s "$deb" "$work/another/folder/${deb##*/}" || failed "two builds of ${deb##*/} differ"
    done
    ok "two builds give the same bytes: $(cd "$work/one" && sha256sum "$package"_*.deb | cut -c 1-16)"
    quietly timeout 300 lintian --allow-root --fail-on error,warning,info --display-info "$work"/one/*.changes || failed 'lintian does not like it'
    ok 'lintian finds nothing'
    quietly timeout 60 rpmlint "$root/packaging/rpm" || failed 'rpmlint does not like the spec'
    grep -q '1 specfiles checked; 0 errors, 0 warnings' "$work/said" || { cat "$work/said" && failed 'rpmlint does not like the spec'; }
    # What httpd-devel would define.
    quietly timeout 60 rpmspec -P -D '_httpd_moddir /m' -D '_httpd_modconfdir /c' -D '_httpd_apxs apxs' -D '_httpd_mmn 1' "$root/packaging/rpm/mod_webhook_keys.spec" ||
        failed 'rpm does not read the spec'
    ok 'rpmlint finds nothing, and rpm reads the spec'
fi

# ---- a fresh system

# What apt is told on this machine it is told there: where the distribution's packages are, and by which proxy.
# shellcheck disable=SC2016 # apt's
sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
        awk -v suite="$1" '$4 ~ /^(Debian|Ubuntu|)$/ && ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") { print $1, $2, $3 }' | sort -u
}
mirror=${MIRROR:-}
[ -n "$mirror" ] || mirror=$(sources "$here" | awk -v suite="$here" '$2 == suite { print $1; exit }')
[ -n "$mirror" ] || failed "apt of this machine knows no mirror of $here"
components=main,universe
[ -n "${MIRROR:-}" ] || components=$(sources "$here" | awk -v suite="$here" '$2 == suite { print $3 }' | sort -u | paste -s -d ,)
http_proxy=$(apt-config shell proxy Acquire::http::Proxy | sed "s/^proxy='\(.*\)'$/\1/")
https_proxy=$(apt-config shell proxy Acquire::https::Proxy | sed "s/^proxy='\(.*\)'$/\1/")
[ -z "$http_proxy" ] || export http_proxy
[ -z "$https_proxy" ] || export https_proxy

# It takes minutes, and is kept for a day, for whoever works on the package.
base=$root/build/test-deb-$SUITE.tar
find "$root/build" -maxdepth 1 -name 'test-deb-*.tar' -mmin +1440 -exec rm -f {} +
mkdir "$system"
if [ -e "$base" ]; then
    tar -C "$system" -xpf "$base"
    ok "a fresh system of $SUITE, of $base"
else
    # One that is younger than debootstrap is made as unstable is.
    scripts=/usr/share/debootstrap/scripts
    script=$scripts/$SUITE
    [ -e "$script" ] || script=$scripts/${MIRROR:+gutsy}
    [ -f "$script" ] || script=$scripts/sid
    bootstrap() {
        quietly timeout -k 10 400 unshare --mount -- debootstrap --variant=minbase "--components=$components" ${KEYRING:+"--keyring=$KEYRING"} "$SUITE" "$system" "$mirror" "$script"
    }
    # A download may fail.
    bootstrap || { rm -rf --one-file-system "$system" && mkdir "$system" && bootstrap; } ||
        failed "debootstrap makes no system of $SUITE here: it needs mknod, mount and the mirror"
    tar -C "$system" --exclude='./var/cache/apt/archives/*.deb' -cpf "$base.new" . && mv "$base.new" "$base"
    ok "a fresh system of $SUITE, by debootstrap"
fi
if [ "$SUITE" = "$here" ]; then
    sources "$here" | sed 's/^/deb /' > "$system/etc/apt/sources.list"
fi
apt-config dump 2> /dev/null | grep -E '^Acquire::[a-z]+::(Proxy|Verify|CaInfo)' > "$system/etc/apt/apt.conf.d/90host" || true
for file in /etc/resolv.conf /etc/hosts; do
    [ ! -e "$file" ] || cp -L "$file" "$system$file"
done
printf 'Dir::Cache::pkgcache "";\nAPT::Install-Recommends "false";\nAcquire::Retries "3";\n' > "$system/etc/apt/apt.conf.d/91test"
[ "${VALID_UNTIL:-}" != no ] || echo 'Acquire::Check-Valid-Until "false";' >> "$system/etc/apt/apt.conf.d/91test"
# Until it has a network of its own nothing is started in there.
printf '#!/bin/sh\nexit 101\n' > "$system/usr/sbin/policy-rc.d"
chmod 755 "$system/usr/sbin/policy-rc.d"
quietly in_system 200 host apt-get update -q || failed 'apt in there gets no lists'

if [ "$SUITE" != "$here" ]; then
    mkdir -p "$system/build/tree"
    (cd "$root" && tar -cf - --exclude='./.git' --exclude='./run' --exclude='./build*' --exclude='./t/logs' .) |
        tar -xf - -C "$system/build/tree" --no-same-owner
    cp -R "$root/packaging/debian" "$system/build/debian"
    quietly in_system 500 host sh -c 'apt-get install -y -q dpkg-dev && apt-get build-dep -y -q /build' || failed "$SUITE has not what it takes to build it"
    rm -rf "$system/build/debian"
    in_system 600 --net sh /build/tree/packaging/build_deb.sh /build/out || failed "it is not built on $SUITE"
    cp -R "$system/build/out" "$work/one"
    rm -rf "$system/build"
    ! grep -nE '^[^ ]+:[0-9]+:[0-9]+: warning: ' "$work/one/build.log" || failed 'the compiler warns of what stands above'
    # shellcheck disable=SC2016 # dpkg's
    ok "it is built on $SUITE, by $(in_system 30 --net dpkg-query -W -f '${Package} ${Version}, ' gcc apache2-dev | sed 's/, $//')"
fi

# The next release, with another example: dpkg has to ask what becomes of one that was edited.
dpkg-deb -R "$work/one/$package"_*.deb "$work/next"
version=$(sed -n 's/^Version: //p' "$work/next/DEBIAN/control")
sed -i "s/^Version: .*/Version: $version+next/" "$work/next/DEBIAN/control"
echo '# Of the next release.' >> "$work/next/etc/apache2/mods-available/webhook_keys.conf"
mkdir "$system/debs"
cp "$work/one/$package"_*.deb "$system/debs/this.deb"
quietly timeout 60 dpkg-deb --root-owner-group -b "$work/next" "$system/debs/next.deb"
cp "$root/packaging/debian/tests/registry" "$root/t/packaging/deb_session.sh" "$system/debs"
needs="apache2, bash, procps, curl, jq, oathtool, openssl, $(dpkg-deb -f "$system/debs/this.deb" Depends)"
quietly in_system 400 host apt-get satisfy -y -q "$needs" || failed 'what it depends on is not installed'
# From here on a package may start and restart what it likes, as where there is an init.
printf '#!/bin/sh\nexit 0\n' > "$system/usr/sbin/policy-rc.d"
ok 'what it depends on is there'
in_system 300 --net sh /debs/deb_session.sh || failed 'see above'
ok 'installed, used, upgraded, removed and purged'
