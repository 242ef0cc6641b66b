#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing, and says so: those that building and running need, and with
# the argument `test` those of tests and bench beside, with `bench` what draws the bench's plot, with `docs` what makes the
# site, with `deb` and `test-deb` what builds and tests the packages, with `pgsql`, `mysql` and `galera` those of a demo on such a
# database, with `lint` and `clang` those of lint, and clang. As root it uses apt-get; otherwise it tells the command.
# Quiet and quick where nothing is missing.
set -eu

packages="make gcc libc6-dev pkg-config apache2 apache2-dev libaprutil1-dbd-sqlite3 libjansson-dev libssl-dev
    libcurl4-openssl-dev libqrencode-dev libcsv-dev openssl curl jq oathtool util-linux"
pgsql="postgresql postgresql-client libaprutil1-dbd-pgsql"
mysql="mariadb-server mariadb-client libaprutil1-dbd-mysql"
galera="$mysql galera-4 rsync"
docs="python3-sphinx python3-myst-parser furo node-normalize.css groff-base"
for purpose in "$@"; do
    case $purpose in
    pgsql) packages="$packages $pgsql" ;;
    mysql) packages="$packages $mysql" ;;
    galera) packages="$packages $galera" ;;
    test)
        packages="$packages $pgsql $galera $docs redis-server memcached libapache2-mod-perl2 libapache2-mod-qos libcmocka-dev sqlite3 libsqlite3-dev python3 python3-jwcrypto
            python3-cryptography php-cli libjson-perl libio-socket-ssl-perl apache2-utils wrk procps prometheus fail2ban slapd libapache2-mod-auth-openidc"
        # Node.js of another origin brings an npm of its own, and does not go together with Debian's.
        if ! command -v node > /dev/null || ! command -v npm > /dev/null; then packages="$packages nodejs npm"; fi
        ;;
    docs) packages="$packages $docs" ;;
    bench) packages="$packages gnuplot-nox" ;;
    deb) packages="$packages debhelper dpkg-dev" ;;
    test-deb) packages="$packages debhelper dpkg-dev lintian debootstrap rpmlint rpm iproute2" ;;
    lint) packages="$packages libcmocka-dev libsqlite3-dev clang clang-tidy clang-format cppcheck shellcheck" ;;
    clang) packages="$packages clang" ;;
    esac
done

installed=
if command -v dpkg-query > /dev/null; then
    # shellcheck disable=SC2086 # a list of names
    installed=" $(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2> /dev/null |
        sed -n 's/ installed$//p' | tr '\n' ' ') "
fi
missing=
for package in $packages; do
    case $installed in
    *" $package "*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
    echo "This is no Debian. What is needed, by Debian's names:$missing" >&2
    echo "Install it your system's way, and give make DEPS=no to skip this question." >&2
    exit 1
fi
install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" != 0 ]; then
    echo "Missing packages; install them with: sudo $install" >&2
    exit 1
fi
echo "Installing missing packages:$missing"
# What Debian enables as it is installed would be in the way of the system's httpd, and mod_qos of Debian 12 does not even load.
off=/var/lib/apache2/module/disabled_by_admin
marked=
for module in qos:libapache2-mod-qos auth_openidc:libapache2-mod-auth-openidc perl:libapache2-mod-perl2; do
    case " $missing " in
    *" ${module#*:} "*)
        mkdir -p "$off"
        [ -e "$off/${module%%:*}" ] || marked="$marked $off/${module%%:*}"
        touch "$off/${module%%:*}"
        ;;
    esac
done
# Nor is it for a project to say what is started with the machine: what was not there before is not.
services() { systemctl list-unit-files --type=service --state=enabled --no-legend 2> /dev/null | awk '{ print $1 }' | sort; }
before=$(services)
export DEBIAN_FRONTEND=noninteractive
# A package of httpd may start the system's service: a project has no business with it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
log=$(mktemp)
if ! { apt-get update -q && $install; } > "$log" 2>&1; then
    # shellcheck disable=SC2086 # a list of names
    [ -z "$marked" ] || rm -f $marked
    tail -n 30 "$log" >&2
    echo "apt-get failed; its whole output is in $log" >&2
    exit 1
fi
rm -f "$log"
for service in $(services); do
    case "$before" in
    *"$service"*) ;;
    *) systemctl disable "$service" > /dev/null 2>&1 && echo "Not started with the machine: $service" ;;
    esac
done
