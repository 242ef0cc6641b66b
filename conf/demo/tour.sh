# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Helpers for the tour that `make -f Makefile.apxs run` prints: `. run/tour.sh`.
#
#> cd "@ROOT@"
#> . "@RUN@/demo.env"; . "@RUN@/tour.sh"
#>
#> openssl genpkey -algorithm ed25519 -out my-key.pem               # a key pair
#> whk_jwks my-key.pem my-key-1 | tee my-key.json                   # its public half as a JWK Set
#> whk POST /webhooks/keys -H "OTP: $(whk_otp)" -d @my-key.json     # register it
#> whk GET /webhooks/keys                                           # list
#> echo '{"event":"paid"}' > body.json
#> whk_sign my-key.pem my-key-1 body.json > signature               # sign a webhook, by openssl alone
#> whk_send body.json "$(cat signature)"                            # it reaches the backend, which shows what arrived
#> echo '{"event":"paid twice"}' > tampered.json
#> whk_send tampered.json "$(cat signature)"                        # bad_signature: stopped by httpd
#> whk_customer my-key.pem my-key-1                                 # the other direction: the demo's customer signs by this key
#> echo '{"evaluationId":"e-1","amount":250}' > event.json
#> whk_out event.json e-1                                           # httpd signs it, and takes the customer's signed answer
#> whk_out event.json e-2                                           # claim_mismatch: the answer to another question
#> whk DELETE /webhooks/keys/my-key-1 -H "OTP: $(whk_otp)"          # revoke; a code works once, so this waits for the next
#> whk_send body.json "$(cat signature)"                            # key_revoked: at once
#> whk_out event.json e-1                                           # key_revoked: its answers count no more
#> whk POST /webhooks/keys -H "OTP: $(whk_otp)" -d @my-key.json     # key_id_taken: a keyId is used once
#> whk GET /webhooks/key-events                                     # what was done, by whom

# whk METHOD PATH [curl arguments]: a request of the demo's admin for the demo's enterprise. The demo is on
# this machine, whatever proxy the shell is set up for.
whk() {
    _method=$1 _path=$2
    shift 2
    curl -sS --noproxy '*' -X "$_method" -H "Authorization: Bearer $WHK_TOKEN" -H 'Content-Type: application/json' \
        "$WHK_URL/enterprises/$WHK_ENTERPRISE$_path" "$@" | jq .
}

# whk_otp: a one-time password that was not used yet. Waits for the next one where it has to.
whk_otp() {
    _steps=${WHK_CONF%/*}/last-step
    _used=$(cat "$_steps" 2> /dev/null || echo 0)
    _now=$(date +%s)
    if [ "$((_now / 30))" -le "$_used" ]; then
        echo "A code works once: the next one comes in $(((_used + 1) * 30 - _now)) s." >&2
        sleep "$(((_used + 1) * 30 - _now))"
        _now=$(((_used + 1) * 30))
    fi
    echo "$((_now / 30))" > "$_steps"
    oathtool --totp -b -N "@$_now" "$WHK_OTP_SECRET"
}

# whk_jwks PEM KEYID: a registration of the Ed25519 public key in a PEM file.
whk_jwks() {
    _x=$(openssl pkey -in "$1" -pubout -outform DER | tail -c 32 | basenc --base64url | tr -d '=')
    jq -n --arg kid "$2" --arg x "$_x" '{jwks: {keys: [{kty: "OKP", crv: "Ed25519", kid: $kid, x: $x, use: "sig"}]}}'
}

whk_base64url() { basenc -w 0 --base64url | tr -d '='; }

# whk_sign PEM KEYID FILE: a detached JWS over a file (RFC 7515, appendix F), signed now with an Ed25519 key.
whk_sign() {
    _header=$(printf '{"alg":"EdDSA","kid":"%s","iat":%s}' "$2" "$(date +%s)" | whk_base64url)
    _input=$(mktemp)
    printf '%s.%s' "$_header" "$(whk_base64url < "$3")" > "$_input"
    printf '%s..%s\n' "$_header" "$(openssl pkeyutl -sign -inkey "$1" -rawin -in "$_input" | whk_base64url)"
    rm -f "$_input"
}

# whk_send FILE SIGNATURE: post a file as a webhook of the demo's enterprise.
whk_send() {
    curl -sS --noproxy '*' -H 'Content-Type: application/json' -H "Webhook-Signature: $2" --data-binary "@$1" \
        "$WHK_HOOKS_URL/$WHK_ENTERPRISE" | jq .
}

# whk_customer PEM KEYID: from now on the demo's customer signs its answers with this Ed25519 key.
whk_customer() {
    cat "$1" > "${WHK_CONF%/*}/customer/key.pem"
    echo "$2" > "${WHK_CONF%/*}/customer/kid"
}

# whk_out FILE EVALUATIONID: post a file to the demo's customer, by httpd; shows the answer, of a JWT its claims.
whk_out() {
    _head=$(mktemp)
    _answer=$(curl -sS --noproxy '*' -D "$_head" -H 'Content-Type: application/json' -H "X-Evaluation-Id: $2" --data-binary "@$1" \
        "$WHK_OUT_URL/$WHK_ENTERPRISE")
    if grep -qi '^Webhook-Key-Id:' "$_head"; then
        jq -n --rawfile head "$_head" --arg jwt "$_answer" '{status: ($head | split(" ")[1] | tonumber),
            keyId: ($head | capture("\nWebhook-Key-Id: (?<id>[^\r\n]*)"; "i").id),
            claims: ($jwt | split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson)}'
    else
        printf '%s\n' "$_answer" | jq . 2> /dev/null || printf '%s\n' "$_answer"
    fi
    rm -f "$_head"
}
