#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Behind `make -f Makefile.apxs install`: puts things where httpd on this system looks for them. Honours DESTDIR.
# An example configuration that somebody has edited stays as it is. No service is started or stopped.
set -eu

to=${DESTDIR:-}
ctl_dir=$SBINDIR
man_dir=/usr/share/man/man8

install -d "$to$LIBEXECDIR" "$to$ctl_dir" "$to$man_dir"
install -m 644 "$BUILD/mod_webhook_keys.so" "$to$LIBEXECDIR/mod_webhook_keys.so"
install -m 755 "$BUILD/whkctl" "$to$ctl_dir/whkctl"
install -m 644 docs/whkctl.8 "$to$man_dir/whkctl.8"
echo "Installed $to$LIBEXECDIR/mod_webhook_keys.so, $to$ctl_dir/whkctl and $to$man_dir/whkctl.8."

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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in load conf; do
    sed "s|@LIBEXECDIR@|$LIBEXECDIR|; s|@SYSCONFDIR@|$SYSCONFDIR|" "conf/webhook_keys.$file" > "$work/$file"
done
if [ -d "$SYSCONFDIR/mods-available" ]; then
    install -d "$to$SYSCONFDIR/mods-available"
    install_example "$work/load" "$to$SYSCONFDIR/mods-available/webhook_keys.load"
    install_example "$work/conf" "$to$SYSCONFDIR/mods-available/webhook_keys.conf"
    conf=$SYSCONFDIR/apache2.conf
    enable='a2enmod dbd webhook_keys'
else
    install -d "$to$SYSCONFDIR/extra"
    cat "$work/conf" >> "$work/load"
    install_example "$work/load" "$to$SYSCONFDIR/extra/webhook_keys.conf"
    conf=$SYSCONFDIR/httpd.conf
    enable="add to $conf: Include $SYSCONFDIR/extra/webhook_keys.conf"
fi

cat << NEXT

Next, as root:
  $enable
  whkctl -f $conf init
  whkctl -f $conf enterprise add acme
  whkctl -f $conf admin add acme alice@example.com
  whkctl -f $conf token issue alice@example.com --expires 90d
  whkctl -f $conf otp enroll alice@example.com
  apachectl configtest && apachectl graceful
NEXT
