#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What t/packaging/deb.sh runs in a fresh system: the life of the package, beside an httpd that runs all the while.
set -eu

package=libapache2-mod-webhook-keys
example=/etc/apache2/mods-available/webhook_keys.conf
left='/etc/apache2/webhook-keys.key /var/lib/webhook-keys /var/lib/webhook-keys/registry.db'

failed() {
    echo "failed: $1" >&2
    tail -n 20 /tmp/said /var/log/apache2/error.log >&2 || true
    exit 1
}
ok() { echo "  ok: $1"; }
files() { find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o -print | sort; }
apt() {
    apt-get -y -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" > /tmp/said 2>&1 || failed "apt-get $*"
}
httpd_answers() {
    curl -sS -m 30 --noproxy '*' --retry 30 --retry-delay 1 --retry-connrefused -o /dev/null http://127.0.0.1/ || failed "httpd does not answer $1"
}
parent() { cat /run/apache2/apache2.pid; }

mkdir -p /run/lock
service apache2 start > /tmp/said 2>&1 || failed 'httpd does not start without it'
httpd_answers 'without it'
files > /tmp/before

apt install /debs/this.deb
grep -q 'not enabled.*a2enmod dbd webhook_keys' /tmp/said || failed 'its installation does not say what to type'
httpd_answers 'once it is installed'
ok 'it is installed, and httpd goes on'
for file in man8/whkctl.8.gz man5/mod_webhook_keys.5.gz; do gzip -t "/usr/share/man/$file" || failed "there is no $file"; done
bash -c '. /usr/share/bash-completion/completions/whkctl && COMP_WORDS=(whkctl key re) COMP_CWORD=2 && _whkctl && [ "${COMPREPLY[*]}" = revoke ]' ||
    failed 'bash does not complete its commands'
ok 'bash completes its commands'

sh /debs/registry > /tmp/said 2>&1 || failed 'a registry, as README.Debian has it'
grep '^ok' /tmp/said | sed 's/^/    /'
ok 'a registry, as README.Debian has it'

echo '# Edited here.' >> "$example"
sum=$(sha256sum /etc/apache2/webhook-keys.key)
before=$(parent)
apt install /debs/next.deb
dpkg-query -W -f '${Version}\n' "$package" | grep -q '+next$' || failed 'it is not upgraded'
grep -q '^# Edited here' "$example" || failed 'an example that was edited is not kept'
[ "$(sha256sum /etc/apache2/webhook-keys.key)" = "$sum" ] || failed 'the secret key is another one'
httpd_answers 'once it is upgraded'
tries=0
while grep -l 'mod_webhook_keys\.so (deleted)' /proc/[0-9]*/maps > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || failed 'httpd runs the code of before'
    sleep 0.1
done
grep -l 'mod_webhook_keys\.so$' /proc/[0-9]*/maps > /dev/null 2>&1 || failed 'httpd runs no code of ours'
[ "$(parent)" = "$before" ] || failed 'httpd was stopped'
sh /debs/registry verify > /tmp/said 2>&1 || failed 'the registry after an upgrade'
ok 'it is upgraded; what was edited, registry and key are as they were'

# Also while a configuration still uses its directives: dpkg has to get through, and what is served goes on.
apt remove "$package"
[ ! -L /etc/apache2/mods-enabled/webhook_keys.load ] || failed 'it is still enabled'
httpd_answers 'once it is removed'
a2disconf -q webhook-keys-autopkgtest
service apache2 restart > /tmp/said 2>&1 || failed 'httpd does not start once it is removed'
httpd_answers 'started anew without it'
[ -e "$example" ] || failed 'removing takes the configuration'
for file in $left; do [ -e "$file" ] || failed "removing takes $file"; done
ok 'it is removed, with its configuration left'

apt purge "$package"
for file in /etc/apache2/webhook-keys.key /var/lib/webhook-keys; do
    grep -q "Left, .*$file" /tmp/said || failed "purging does not say that $file is left"
done
httpd_answers 'once it is purged'
# What the test itself made goes first.
rm -rf /var/tmp/webhook-keys-autopkgtest /var/www/html/hooks /etc/apache2/conf-available/webhook-keys-autopkgtest.conf
a2dismod -q dbd
files | comm -13 /tmp/before - | grep -v '^/var/lib/apache2\(/\|$\)' > /tmp/after || true
for file in $left; do echo "$file"; done | sort | cmp - /tmp/after || failed "purged, it leaves: $(cat /tmp/after)"
[ -z "$(files | comm -23 /tmp/before -)" ] || failed "purged, it takes: $(files | comm -23 /tmp/before -)"
ok 'it is purged, and leaves the registry and its key'
service apache2 stop > /tmp/said 2>&1 || true
