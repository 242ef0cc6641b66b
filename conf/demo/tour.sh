# Helpers for the tour that `make -f Makefile.apxs run` prints: `. run/tour.sh`.
#
#> cd "@ROOT@"
#> . "@RUN@/demo.env"; . "@RUN@/tour.sh"
#>
#> openssl genpkey -algorithm ed25519 -out my-key.pem               # a key pair
#> whk_jwks my-key.pem my-key-1 | tee my-key.json                   # its public half as a JWK Set
#> whk POST /webhooks/keys -H "OTP: $(whk_otp)" -d @my-key.json     # register it
#> whk GET /webhooks/keys                                           # list
#> whk DELETE /webhooks/keys/my-key-1 -H "OTP: $(whk_otp)"          # revoke; a code works once, so this waits for the next
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
