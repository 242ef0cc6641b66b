#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# WebhookKeysNotify /etc/apache2/notify-mail.sh ops@example.com
# A mail for each event, by the sendmail command that every mail server has. Names are what customers chose: in the header
# each byte of them that might mean something there is a question mark. The event itself is the mail's text, in base64, since
# no line of a mail may be as long as a name can be.
set -eu
to=$1 event=$2 enterprise=$3 key=$4
body=$(cat)
subject=$(printf 'webhook keys: %s %s %s' "$event" "$enterprise" "$key" | LC_ALL=C tr -c 'A-Za-z0-9 :._@/-' '?' | cut -c 1-200)
{
    printf 'To: %s\nSubject: %s\n' "$to" "$subject"
    printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\nAuto-Submitted: auto-generated\n\n'
    printf '%s\n' "$body" | base64
} | "${SENDMAIL:-/usr/sbin/sendmail}" -t -oi
