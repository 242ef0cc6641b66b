#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo's customer: verifies what httpd signed, by the JWK Set that it publishes, and answers with a JWT. A real one is in
# docs/answering.md: it keeps the JWK Set, and knows more kinds of keys than Ed25519.
# WHK_CUSTOMER is a folder of its own, with key.pem and kid (run/tour.sh, whk_customer); WHK_JWKS_URL is the platform's.
set -eu
umask 077

refuse() {
    printf 'Status: 401\r\nContent-Type: text/plain\r\n\r\n%s\n' "$*"
    exit 0
}
base64url() { basenc -w 0 --base64url | tr -d '='; }
decode() { awk '{ while (length % 4) $0 = $0 "="; print }' | basenc -d --base64url 2> /dev/null; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
head -c 1048576 > "$dir/body"
jwt=${HTTP_WEBHOOK_JWT:-}
header=${jwt%%.*}
rest=${jwt#*.}
claims=${rest%%.*}
signature=${rest#*.}

# ---- who signed it: the key is that of the set, and so is the algorithm

echo "$header" | decode > "$dir/header" || refuse "no JWT"
curl -sf --noproxy '*' --max-time 5 -o "$dir/set" "$WHK_JWKS_URL" || refuse "no JWK Set"
x=$(jq -er --slurpfile header "$dir/header" '$header[0] as $h | select($h.alg == "EdDSA" and $h.typ == "JWT" and ($h | has("crit") | not)) |
    .keys[] | select(.kid == $h.kid and .crv == "Ed25519").x' "$dir/set" 2> /dev/null) || refuse "no key of the platform"
{ printf '0*0\005\006\003+ep\003!\000' && echo "$x" | decode; } > "$dir/key.der"
echo "$signature" | decode > "$dir/signature" || refuse "no signature"
printf '%s.%s' "$header" "$claims" > "$dir/text"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$dir/key.der" -rawin -in "$dir/text" -sigfile "$dir/signature" \
    > /dev/null 2>&1 || refuse "the signature is not good"

# ---- what was signed: now, this body, once

hex=$(openssl dgst -sha256 -r "$dir/body" | cut -c 1-64)
hash=$(openssl dgst -sha256 -binary "$dir/body" | base64url)
echo "$claims" | decode > "$dir/claims"
jti=$(jq -er --arg hex "$hex" --arg hash "$hash" 'select((.iat | numbers) > now - 330 and .iat < now + 30 and (.exp | numbers) > now - 30 and
    (.request_body_sha256 | . == $hex or . == $hash)).jti | strings | @base64' "$dir/claims" 2> /dev/null) || refuse "of another time, or another body"
find "$WHK_CUSTOMER" -name 'jti-*' -mmin +7 -delete
used=$WHK_CUSTOMER/jti-$(printf %s "$jti" | openssl dgst -sha256 -r | cut -c 1-64)
(set -C && : > "$used") 2> /dev/null || refuse "used before"

# ---- the answer

[ -s "$WHK_CUSTOMER/key.pem" ] || refuse "this customer has no key yet: whk_customer"
header=$(jq -cn --rawfile kid "$WHK_CUSTOMER/kid" '{alg: "EdDSA", kid: ($kid | rtrimstr("\n")), typ: "JWT"}' | tr -d '\n' | base64url)
claims=$(jq -ce --arg jti "$(openssl rand -hex 16)" '{evaluationId: .evaluationId, statusCode: (if (.amount | type) == "number" and .amount <= 1000 then 200 else 403 end),
    iat: (now | floor), exp: (now + 60 | floor), jti: $jti}' "$dir/body" 2> /dev/null | tr -d '\n' | base64url)
printf '%s.%s' "$header" "$claims" > "$dir/text"
printf 'Content-Type: application/jwt\r\n\r\n%s.%s' "$(cat "$dir/text")" \
    "$(openssl pkeyutl -sign -rawin -inkey "$WHK_CUSTOMER/key.pem" -in "$dir/text" | base64url)"
