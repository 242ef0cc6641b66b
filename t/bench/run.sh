#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ratios of things run in turn on this machine: absolute numbers mean nothing. Everything is on
# loopback and ends by itself. `make -f Makefile.apxs bench` calls it with what it needs in the
# environment: BUILD (the build folder), APXS, CC, CFLAGS_BENCH (with includes), LIBS_BENCH, LIBRARY
# (the objects of the library).
# Flags, libraries, objects and numbers come as lists.
# shellcheck disable=SC2086
set -eu

REGISTRATIONS=${REGISTRATIONS:-4000}
READS=${READS:-8}
ROUNDS=${ROUNDS:-3}
ENTERPRISES=${ENTERPRISES:-10000}
SIGNED=${SIGNED:-40000}
PARTS=${PARTS:-webhooks signing counting key_cache registrations}
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
work=$(mktemp -d /tmp/whk-bench.XXXXXX)
port=$((20000 + $$ % 20000))
pid=

stop() {
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        pid=
    fi
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

say() { printf '%-66s %s\n' "$1" "$2"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

modules=$("$APXS" -q LIBEXECDIR)
httpd=$("$APXS" -q SBINDIR)/$("$APXS" -q PROGNAME)
"$CC" $CFLAGS_BENCH -o "$work/raw_sqlite" t/bench/raw_sqlite.c -lsqlite3 -lpthread
"$CC" $CFLAGS_BENCH -o "$work/register" t/bench/register.c $LIBRARY $LIBS_BENCH -lpthread
"$CC" $CFLAGS_BENCH -fPIC -shared -o "$work/mod_bare.so" t/bench/mod_bare.c

"$CC" $CFLAGS_BENCH -o "$work/evp" t/bench/evp.c -lcrypto -lpthread

# What httpd signs with: the algorithm is its environment's.
SIGNING_ALG=EdDSA
export SIGNING_ALG
openssl genpkey -quiet -algorithm ED25519 -out "$work/EdDSA.pem"
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/ES256.pem"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/RS256.pem"
chmod 600 "$work"/*.pem

mkdir "$work/data"
user_lines=
if [ "$(id -u)" = 0 ]; then
    user_lines='User nobody
Group nogroup'
    chown nobody "$work/data"
    chmod 755 "$work"
fi

cat > "$work/httpd.conf" <<CONF
ServerRoot "$work"
DefaultRuntimeDir "$work"
ServerName localhost
Listen 127.0.0.1:$port
PidFile "$work/httpd.pid"
ErrorLog "$work/error.log"
$user_lines
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule dbd_module $modules/mod_dbd.so
LoadModule webhook_keys_module $here/$BUILD/mod_webhook_keys.so
LoadModule bare_module $work/mod_bare.so
LogLevel warn
KeepAlive On
MaxKeepAliveRequests 0
StartServers \${CHILDREN}
ServerLimit \${CHILDREN}
ThreadsPerChild \${THREADS}
ThreadLimit 64
MaxRequestWorkers \${WORKERS}
MinSpareThreads 1
MaxSpareThreads \${WORKERS}
DBDriver sqlite3
DBDParams $work/data/registry.db
DBDKeep 64
DBDMax 64
WebhookKeysSecretKeyFile $work/secret.key
WebhookKeysMaxActive 10000
<Location "/bare">
    SetHandler bare
</Location>
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName bench
    Require webhook-keys-admin
</Location>
WebhookKeysAlgorithms EdDSA ES256 RS256
WebhookKeysSigningKey bench $work/\${SIGNING_ALG}.pem
<Location "/signed">
    SetHandler bare
    WebhookKeysSign jws-detached Webhook-Signature
</Location>
<LocationMatch "^/hooks/(?<ENTERPRISE>[^/]+)">
    SetHandler bare
    AuthType WebhookSignature
    AuthName bench
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature jws-detached Webhook-Signature
    WebhookKeysMaxAge 86400
    Require valid-webhook
</LocationMatch>
CONF

start() {
    CHILDREN=$1 THREADS=$2 WORKERS=$(($1 * $2)) "$httpd" -DFOREGROUND -f "$work/httpd.conf" &
    pid=$!
    for _ in $(seq 100); do
        curl -fs -o /dev/null "http://127.0.0.1:$port/bare" && return 0
        sleep 0.1
    done
    cat "$work/error.log" >&2
    exit 1
}

ctl() { CHILDREN=1 THREADS=1 WORKERS=1 "$BUILD/whkctl" --httpd "$httpd" -f "$work/httpd.conf" "$@"; }
fresh_registry() {
    rm -f "$work"/data/registry.db*
    ctl init > /dev/null
    ctl enterprise add bench > /dev/null
    ctl enterprise add raw > /dev/null
    ctl otp enroll raw > /dev/null 2>&1
}

wanted() { case " $PARTS " in *" $1 "*) ;; *) return 1 ;; esac; }
rate() { wrk -t1 -c16 -d"$READS"s "$@" | awk '/Requests\/sec/ { print $2 }'; }
rss() { awk '/^RssAnon/ { print $2 }' "/proc/$(pgrep -P "$pid" | head -n 1)/status"; }
own_data() { [ "$(id -u)" != 0 ] || chown nobody "$work"/data/*; }

webhooks() {
    echo "Webhooks of 1 KiB, verified : 1 / (1 / bare handler reading them + 1 / EVP_DigestVerify)"
    fresh_registry
    for alg in ES256 EdDSA RS256; do
        python3 t/bench/webhooks.py keys "$work/data/registry.db" "$work/secret.key" bench "$alg" 64 4096 "$work/$alg"
    done
    own_data
    start 2 32
    for alg in ES256 EdDSA RS256; do
        ratios=
        for _ in $(seq "$ROUNDS"); do
            bare=$(WEBHOOKS=$work/$alg rate -s t/bench/webhooks.lua "http://127.0.0.1:$port/bare")
            evp=$("$work/evp" "$alg" "$(nproc)" "${READS}000")
            verified=$(WEBHOOKS=$work/$alg rate -s t/bench/webhooks.lua "http://127.0.0.1:$port/hooks/bench")
            limit=$(awk -v a="$bare" -v b="$evp" 'BEGIN { printf "%.0f", 1 / (1 / a + 1 / b) }')
            ratios="$ratios $(ratio "$verified" "$limit")"
            say "  $alg: $verified : $limit a second (bare $bare, EVP $evp)" "$(ratio "$verified" "$limit")"
        done
        say "$alg, median ratio (at least 0.80 now)" "$(median $ratios)"
    done
    stop
}

# Ticks of the processor that httpd and its children have taken, 100 a second.
ticks() {
    for child in "$pid" $(pgrep -P "$pid"); do
        awk '{ print $14 + $15 }' "/proc/$child/stat"
    done | awk '{ sum += $1 } END { print sum }'
}

# Microseconds of httpd's for one of these requests of 1 KiB.
cost() {
    before=$(ticks)
    ab -q -k -c 8 -n "$SIGNED" -p "$work/body" -T application/json "http://127.0.0.1:$port/$1" > "$work/ab"
    grep -q 'Non-2xx' "$work/ab" && exit 1
    after=$(ticks)
    awk -v t="$((after - before))" -v n="$SIGNED" 'BEGIN { printf "%.1f", t * 10000 / n }'
}

signing() {
    echo "Requests of 1 KiB, signed : what signing adds to httpd's processor time / one EVP_DigestSign"
    fresh_registry
    own_data
    head -c 1024 /dev/zero | tr '\0' x > "$work/body"
    for SIGNING_ALG in ES256 EdDSA RS256; do
        start 2 32
        ratios=
        for _ in $(seq "$ROUNDS"); do
            bare=$(cost bare)
            signed=$(cost signed)
            evp=$("$work/evp" "$SIGNING_ALG" 1 2000 sign | awk '{ printf "%.1f", 1000000 / $1 }')
            added=$(awk -v a="$signed" -v b="$bare" 'BEGIN { printf "%.1f", a - b }')
            ratios="$ratios $(ratio "$added" "$evp")"
            say "  $SIGNING_ALG: $added us more than $bare : $evp us" "$(ratio "$added" "$evp")"
        done
        say "$SIGNING_ALG, median ratio" "$(median $ratios)"
        stop
    done
    SIGNING_ALG=EdDSA
}

counting() {
    echo "What is counted of one webhook : one bare EVP_DigestVerify, in processor time"
    "$CC" $CFLAGS_BENCH -o "$work/counting" t/bench/counting.c $LIBRARY $LIBS_BENCH -lpthread
    for threads in 1 8; do
        ratios=
        for _ in $(seq "$ROUNDS"); do
            counted=$("$work/counting" "$threads")
            evp=$("$work/evp" RS256 1 1000 | awk '{ printf "%.1f", 1000000000 / $1 }')
            ratios="$ratios $(ratio "$counted" "$evp")"
            say "  $threads threads: $counted : $evp ns (RS256, the quickest)" "$(ratio "$counted" "$evp")"
        done
        say "$threads threads, median ratio (at most 0.01)" "$(median $ratios)"
    done
}

key_cache() {
    echo "Resident memory of a child that knows $ENTERPRISES enterprises of 10 keys"
    fresh_registry
    python3 t/bench/webhooks.py many "$work/data/registry.db" "$work/secret.key" "$ENTERPRISES" 10 "$work/many"
    own_data
    start 1 16
    ab -q -k -c 8 -n 20000 "http://127.0.0.1:$port/bare" > /dev/null
    before=$(rss)
    WEBHOOKS=$work/many ENTERPRISES=1 wrk -t1 -c8 -d20s -s t/bench/webhooks.lua "http://127.0.0.1:$port/" > /dev/null
    after=$(rss)
    say "  grew from $before to $after KiB (at most 65536 KiB)" "$((after - before)) KiB"
    stop
}

if wanted webhooks; then webhooks; fi
if wanted signing; then signing; fi
if wanted counting; then counting; fi
if wanted key_cache; then key_cache; fi
if wanted scale; then BARE="$work/mod_bare.so" python3 t/bench/scale.py; fi
wanted registrations || exit 0

echo "Registrations, durable, through httpd : the same two transactions through SQLite's C API"
for connections in 1 32; do
    ratios=
    waits=
    count=$REGISTRATIONS
    [ "$connections" = 1 ] && count=$((REGISTRATIONS / 2))
    for _ in $(seq "$ROUNDS"); do
        fresh_registry
        raw=$("$work/raw_sqlite" "$work/data/registry.db" "$connections" "$count")
        own_data
        start 2 32
        result=$("$work/register" "$work/data/registry.db" "$work/secret.key" "$port" bench "$connections" "$count")
        stop
        set -- $result
        ratios="$ratios $(ratio "$1" "$raw")"
        waits="$waits $(ratio "$3" "$2")"
        say "  $connections connections: $1 : $raw a second" "$(ratio "$1" "$raw")"
        say "    longest request : median request ($3 : $2 us)" "$(ratio "$3" "$2")"
    done
    say "$connections connections, median ratio (at least 0.50 now)" "$(median $ratios)"
    say "$connections connections, median of longest : median (at most 20)" "$(median $waits)"
done

echo "Reads through httpd : a bare handler of the same httpd"
fresh_registry
ctl admin add bench reader > /dev/null
token=$(ctl token issue reader 2> /dev/null)
start 2 32
"$work/register" "$work/data/registry.db" "$work/secret.key" "$port" bench 1 100 > /dev/null
keys="http://127.0.0.1:$port/api/policy/v1/enterprises/bench/webhooks/keys"
key_id=$(curl -s -H "Authorization: Bearer $token" "$keys?limit=1" | jq -r '.keys[0].keyId')
bare=$(rate "http://127.0.0.1:$port/bare")
one=$(rate -H "Authorization: Bearer $token" "$keys/$key_id")
list=$(rate -H "Authorization: Bearer $token" "$keys?limit=10")
say "  one key: $one : $bare a second" "$(ratio "$one" "$bare")"
say "  list of 10: $list : $bare a second" "$(ratio "$list" "$bare")"
stop

echo "Resident memory of a child, before and after 100,000 requests"
start 1 16
ab -q -k -c 8 -n 20000 -H "Authorization: Bearer $token" "$keys?limit=10" > /dev/null
before=$(rss)
ab -q -k -c 8 -n 50000 -H "Authorization: Bearer $token" "$keys?limit=10" > /dev/null
ab -q -k -c 8 -n 25000 -H "Authorization: Bearer $token" "$keys/$key_id" > /dev/null
ab -q -k -c 8 -n 25000 -m DELETE -H "Authorization: Bearer $token" "$keys/$key_id" > /dev/null
after=$(rss)
say "  grew from $before to $after KiB (at most 1024 KiB)" "$((after - before)) KiB"
stop
