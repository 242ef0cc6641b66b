#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the tests, as an ordinary user: Apache::Test's httpd for the files that share one, then prove, whose
# summary ends the output. TESTS: the files to run, all where it is empty; t/unit/test_*.c stands for its program.
set -eu

APXS=${APXS:-apxs}
BUILD=${BUILD:-build}
export APXS BUILD
root=$(pwd)
httpd=$("$APXS" -q SBINDIR)/$("$APXS" -q PROGNAME)
modules=$("$APXS" -q LIBEXECDIR)
WHK_TEST_PORT=$(perl -It/lib -MWHK::Server -e 'print WHK::Server::free_port()')
export WHK_TEST_PORT

# DB: where the registries of the tests that speak HTTP are: sqlite, pgsql, mysql or galera. Their servers are started by
# the first that wants them (t/lib/WHK/Database.pm).
DB=${DB:-sqlite}
case $DB in
sqlite | pgsql | mysql | galera) ;;
*)
    echo "DB is \"$DB\", but must be sqlite, pgsql, mysql or galera" >&2
    exit 1
    ;;
esac
WHK_DATABASES=$(mktemp -d /tmp/whk-databases.XXXXXX)
export DB WHK_DATABASES

rm -rf t/logs
mkdir -p t/logs t/htdocs

case $BUILD in
*-sanitize)
    WHK_HTTPD_PLAIN=$httpd
    WHK_SANITIZER_LOGS=$root/t/logs/sanitizer
    mkdir "$WHK_SANITIZER_LOGS"
    # httpd's main thread never frees this.
    echo leak:ap_thread_main_create > "$WHK_SANITIZER_LOGS/suppressions"
    # A child ends with what it has from its parent, whose pools it does not destroy.
    echo leak:whk_signing_keys_check >> "$WHK_SANITIZER_LOGS/suppressions"
    httpd=$root/t/lib/sanitized_httpd.sh
    # whkctl and the unit programs end with their memory.
    ASAN_OPTIONS=detect_leaks=0
    export WHK_HTTPD_PLAIN WHK_SANITIZER_LOGS ASAN_OPTIONS
    ;;
esac
WHK_HTTPD=$httpd
export WHK_HTTPD

if [ -z "${TESTS:-}" ]; then
    TESTS=$(echo t/*.t t/style/*.t t/openapi/answers.t)
    # Where the registries are means nothing to these.
    if [ "$DB" != sqlite ]; then
        TESTS=$(for file in t/*.t t/openapi/answers.t; do case $file in t/unit.t | t/store_databases.t | t/database_servers.t | t/demo_databases.t | t/scale_registry.t) ;; *) echo "$file" ;; esac; done)
    fi
fi
TESTS=$(echo "$TESTS" | sed "s,t/unit/\(test_[a-z0-9_]*\)\.c,$BUILD/unit/\1,g")
# What the API answers to the others is kept for this one, which runs last.
case $TESTS in
*t/openapi/answers.t*)
    WHK_RECORD=$root/t/logs/api
    mkdir "$WHK_RECORD"
    export WHK_RECORD
    ;;
esac
# shellcheck disable=SC2086 # a list of names
set -- $TESTS
for file in "$@"; do
    if [ ! -f "$file" ]; then
        echo "TESTS: there is no $file" >&2
        exit 1
    fi
done

stop() { [ -z "$shares" ] || perl t/TEST -stop-httpd > t/logs/stop.log 2>&1 || true; }
# shellcheck disable=SC2317 # the trap calls it
end() {
    stop
    for file in "$WHK_DATABASES"/*/supervisor.pid; do
        if [ -s "$file" ]; then
            pid=$(cat "$file")
            kill -TERM "$pid" 2> /dev/null || true
            while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
        fi
        # What the servers had to say, for whoever looks why a test failed.
        folder=${file%/*}
        for log in "$folder"/node*.log; do
            [ ! -e "$log" ] || cp "$log" "$root/t/logs/${folder##*/}_${log##*/}"
        done
    done
    rm -rf "$WHK_DATABASES"
}
shares=
trap end EXIT
trap 'exit 1' INT TERM
share_httpd() {
    shares=1
    driver=sqlite3
    params=$root/t/logs/registry.db
    if [ "$DB" != sqlite ]; then
        driver=$(perl -It/lib -MWHK::Database -e 'print WHK::Database->shared($ENV{DB})->driver')
        params=$(perl -It/lib -MWHK::Database -e 'print WHK::Database->shared($ENV{DB})->params')
    fi
    cat > t/conf/registry.conf << CONF
<IfModule !mod_dbd.c>
    LoadModule dbd_module $modules/mod_dbd.so
</IfModule>
LoadModule webhook_keys_module $root/$BUILD/mod_webhook_keys.so
DBDriver $driver
DBDParams "$params"
DBDKeep 32
DBDMax 32
WebhookKeysSecretKeyFile $root/t/logs/secret.key
AllowEncodedSlashes NoDecode
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
</Location>
CONF
    # whkctl makes what the configuration names before httpd starts with it.
    if ! {
        perl t/TEST -configure -port "$WHK_TEST_PORT" -servername 127.0.0.1 -httpd "$httpd" -apxs "$(command -v "$APXS")" &&
            "$BUILD/whkctl" --httpd "$httpd" -f t/conf/httpd.conf init && perl t/TEST -start-httpd
    } > t/logs/start.log 2>&1; then
        cat t/logs/start.log t/logs/error_log >&2
        exit 1
    fi
}
if grep -q 'WHK::Server->shared' "$@"; then share_httpd; fi

status=0
perl -It/lib "$(command -v prove)" -It/lib --harness WHK::Harness -j"${JOBS:-4}" --timer "$@" || status=$?
if [ -n "${WHK_SANITIZER_LOGS:-}" ]; then
    stop
    found=
    for file in "$WHK_SANITIZER_LOGS"/sanitizer.*; do
        grep -qsE 'whk_|AddressSanitizer: [A-Za-z-]+ on|runtime error' "$file" || continue
        # httpd's own: see t/lib/WHK/Backtraces.pm.
        if grep -q '#0 .* apr_os_sock_get ' "$file" && grep -q '#1 .*/mod_mpm_' "$file"; then continue; fi
        found="$found $file"
    done
    if [ -n "$found" ]; then
        # shellcheck disable=SC2086 # a list of names
        cat $found >&2
        echo 'The sanitizers found what stands above.' >&2
        status=1
    fi
fi
exit "$status"
