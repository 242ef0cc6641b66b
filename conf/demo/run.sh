#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs run`: a registry with a demo enterprise, served in the foreground.
# Environment: RUN_DIR, PORT, RUN_CONF (an extra file of directives); HTTPD (that of APXS); BUILD and APXS from the Makefile.
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
answer=0
curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$port/" || answer=$?
[ "$answer" = 7 ] || fail "port $port of 127.0.0.1 is taken: name another, as PORT=8081 make -f Makefile.apxs run"

data=$run/data
mkdir -p "$data" "$run/htdocs"
[ -z "$child" ] || chown "$child:$group" "$data"
chmod 750 "$data"

# ---- the configuration ----

static=" $("$httpd" -l | sed -n 's/^ *\([a-z0-9_]*\)\.c$/\1/p' | tr '\n' ' ') "
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

conf=$run/httpd.conf
awk -v run="$run" -v port="$port" -v build="$build" -v data="$data" -v user="$user_lines" \
    -v modules="$modules" -v errors="$errors" -v run_conf="$include" '
    function put(mark, value,    at) {
        while ((at = index($0, mark)) > 0)
            $0 = substr($0, 1, at - 1) value substr($0, at + length(mark))
    }
    { put("@RUN_CONF@", run_conf); put("@RUN@", run); put("@PORT@", port); put("@BUILD@", build)
      put("@DATA@", data); put("@USER@", user); put("@MODULES@", modules); put("@ERRORS@", errors); print }
' conf/demo/httpd.conf.in > "$conf"

# ---- the registry: made once, and what is in it stays ----

ctl() { "$build/whkctl" --httpd "$httpd" -f "$conf" "$@"; }
# shellcheck disable=SC1091 # made below
value() { (. "$run/demo.env" && eval "printf %s \"\${$1:-}\""); }
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

if [ -s "$data/registry.db" ]; then
    ctl migrate > /dev/null
fi
token=
secret=
if [ -s "$run/demo.env" ] && [ -s "$data/registry.db" ]; then
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
    echo "WHK_HOOKS_URL=$(quote "http://127.0.0.1:$port/hooks")"
    echo "WHK_ENTERPRISE=$(quote "$enterprise")"
    echo "WHK_USER=$(quote "$user")"
    echo "WHK_TOKEN=$(quote "$token")"
    echo "WHK_OTP_SECRET=$(quote "$secret")"
    echo "WHK_CTL=$(quote "$build/whkctl")"
    echo "WHK_CONF=$(quote "$conf")"
} > "$run/demo.env.new"
mv "$run/demo.env.new" "$run/demo.env"
umask 022
cp conf/demo/tour.sh "$run/tour.sh"
install -m 755 conf/demo/backend.cgi "$run/backend.cgi"

# ---- httpd ----

"$httpd" -f "$conf" -t 2> "$run/configtest.log" || {
    cat "$run/configtest.log" >&2
    fail "httpd does not take this configuration"
}

# httpd gets a session of its own: what a terminal sends to all it shows (a resize is SIGWINCH, which httpd
# takes for "stop when idle"; hanging up is SIGHUP, "restart") must not reach it. It ends when this shell does.
stopped=
server=
stop() {
    stopped=1
    [ -z "$server" ] || kill -TERM "$server" 2> /dev/null || true
}
trap stop INT TERM HUP
setpriv --pdeathsig TERM setsid "$httpd" -f "$conf" -DFOREGROUND < /dev/null &
server=$!
[ -z "$stopped" ] || stop

answers() { curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$port/"; }
tries=0
while [ -z "$stopped" ] && kill -0 "$server" 2> /dev/null && ! answers && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
if [ -z "$stopped" ] && kill -0 "$server" 2> /dev/null; then
    echo "The registry is served on http://127.0.0.1:$port/api/policy/v1 until Ctrl-C."
    echo "In a second shell, paste line by line:"
    echo
    in_sed() { printf %s "$1" | sed 's/[&|]/\\&/g'; }
    sed -n "s|@RUN@|$(in_sed "$run")|g; s|@ROOT@|$(in_sed "$root")|; s/^#>/   /p" conf/demo/tour.sh
    [ "$errors" = /dev/stderr ] || printf '\nWhat httpd has to say goes to %s\n' "$errors"
fi

status=0
while :; do
    status=0
    wait "$server" || status=$?
    kill -0 "$server" 2> /dev/null || break
done
trap - INT TERM HUP
[ "$status" = 0 ] || [ -n "$stopped" ] || fail "httpd ended by itself (status $status)"
