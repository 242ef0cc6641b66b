#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs webhooks by python3-jwcrypto. Lines of JSON in and out, as t/lib/sign.py has them; of its options this one
knows scheme (jws, jws-detached, jwt), key, alg, kid, body, header and b64."""

import base64
import hashlib
import json
import sys
import time
import uuid

from jwcrypto import jwk, jws, jwt


def key_of(request):
    with open(request["key"], "rb") as pem:
        return jwk.JWK.from_pem(pem.read())


def header(request):
    return {"alg": request["alg"], "kid": request["kid"], "iat": int(time.time()), "jti": str(uuid.uuid4())}


def sign_jws(request, body):
    message = jws.JWS(body)
    message.add_signature(key_of(request), None, json.dumps(header(request)))
    return [["Content-Type", "application/jose"]], message.serialize(compact=True).encode()


def sign_jws_detached(request, body):
    extra = {"b64": False, "crit": ["b64"]} if request.get("b64") is False else {}
    message = jws.JWS(body)
    message.add_signature(key_of(request), None, json.dumps({**header(request), **extra}))
    message.detach_payload()
    return [[request["header"], message.serialize(compact=True)]], body


def sign_jwt(request, body):
    claims = {"iat": int(time.time()), "jti": str(uuid.uuid4()),
              "request_body_sha256": hashlib.sha256(body).hexdigest()}
    token = jwt.JWT(header={"alg": request["alg"], "kid": request["kid"]}, claims=claims)
    token.make_signed_token(key_of(request))
    return [[request["header"], token.serialize()]], body


SCHEMES = {"jws": sign_jws, "jws-detached": sign_jws_detached, "jwt": sign_jwt}

for line in sys.stdin:
    try:
        asked = json.loads(line)
        fields, content = SCHEMES[asked["scheme"]](asked, base64.b64decode(asked["body"]))
        answer = {"headers": fields, "body": base64.b64encode(content).decode()}
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
