#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# WebhookKeysNotify /etc/apache2/notify-webhook.sh http://127.0.0.1/notify
# Each event is posted as a webhook: to a location of this httpd that signs it on its way (conf/examples/signed-requests.conf),
# so whoever gets it verifies it by the keys that you publish. What is not answered with a 2xx is tried again.
set -eu
status=$(curl -sS -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 30 -H 'Content-Type: application/json' -H "X-Event: $2" --data-binary @- "$1")
case $status in
2??) ;;
*)
    echo "answered with $status" >&2
    exit 1
    ;;
esac
