#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the certificates of the fetch tests in a directory: make_certificates.sh DIR
#
#   ca.pem                     the authority to trust
#   good.pem, good.key         for localhost, *.keys.test, 127.0.0.1, 127.0.0.2, ::1
#   wrong-name.pem, .key       signed as well, but for other.example
#   expired.pem, .key          as good, but over since yesterday
#   self-signed.pem, .key      as good, but signed by itself
set -eu
directory=$1
mkdir -p "$directory"
cd "$directory"
names="DNS:localhost,DNS:*.keys.test,IP:127.0.0.1,IP:127.0.0.2,IP:::1"

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

# sign NAME SUBJECT_ALT_NAMES START END
sign() {
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf 'subjectAltName=%s\n' "$2" >"$1.ext"
    openssl ca -batch -notext -config ca.conf -in "$1.csr" -extfile "$1.ext" \
        -startdate "$3" -enddate "$4" -out "$1.pem"
}

cat >ca.conf <<EOF
[ca]
default_ca = authority
[authority]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
EOF
: >index.txt

{
    new_key ca.key
    openssl req -new -x509 -key ca.key -subj "/CN=test authority" -days 30 -out ca.pem
    last_week=$(date -u -d '7 days ago' +%Y%m%d%H%M%SZ)
    yesterday=$(date -u -d '1 day ago' +%Y%m%d%H%M%SZ)
    next_month=$(date -u -d '30 days' +%Y%m%d%H%M%SZ)
    sign good "$names" "$last_week" "$next_month"
    sign wrong-name "DNS:other.example" "$last_week" "$next_month"
    sign expired "$names" "$last_week" "$yesterday"
    new_key self-signed.key
    openssl req -new -x509 -key self-signed.key -subj "/CN=self-signed" -days 30 \
        -addext "subjectAltName=$names" -out self-signed.pem
} 2>openssl.log || {
    cat openssl.log >&2
    exit 1
}
