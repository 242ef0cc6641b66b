#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verifies by python3-jwcrypto and python3-cryptography what httpd signed. A line of JSON in: {"scheme", "jwks",
"headers": {name: value}, "body": base64}; a line out: {"ok": true} or {"error": "..."}. It knows jws-detached
(header "Webhook-Signature"), jwt ("Webhook-JWT") and standard-webhooks."""

import base64
import hashlib
import json
import sys
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwcrypto import jwk, jws, jwt


def key_of(asked, kid):
    key = jwk.JWKSet.from_json(json.dumps(asked["jwks"])).get_key(kid)
    assert key is not None, f"no key {kid}"
    return key


def header_of(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def verify_detached(asked, body):
    header, _, signature = asked["headers"]["Webhook-Signature"].split(".")
    payload = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    token = jws.JWS()
    token.deserialize(f"{header}.{payload}.{signature}")
    token.verify(key_of(asked, token.jose_header["kid"]), alg=token.jose_header["alg"])
    assert token.payload == body and token.jose_header["exp"] > time.time()


def verify_jwt(asked, body):
    token = asked["headers"]["Webhook-JWT"]
    header = header_of(token)
    read = jwt.JWT(jwt=token, key=key_of(asked, header["kid"]), algs=[header["alg"]],
                   check_claims={"exp": None, "iat": None, "jti": None,
                                 "request_body_sha256": hashlib.sha256(body).hexdigest()})
    assert json.loads(read.claims)["exp"] > time.time()


def verify_standard(asked, body):
    headers = asked["headers"]
    version, signature = headers["webhook-signature"].split(",")
    member = next(key for key in asked["jwks"]["keys"] if key["kid"] == headers["webhook-key-id"])
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(member["x"] + "="))
    text = f'{headers["webhook-id"]}.{headers["webhook-timestamp"]}.'.encode() + body
    public.verify(base64.b64decode(signature, validate=True), text)
    assert version == "v1a"


SCHEMES = {"jws-detached": verify_detached, "jwt": verify_jwt, "standard-webhooks": verify_standard}

for line in sys.stdin:
    try:
        request = json.loads(line)
        SCHEMES[request["scheme"]](request, base64.b64decode(request["body"]))
        answer = {"ok": True}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
