#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs install` and `uninstall`, which is its argument: puts things where httpd on this system
# looks for them, and takes them away. Honours DESTDIR. An example configuration that somebody has edited stays as it
# is, and so does the registry. No service is started or stopped.
set -eu

to=${DESTDIR:-}
module=$LIBEXECDIR/mod_webhook_keys.so
ctl=$SBINDIR/whkctl
page=/usr/share/man/man8/whkctl.8
directives_page=/usr/share/man/man5/mod_webhook_keys.5
completion=/usr/share/bash-completion/completions/whkctl

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in load conf; do
    sed "s|@LIBEXECDIR@|$LIBEXECDIR|; s|@SYSCONFDIR@|$SYSCONFDIR|" "conf/webhook_keys.$file" > "$work/$file"
done
if [ -d "$SYSCONFDIR/mods-available" ]; then
    load=$SYSCONFDIR/mods-available/webhook_keys.load
    example=$SYSCONFDIR/mods-available/webhook_keys.conf
    httpd_conf=$SYSCONFDIR/apache2.conf
    enable='a2enmod dbd webhook_keys'
else
    load=
    example=$SYSCONFDIR/extra/webhook_keys.conf
    httpd_conf=$SYSCONFDIR/httpd.conf
    enable="add to $httpd_conf: Include $example"
    cat "$work/conf" >> "$work/load"
    mv "$work/load" "$work/conf"
fi

# install_example SOURCE TARGET
install_example() {
    if [ -e "$2" ] && ! cmp -s "$1" "$2"; then
        install -m 644 "$1" "$2.dist"
        echo "Kept $2, which is not the example any more; the example is in $2.dist."
    else
        install -m 644 "$1" "$2"
        echo "Installed $2."
    fi
}

install_all() {
    install -d "$to$LIBEXECDIR" "$to$SBINDIR" "$to${page%/*}" "$to${directives_page%/*}" "$to${completion%/*}" "$to${example%/*}"
    install -m 644 "$BUILD/mod_webhook_keys.so" "$to$module"
    install -m 755 "$BUILD/whkctl" "$to$ctl"
    install -m 644 docs/whkctl.8 "$to$page"
    install -m 644 "$BUILD/mod_webhook_keys.5" "$to$directives_page"
    install -m 644 conf/completion/whkctl.bash "$to$completion"
    echo "Installed $to$module, $to$ctl, $to$page, $to$directives_page and $to$completion."
    [ -z "$load" ] || install_example "$work/load" "$to$load"
    install_example "$work/conf" "$to$example"
    cat << NEXT

Next, as root:
  $enable
  whkctl -f $httpd_conf init
  whkctl -f $httpd_conf enterprise add acme
  whkctl -f $httpd_conf admin add acme alice@example.com
  whkctl -f $httpd_conf token issue alice@example.com --expires 90d
  whkctl -f $httpd_conf otp enroll alice@example.com
  apachectl configtest && apachectl graceful
NEXT
}

# An httpd whose configuration names a module that is gone does not start again.
is_enabled() {
    [ -e "$to$SYSCONFDIR/mods-enabled/webhook_keys.load" ] || [ -L "$to$SYSCONFDIR/mods-enabled/webhook_keys.load" ] ||
        grep -qsiE '^[[:space:]]*Include(Optional)?[[:space:]].*extra/webhook_keys\.conf' "$to$httpd_conf"
}

# remove_example SOURCE TARGET
remove_example() {
    rm -f "$2.dist"
    if [ -e "$2" ] && ! cmp -s "$1" "$2"; then
        echo "Left: $2, which is not the example any more."
    else
        rm -f "$2"
    fi
}

# value DIRECTIVE
value() { sed -n "s/^[[:space:]]*$1[[:space:]]\{1,\}//p" "$work/in_use" | head -n 1; }

uninstall_all() {
    if command -v dpkg-query > /dev/null && dpkg-query -S "$to$module" > /dev/null 2>&1; then
        echo "$to$module is of a Debian package: apt-get remove libapache2-mod-webhook-keys" >&2
        exit 1
    fi
    if is_enabled; then
        echo "httpd still loads it, and would not start again without it. First, as root:" >&2
        if [ -n "$load" ]; then
            echo "  a2dismod webhook_keys && apachectl graceful" >&2
        else
            echo "  take the Include of $example out of $httpd_conf, and: apachectl graceful" >&2
        fi
        exit 1
    fi
    cp "$to$example" "$work/in_use" 2> /dev/null || cp "$work/conf" "$work/in_use"
    rm -f "$to$module" "$to$ctl" "$to$page" "$to$directives_page" "$to$completion"
    echo "Removed $to$module, $to$ctl, $to$page, $to$directives_page and $to$completion."
    [ -z "$load" ] || remove_example "$work/load" "$to$load"
    remove_example "$work/conf" "$to$example"
    echo "Left, if they were ever made: the registry ($(value DBDParams)) and the key that seals it" \
        "($(value WebhookKeysSecretKeyFile)). Neither is good without the other."
}

"${1:-install}_all"
