#!/bin/sh
# Behind `make -f Makefile.apxs run`: a registry with a demo enterprise, served in the foreground.
# Environment: RUN_DIR, PORT, RUN_CONF (an extra file of directives); BUILD and APXS from the Makefile.
set -eu

root=$(pwd)
port=${PORT:-8080}
APXS=${APXS:-apxs}
build=$root/${BUILD:-build}
enterprise=acme
user=admin@example.com

fail() {
    echo "run: $*" >&2
    exit 1
}

case $port in
'' | *[!0-9]*) fail "PORT is \"$port\", but must be a number from 1 to 65535" ;;
esac
[ "$port" -ge 1 ] && [ "$port" -le 65535 ] || fail "PORT is \"$port\", but must be a number from 1 to 65535"
taken=0
curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/" || taken=$?
if [ "$taken" != 7 ]; then
    fail "port $port of 127.0.0.1 is taken: name another, as PORT=8081 make -f Makefile.apxs run"
fi

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
    reachable "$run" || fail "RUN_DIR is \"$RUN_DIR\", where $child, as whom httpd's children run, can't go: name another folder, or chmod a+x the ones above it"
else
    [ -L run ] && [ ! -d run ] && rm -f run
    mkdir -p run 2> /dev/null || true
    if ! reachable "$root/run"; then
        [ -L run ] || [ -z "$(ls -A run)" ] || fail "$root/run is where $child, as whom httpd's children run, can't go: remove it, or set RUN_DIR"
        [ -L run ] || rmdir run
        [ -L run ] || ln -s "$(mktemp -d /var/tmp/webhook-keys-run.XXXXXX)" run
        chmod 755 run/
        echo "run: $child can't reach this folder, so run/ leads to $(readlink run)"
    fi
    run=$(cd run && pwd -P)
fi

data=$run/data
mkdir -p "$data" "$run/htdocs"
[ -z "$child" ] || chown "$child:$group" "$data"
chmod 750 "$data"

modules_dir=$("$APXS" -q LIBEXECDIR)
httpd=$("$APXS" -q SBINDIR)/$("$APXS" -q PROGNAME)
static=$("$httpd" -l | sed -n 's/^ *\(mod_[a-z0-9_]*\|[a-z]*\)\.c$/\1/p')
modules=
for module in mpm_event authn_core authz_core authz_user dbd unixd unique_id; do
    case " $(echo $static) " in
    *" mod_$module "* | *" ${module#mpm_} "*) continue ;;
    esac
    [ -f "$modules_dir/mod_$module.so" ] || continue
    modules="${modules}LoadModule ${module}_module \"$modules_dir/mod_$module.so\"
"
done

user_lines=
[ -z "$child" ] || user_lines="User $child
Group $group"
include=
if [ -n "${RUN_CONF:-}" ]; then
    [ -r "$RUN_CONF" ] || fail "RUN_CONF is \"$RUN_CONF\", and there is no such file to read"
    include="Include \"$(cd "$(dirname "$RUN_CONF")" && pwd -P)/$(basename "$RUN_CONF")\""
fi

conf=$run/httpd.conf
awk -v run="$run" -v port="$port" -v build="$build" -v data="$data" -v user="$user_lines" \
    -v modules="$modules" -v run_conf="$include" '
    function put(mark, value,    at) {
        while ((at = index($0, mark)) > 0)
            $0 = substr($0, 1, at - 1) value substr($0, at + length(mark))
    }
    { put("@RUN_CONF@", run_conf); put("@RUN@", run); put("@PORT@", port); put("@BUILD@", build)
      put("@DATA@", data); put("@USER@", user); put("@MODULES@", modules); print }
' conf/demo/httpd.conf.in > "$conf"

ctl() { "$build/whkctl" -f "$conf" "$@"; }
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# The registry is made once; what is in it stays.
if [ ! -s "$run/demo.env" ] || [ ! -s "$data/registry.db" ]; then
    ctl init
    ctl enterprise list --json | jq -e --arg e "$enterprise" 'any(.enterprises[]; .id == $e)' > /dev/null ||
        ctl enterprise add "$enterprise" --name 'ACME (demo)'
    ctl admin list "$enterprise" --json | jq -e --arg u "$user" 'any(.admins[]; .user == $u)' > /dev/null ||
        ctl admin add "$enterprise" "$user"
    token=$(ctl token issue "$user" --label demo 2> /dev/null)
    ctl otp remove "$user" > /dev/null 2>&1 || true
    secret=$(ctl otp enroll "$user" --json | jq -r .secret)
else
    token=$(. "$run/demo.env" && printf %s "$WHK_TOKEN")
    secret=$(. "$run/demo.env" && printf %s "$WHK_OTP_SECRET")
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
cp "$root/conf/demo/tour.sh" "$run/tour.sh"
umask 022

"$httpd" -f "$conf" -t 2> "$run/configtest.log" || { cat "$run/configtest.log" >&2; exit 1; }

cat << TOUR
The registry is served on http://127.0.0.1:$port/api/policy/v1 until Ctrl-C.
In a second shell, paste line by line:

  cd $root
$(sed -n 's/^#> /  /p; s/^#>$//p' conf/demo/tour.sh | sed "s|@RUN@|$run|g")
TOUR
exec "$httpd" -f "$conf" -DFOREGROUND
