#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What t/bench/run.sh verifies webhooks with.

    webhooks.py keys DATABASE SECRETKEYFILE ENTERPRISE ALG COUNT BODIES FILE
        registers COUNT keys of the algorithm, straight in the database, and writes BODIES lines of
        `<detached JWS> <body of 1,024 bytes>` to FILE
    webhooks.py many DATABASE SECRETKEYFILE ENTERPRISES KEYS FILE
        registers that many enterprises with KEYS keys each, and writes a line
        `<enterprise> <JWS that names a key, and is wrong>` for each to FILE
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return b64(value.to_bytes(size, "big"))


def make(alg):
    """A private key, its family, and the members of its JWK in the order that RFC 7638 sorts them."""
    if alg == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        return key, "EdDSA", {"crv": "Ed25519", "kty": "OKP",
                              "x": b64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
    if alg == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        return key, "ECDSA", {"crv": "P-256", "kty": "EC", "x": number(point.x, 32), "y": number(point.y, 32)}
    key = rsa.generate_private_key(65537, 2048)
    return key, "RSA", {"e": "AQAB", "kty": "RSA", "n": number(key.public_key().public_numbers().n, 256)}


def sign(key, alg, data):
    if alg == "EdDSA":
        return key.sign(data)
    if alg == "ES256":
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


class Seals:
    """Seals of rows of keys, as src/registry/seal.h has them."""

    def __init__(self, file):
        with open(file) as lines:
            key = base64.urlsafe_b64decode(lines.readline()[:43] + "=")
        pseudorandom = hmac.digest(bytes(32), key, "sha256")
        self.key = hmac.digest(pseudorandom, b"webhook-keys seals v1\x01", "sha256")
        self.fingerprint = b64(hashlib.sha256(b"webhook-keys secret key fingerprint\0" + key).digest()[:8])

    def of(self, *values):
        texts = [None if value is None else str(value).encode() for value in ("key", *values)]
        text = b"".join(b"-," if text is None else b"%d:%s," % (len(text), text) for text in texts)
        return f"v1.{self.fingerprint}.{b64(hmac.digest(self.key, text, 'sha256'))}"


def insert(db, seals, enterprise, kid, family, jwk):
    text = json.dumps(jwk, separators=(",", ":"), sort_keys=True)
    row = (str(uuid.uuid4()), enterprise, kid, kid, family, None, text, b64(hashlib.sha256(text.encode()).digest()),
           "ACTIVE", 1, "bench")
    db.execute("INSERT INTO whk_key (id, enterprise_id, key_id, key_name, algorithm, jwks_uri, jwk, thumbprint, status, "
               "created_at, created_by, seal, key_number) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
               "1 + (SELECT key_count FROM whk_enterprise WHERE enterprise_id = ?))",
               (*row, seals.of(*row, 0, None, None), enterprise))
    db.execute("UPDATE whk_enterprise SET key_count = key_count + 1, active_keys = active_keys + 1 "
               "WHERE enterprise_id = ?", (enterprise,))


def touch(db, enterprise):
    db.execute("UPDATE whk_enterprise SET revision = revision + 1, change_number = 1 + (SELECT max(change_number) "
               "FROM whk_enterprise) WHERE enterprise_id = ?", (enterprise,))


def keys(database, secret, enterprise, alg, count, bodies, file):
    pairs = []
    seals = Seals(secret)
    with sqlite3.connect(database) as db:
        for i in range(int(count)):
            key, family, jwk = make(alg)
            insert(db, seals, enterprise, f"{alg}-{i}", family, jwk)
            pairs.append((key, f"{alg}-{i}"))
        touch(db, enterprise)
    with open(file, "w") as out:
        for i in range(int(bodies)):
            body = b64(os.urandom(768))
            key, kid = pairs[i % len(pairs)]
            header = b64(json.dumps({"alg": alg, "kid": kid, "iat": int(time.time())}, separators=(",", ":")).encode())
            signature = sign(key, alg, f"{header}.{b64(body.encode())}".encode())
            out.write(f"{header}..{b64(signature)} {body}\n")


def many(database, secret, enterprises, count, file):
    made = [make("ES256") for _ in range(int(count))]
    seals = Seals(secret)
    with sqlite3.connect(database) as db, open(file, "w") as out:
        for i in range(int(enterprises)):
            enterprise = f"enterprise-{i}"
            db.execute("INSERT INTO whk_enterprise (enterprise_id, created_at) VALUES (?, 1)", (enterprise,))
            for n, (_, family, jwk) in enumerate(made):
                insert(db, seals, enterprise, f"key-{n}", family, jwk)
            touch(db, enterprise)
            header = b64(json.dumps({"alg": "ES256", "kid": "key-0", "iat": int(time.time())}).encode())
            out.write(f"{enterprise} {header}..{b64(bytes([1]) * 64)}\n")


{"keys": keys, "many": many}[sys.argv[1]](*sys.argv[2:])
