#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A customer's server, by python3-jwcrypto: as customer.mjs.

    python3 customer_jwcrypto.py PORT KEY.pem ALG KID JWKS_URL
"""

import base64
import hashlib
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid

from jwcrypto import jwk, jwt

PORT, PEM, ALG, KID, JWKS = sys.argv[1:]
with open(PEM, "rb") as file:
    KEY = jwk.JWK.from_pem(file.read())


def platform_keys():
    with urllib.request.urlopen(JWKS, timeout=10) as answer:
        return jwk.JWKSet.from_json(answer.read().decode())


def check(token, body):
    verified = jwt.JWT(jwt=token, key=platform_keys(), check_claims={"iat": None, "exp": None, "jti": None})
    claimed = json.loads(verified.claims)["request_body_sha256"]
    digest = hashlib.sha256(body).digest()
    if claimed not in (digest.hex(), base64.urlsafe_b64encode(digest).rstrip(b"=").decode()):
        raise ValueError("another body")


def answer_to(evaluation_id):
    now = int(time.time())
    claims = {"evaluationId": evaluation_id, "statusCode": 200, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    token = jwt.JWT(header={"alg": ALG, "kid": KID, "typ": "JWT"}, claims=claims)
    token.make_signed_token(KEY)
    return token.serialize()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "application/jwt" if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            check(self.headers.get("Webhook-JWT", ""), body)
        except Exception as error:
            self.answer(401, repr(error))
            return
        how = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("as", [""])[0]
        evaluation_id = json.loads(body)["evaluationId"]
        self.answer(200, "MARK" if how == "unsigned" else answer_to("another" if how == "other" else evaluation_id))


timer = threading.Timer(600, os._exit, [1])
timer.daemon = True
timer.start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
print("listening", flush=True)
server.serve_forever()
