# SPDX-License-Identifier: Apache-2.0
# python3 answer.py KEY KID JWKS_URL PORT
import hashlib, json, re, sys, threading, time, urllib.request, uuid
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from jwcrypto import jwk, jws

KEY_FILE, KID, JWKS_URL, PORT = sys.argv[1:5]
ALGORITHMS = {"Ed25519": "EdDSA", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


def algorithm_of(key):
    public = key.export_public(as_dict=True)
    return public.get("alg") or ALGORITHMS[public["crv"]]


class KeySet:
    """The platform's keys: kept for the set's max-age; an unknown kid fetches it anew, once a minute at most."""

    def __init__(self, url):
        self.url, self.keys = url, {}
        self.tried = self.end = float("-inf")
        self.lock = threading.Lock()

    def fetch(self, now):
        self.tried = now
        with urllib.request.urlopen(self.url, timeout=5) as response:
            members = json.load(response)["keys"]
            max_age = re.search(r"max-age=(\d+)", response.headers.get("Cache-Control", ""))
        self.keys = {member["kid"]: jwk.JWK(**member) for member in members}
        self.end = now + max(30, int(max_age.group(1) if max_age else 300))

    def find(self, kid):
        with self.lock:
            now = time.monotonic()
            is_old, is_new = now >= self.end, kid not in self.keys
            if (is_old and now >= self.tried + 10) or (is_new and now >= self.tried + 60):
                self.fetch(now)
            if now >= self.end:
                raise ValueError("no JWK Set")
            return self.keys[kid]


class UsedOnce:
    def __init__(self):
        self.ends, self.lock = {}, threading.Lock()

    def use(self, jti):
        with self.lock:
            now = time.monotonic()
            self.ends = {old: end for old, end in self.ends.items() if end > now}
            if not isinstance(jti, str) or jti in self.ends:
                raise ValueError("jti: used before")
            self.ends[jti] = now + 400


def verify(token, body):
    if not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token, re.ASCII):
        raise ValueError("no JWT")
    message = jws.JWS()
    message.deserialize(token)
    header = message.jose_header
    key = key_set.find(header["kid"])
    # The key decides which alg is good.
    message.allowed_algs = [algorithm_of(key)]
    message.verify(key)
    if header.get("typ") != "JWT":
        raise ValueError("typ")
    claims, now = json.loads(message.payload), time.time()
    if not (now - 330 <= claims["iat"] <= now + 30 and now < claims["exp"] + 30):
        raise ValueError("not made now")
    # Where the platform tells you an iss and an aud, compare claims.get("iss") and claims.get("aud") with them here.
    digest = hashlib.sha256(body).digest()
    base64url = urlsafe_b64encode(digest).decode().rstrip("=")
    if claims["request_body_sha256"] not in (digest.hex(), base64url):
        raise ValueError("another body")
    used.use(claims["jti"])


def decide(event):
    """Yours: what the platform does after this."""
    return 200 if event["amount"] <= 1000 else 403


def sign(claims):
    now = int(time.time())
    claims = {**claims, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    message = jws.JWS(json.dumps(claims))
    message.add_signature(key, None, json.dumps({"alg": algorithm_of(key), "kid": KID, "typ": "JWT"}))
    return message.serialize(compact=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        try:
            tokens, length = self.headers.get_all("Webhook-JWT", []), int(self.headers["Content-Length"])
            if len(tokens) != 1 or not 0 <= length <= 1048576:
                raise ValueError("no JWT, or too long")
            body = self.rfile.read(length)
            verify(tokens[0], body)
            event = json.loads(body)
            if not isinstance(event["evaluationId"], str):
                raise ValueError("evaluationId")
            answer, status = sign({"evaluationId": event["evaluationId"], "statusCode": decide(event)}).encode(), 200
        except Exception as error:
            self.log_error("refused: %r", error)
            answer, status, self.close_connection = b"", 401, True
        self.send_response(status)
        self.send_header("Content-Type", "application/jwt")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


with open(KEY_FILE, "rb") as pem:
    key = jwk.JWK.from_pem(pem.read())
key_set, used = KeySet(JWKS_URL), UsedOnce()
ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler).serve_forever()
