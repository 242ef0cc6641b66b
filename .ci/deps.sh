#!/bin/sh
# Installs the Debian packages that building, running and testing need, where any is missing, and says so.
# As root it uses apt-get; otherwise it tells the command. Quiet and quick where nothing is missing.
set -eu

# What `all` and `run` need, then what `test` and `bench` need beside.
packages="make gcc pkg-config apache2 apache2-dev libaprutil1-dbd-sqlite3 libjansson-dev libssl-dev
    libcurl4-openssl-dev libqrencode-dev openssl curl jq oathtool python3
    libapache2-mod-perl2 libcmocka-dev sqlite3 libsqlite3-dev python3-jwcrypto libjson-perl
    libio-socket-ssl-perl apache2-utils wrk procps util-linux"

missing=
for package in $packages; do
    [ -e "/var/lib/dpkg/info/$package.list" ] || ls "/var/lib/dpkg/info/$package":*.list > /dev/null 2>&1 ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get > /dev/null; then
    echo "These are missing, by their Debian names; install them your system's way:$missing" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Missing packages; install them with: sudo $install" >&2
    exit 1
fi
echo "Installing missing packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# A package of httpd may start the system's service: a project has no business with it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
log=$(mktemp)
if ! { apt-get update -q && $install; } > "$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    exit 1
fi
rm -f "$log"
