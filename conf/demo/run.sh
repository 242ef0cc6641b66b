#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs run`: a registry with a demo enterprise, served in the foreground.
# Environment: RUN_DIR, PORT, RUN_CONF (an extra file of directives); DB (sqlite, pgsql, mysql, galera), NODES (how many
# httpd instances, on PORT, PORT+1 ...); CUSTOMER (the URL that /out sends to, instead of the demo's own customer); HTTPD (that
# of APXS); BUILD and APXS from the Makefile.
set -eu
umask 022

root=$(pwd -P)
port=${PORT:-8080}
APXS=${APXS:-apxs}
build=$root/${BUILD:-build}
enterprise=acme
user=admin@example.com
httpd=${HTTPD:-$("$APXS" -q SBINDIR)/$("$APXS" -q PROGNAME)}
modules_dir=$("$APXS" -q LIBEXECDIR)

fail() {
    echo "run: $*" >&2
    exit 1
}

case $port in
'' | *[!0-9]* | ??????*) fail "PORT is \"$port\", but must be a number from 1 to 65535" ;;
esac
if [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then fail "PORT is \"$port\", but must be a number from 1 to 65535"; fi

case ${CUSTOMER:-http://127.0.0.1/} in
*[!A-Za-z0-9._~:/?%+,=-]* | http:///*) fail "CUSTOMER is \"$CUSTOMER\", but must be a URL, as http://127.0.0.1:9000/hook" ;;
http://?*) ;;
*) fail "CUSTOMER is \"$CUSTOMER\", but must be an http URL, as http://127.0.0.1:9000/hook" ;;
esac

db=${DB:-sqlite}
case $db in
sqlite | pgsql | mysql | galera) ;;
*) fail "DB is \"$db\", but must be sqlite, pgsql, mysql or galera" ;;
esac
nodes=${NODES:-1}
case $nodes in
[1-9] | 1[0-6]) ;;
*) fail "NODES is \"$nodes\", but must be a number from 1 to 16" ;;
esac
if [ "$db" = sqlite ] && [ "$nodes" != 1 ]; then
    fail "DB=sqlite has one node: SQLite's file serves one machine, whose httpd keeps its writers apart. For NODES=$nodes name DB=pgsql, mysql or galera"
fi
if [ "$((port + nodes - 1))" -gt 65535 ]; then fail "PORT is $port, which leaves no $nodes ports up to 65535"; fi

# ---- the folder ----

# As root, httpd's children work as another user, who has to get at the folder.
child=
if [ "$(id -u)" = 0 ]; then
    child=nobody
    id www-data > /dev/null 2>&1 && child=www-data
    group=$(id -gn "$child")
fi

reachable() { [ -z "$child" ] || setpriv --reuid="$child" --regid="$group" --clear-groups test -x "$1" 2> /dev/null; }

if [ -n "${RUN_DIR:-}" ]; then
    mkdir -p "$RUN_DIR"
    run=$(cd "$RUN_DIR" && pwd -P)
    reachable "$run" || fail "RUN_DIR is \"$RUN_DIR\", where $child, as whom httpd's children run, can't go: name another" \
        "folder, or chmod a+x the ones on the way to it"
else
    # What /var/tmp held may have been tidied away since.
    [ ! -L run ] || [ -d run ] || rm -f run
    mkdir -p run
    if ! reachable "$root/run"; then
        [ -L run ] || rmdir run 2> /dev/null ||
            fail "$child, as whom httpd's children run, can't go to $root/run, and it is not empty: move it away, or set RUN_DIR"
        rm -f run
        ln -s "$(mktemp -d /var/tmp/webhook-keys-run.XXXXXX)" run
        chmod 755 run/
        echo "$child, as whom httpd's children run, can't go to $root: run/ leads to $(readlink run)"
    fi
    run=$(cd run && pwd -P)
fi
[ -w "$run" ] || fail "$run belongs to somebody else: set RUN_DIR to a folder of your own"
case $run$build in
*[\"\\\$]*) fail "a path with a quote, a backslash or a dollar sign can't stand in httpd's configuration: $run" ;;
esac

pid=$(cat "$run/httpd.pid" 2> /dev/null || true)
if [ -n "$pid" ] && tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline" | grep -qF -- "-f $run/httpd.conf "; then
    fail "the registry in $run is served already, by process $pid: stop that one, or set RUN_DIR"
fi
all_nodes=$(seq 1 "$nodes")
port_of() { echo $((port + $1 - 1)); }
for node in $all_nodes; do
    answer=0
    curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$node")/" || answer=$?
    [ "$answer" = 7 ] || fail "port $(port_of "$node") of 127.0.0.1 is taken: name another, as PORT=18080 make -f Makefile.apxs run"
done

# Each database has its own data, and its own demo.env beside that.
data=$run/data
[ "$db" = sqlite ] || data=$run/data-$db
mkdir -p "$data"
if [ "$db" = sqlite ]; then
    [ -z "$child" ] || chown "$child:$group" "$data"
    chmod 750 "$data"
fi

# What httpd signs with, and what the demo's customer does: the one is read by httpd's parent, the other by a child.
if [ ! -s "$run/out-1.pem" ]; then
    (umask 077 && openssl genpkey -algorithm ed25519 -out "$run/out-1.pem.new") && mv "$run/out-1.pem.new" "$run/out-1.pem"
fi
mkdir -p "$run/customer"
for file in key.pem kid; do
    [ -e "$run/customer/$file" ] || (umask 077 && : > "$run/customer/$file")
    [ -z "$child" ] || chown "$child:$group" "$run/customer/$file"
done
[ -z "$child" ] || chown "$child:$group" "$run/customer"
chmod 700 "$run/customer"

# ---- the configuration ----

static=" $("$httpd" -l | sed -n 's/^ *\([a-z0-9_]*\)\.c$/\1/p' | tr '\n' ' ') "
# Of the database servers and httpd instances; the servers end after those who use them.
stopped=
servers=
database=
stop() {
    stopped=1
    for server in $servers; do kill -TERM "$server" 2> /dev/null || true; done
}
stop_database() {
    [ -z "$database" ] || { kill -TERM "$database" 2> /dev/null && wait "$database"; } || true
    database=
}
trap stop INT TERM HUP
trap stop_database EXIT

driver=sqlite3
params_of() { echo "$data/registry.db"; }
if [ "$db" != sqlite ]; then
    echo "Starting $db in $data ..."
    rm -f "$data/database.env"
    setpriv --pdeathsig TERM setsid sh conf/demo/database.sh "$db" "$data" < /dev/null &
    database=$!
    while [ ! -s "$data/database.env" ]; do
        kill -0 "$database" 2> /dev/null || fail "$db does not start: see above"
        [ -z "$stopped" ] || exit 1
        sleep 0.1
    done
    # shellcheck disable=SC1091 # made by database.sh
    . "$data/database.env"
    driver=$WHK_DATABASE_DRIVER
    # Each node has the next database node.
    params_of() { eval "echo \"\$WHK_DATABASE_PARAMS_$((1 + ($1 - 1) % WHK_DATABASE_NODES))\""; }
fi

modules=
load() {
    modules="${modules}LoadModule ${1}_module \"$modules_dir/mod_$1.so\"
"
}
case $static in
*" event "* | *" worker "* | *" prefork "*) ;;
*) load mpm_event ;;
esac
for module in authn_core authz_core authz_host dbd unixd unique_id watchdog proxy proxy_http alias cgid env; do
    case $static in
    *" mod_$module "*) ;;
    *) load "$module" ;;
    esac
done

user_lines=
[ -z "$child" ] || user_lines="User $child
Group $group"
include=
if [ -n "${RUN_CONF:-}" ]; then
    [ -r "$RUN_CONF" ] || fail "RUN_CONF is \"$RUN_CONF\", and there is no such file to read"
    include="Include \"$(cd "$(dirname "$RUN_CONF")" && pwd -P)/$(basename "$RUN_CONF")\""
fi
# A standard error that another user opened, or a socket, can't be opened anew.
errors=/dev/stderr
if [ ! -w /dev/stderr ] || [ -S /dev/stderr ]; then errors=$run/error.log; fi

# The first node has the folder itself, the others one each.
home_of() { if [ "$1" = 1 ]; then echo "$run"; else echo "$run/node$1"; fi; }
conf_of() { echo "$(home_of "$1")/httpd.conf"; }
write_conf() {
    mkdir -p "$(home_of "$1")/htdocs"
    # DBDParams may hold a password.
    rm -f "$(conf_of "$1")"
    (umask 077 && awk -v run="$run" -v home="$(home_of "$1")" -v port="$(port_of "$1")" -v build="$build" -v user="$user_lines" \
        -v driver="$driver" -v params="$(params_of "$1")" -v modules="$modules" -v errors="$errors" -v run_conf="$include" \
        -v customer="${CUSTOMER:-http://127.0.0.1:$(port_of "$1")/customer}" '
        function put(mark, value,    at) {
            while ((at = index($0, mark)) > 0)
                $0 = substr($0, 1, at - 1) value substr($0, at + length(mark))
        }
        { put("@RUN_CONF@", run_conf); put("@RUN@", run); put("@HOME@", home); put("@PORT@", port); put("@BUILD@", build)
          put("@DRIVER@", driver); put("@PARAMS@", params); put("@USER@", user); put("@CUSTOMER@", customer); put("@MODULES@", modules); put("@ERRORS@", errors)
          print }
    ' conf/demo/httpd.conf.in > "$(conf_of "$1")")
    install -m 755 conf/demo/backend.cgi conf/demo/customer.cgi "$(home_of "$1")"
}
for node in $all_nodes; do write_conf "$node"; done
conf=$(conf_of 1)

# ---- the registry: made once, and what is in it stays ----

ctl() { "$build/whkctl" --httpd "$httpd" -f "$conf" "$@"; }
# shellcheck disable=SC1090,SC1091 # made below
value() { (. "$env" && eval "printf %s \"\${$1:-}\""); }
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# What an earlier start served by the same database; of the first versions, which knew SQLite alone, in the folder itself.
env=$data/demo.env
if [ "$db" = sqlite ]; then env=$run/demo-sqlite.env; fi
if [ "$db" = sqlite ] && [ ! -e "$env" ] && [ -s "$run/demo.env" ]; then cp -p "$run/demo.env" "$env"; fi
token=
secret=
if [ -s "$env" ] && { [ "$db" != sqlite ] || [ -s "$data/registry.db" ]; }; then
    ctl migrate > /dev/null
    token=$(value WHK_TOKEN)
    secret=$(value WHK_OTP_SECRET)
fi
if [ -z "$token" ] || [ -z "$secret" ]; then
    ctl init > /dev/null
    ctl enterprise list --json | jq -e --arg e "$enterprise" 'any(.enterprises[]; .id == $e)' > /dev/null ||
        ctl enterprise add "$enterprise" --name 'ACME (demo)' > /dev/null
    ctl admin list "$enterprise" --json | jq -e --arg u "$user" 'any(.admins[]; .user == $u)' > /dev/null ||
        ctl admin add "$enterprise" "$user" > /dev/null
    token=$(ctl token issue "$user" --label demo --json | jq -er .token)
    secret=$(ctl otp enroll "$user" --replace --json | jq -er .secret)
    echo "Made a registry in $run: enterprise $enterprise, admin $user, a token and an OTP secret."
fi

umask 077
{
    echo "WHK_URL=$(quote "http://127.0.0.1:$port/api/policy/v1")"
    echo "WHK_NODES=$(quote "$(for node in $all_nodes; do printf '%s' "${separator:-}http://127.0.0.1:$(port_of "$node")/api/policy/v1"; separator=' '; done)")"
    echo "WHK_DB=$(quote "$db")"
    echo "WHK_HOOKS_URL=$(quote "http://127.0.0.1:$port/hooks")"
    echo "WHK_OUT_URL=$(quote "http://127.0.0.1:$port/out")"
    echo "WHK_ENTERPRISE=$(quote "$enterprise")"
    echo "WHK_USER=$(quote "$user")"
    echo "WHK_TOKEN=$(quote "$token")"
    echo "WHK_OTP_SECRET=$(quote "$secret")"
    echo "WHK_CTL=$(quote "$build/whkctl")"
    echo "WHK_CONF=$(quote "$conf")"
} > "$run/demo.env.new"
cp "$run/demo.env.new" "$env"
mv "$run/demo.env.new" "$run/demo.env"
umask 022
cp conf/demo/tour.sh "$run/tour.sh"

# ---- httpd ----

for node in $all_nodes; do
    "$httpd" -f "$(conf_of "$node")" -t 2> "$run/configtest.log" || {
        cat "$run/configtest.log" >&2
        fail "httpd does not take this configuration"
    }
done

# httpd gets a session of its own: what a terminal sends to all it shows (a resize is SIGWINCH, which httpd
# takes for "stop when idle"; hanging up is SIGHUP, "restart") must not reach it. It ends when this shell does.
for node in $all_nodes; do
    if [ -z "$stopped" ]; then
        setpriv --pdeathsig TERM setsid "$httpd" -f "$(conf_of "$node")" -DFOREGROUND < /dev/null &
        servers="$servers $!"
    fi
done
[ -z "$stopped" ] || stop

run_all() { for server in $servers; do kill -0 "$server" 2> /dev/null || return 1; done; }
answers() {
    for node in $all_nodes; do
        curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$node")/" || return 1
    done
}
tries=0
while [ -z "$stopped" ] && run_all && ! answers && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
if [ -z "$stopped" ] && run_all; then
    echo "The registry is served on http://127.0.0.1:$port/api/policy/v1 until Ctrl-C."
    for node in $all_nodes; do
        [ "$node" = 1 ] || echo "So it is on http://127.0.0.1:$(port_of "$node")/api/policy/v1, by another httpd of its fleet."
    done
    echo "In a second shell, paste line by line:"
    echo
    in_sed() { printf %s "$1" | sed 's/[&|]/\\&/g'; }
    sed -n "s|@RUN@|$(in_sed "$run")|g; s|@ROOT@|$(in_sed "$root")|; s/^#>/   /p" conf/demo/tour.sh
    [ "$errors" = /dev/stderr ] || printf '\nWhat httpd has to say goes to %s\n' "$errors"
fi

# Until one ends, and then the others are to.
while run_all; do
    sleep 1 &
    wait $! || true
done
by_itself=
[ -n "$stopped" ] || by_itself=1
stop
status=0
for server in $servers; do
    ended=0
    while kill -0 "$server" 2> /dev/null; do wait "$server" || ended=$?; done
    wait "$server" 2> /dev/null || ended=$?
    [ "$ended" = 0 ] || [ "$ended" = 127 ] || status=$ended
done
trap - INT TERM HUP
[ -z "$by_itself" ] || fail "an httpd ended by itself (status $status)"
