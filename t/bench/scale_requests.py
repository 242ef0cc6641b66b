# SPDX-License-Identifier: Apache-2.0
"""Requests of t/bench/scale.py, over one connection that is kept: signed webhooks, and those of an admin."""

import base64
import hmac
import json
import os
import socket
import struct
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BODY = b"x"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def read(self):
        got = self.socket.recv(1 << 18)
        if not got:
            raise RuntimeError("the connection was closed")
        self.buffer += got

    def send(self, request):
        self.socket.sendall(request)

    def receive(self):
        """Status and body of an answer."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.read()
        head = self.buffer[:end].lower()
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        while len(self.buffer) < end + 4 + length:
            self.read()
        body, self.buffer = self.buffer[end + 4:end + 4 + length], self.buffer[end + 4 + length:]
        return int(head[9:12]), body

    def expect(self, status, request):
        self.send(request)
        return self.expect_answer(status, request)

    def expect_answer(self, status, request):
        got, body = self.receive()
        if got != status:
            raise RuntimeError(f"{got} and not {status}: {body[:300]!r} to {request[:120]!r}")
        return body


def format_request(method, path, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers)]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask_in_parallel(port, count, status, requests):
    """Over so many connections, one each at a time."""
    clients = [Client(port) for _ in range(count)]
    for at in range(0, len(requests), count):
        together = list(zip(clients, requests[at:at + count]))
        for client, request in together:
            client.send(request)
        for client, request in together:
            client.expect_answer(status, request)
    for client in clients:
        client.close()


# ---- webhooks ----

def enterprise(index):
    return f"enterprise-{index:07}"


def detached_jws(private_key, kid, body=BODY):
    """RFC 7515, appendix F."""
    header = b64(json.dumps({"alg": "EdDSA", "kid": kid, "iat": int(time.time())}, separators=(",", ":")).encode())
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(f"{header}.{b64(body)}".encode())
    return f"{header}..{b64(signature)}"


def signature_of(registry, index, kid=None):
    """By the last key of the enterprise of that index, or by another name for it."""
    return detached_jws(registry.private_key(index), kid or f"key-{registry.active_key()}")


def webhook(name, signature):
    return format_request("POST", f"/hooks/{name}", [("Webhook-Signature", signature)], BODY)


# ---- an admin's ----

def one_time_password(secret, step):
    """RFC 6238: SHA-1, six digits."""
    mac = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), struct.pack(">Q", step), "sha1")
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


class Admin:
    """The admins that make_registry enrolled, as one who never runs out of codes that were not used yet."""

    def __init__(self, registry, client):
        self.client, self.admins = client, registry.admins
        self.name = self.admins[0][0]
        self.base = f"/api/policy/v1/enterprises/{self.name}/webhooks"
        self.used = {}
        self.registered = []
        self.next = 0

    def get(self, path):
        return format_request("GET", f"{self.base}/{path}", [("Authorization", f"Bearer {self.admins[0][2]}")])

    def total(self, path):
        return json.loads(self.client.expect(200, self.get(path)))["total"]

    def unused_code(self):
        """Of the steps now and next, which both are taken: from each admin in turn."""
        for _ in self.admins:
            _, user, token, secret = self.admins[self.next % len(self.admins)]
            self.next += 1
            now = int(time.time()) // 60
            step = max(now, self.used.get(user, 0) + 1)
            if step <= now + 1:
                self.used[user] = step
                return token, one_time_password(secret, step)
        raise RuntimeError("all codes of all admins are used: make more admins")

    def registration(self):
        token, code = self.unused_code()
        self.registered.append(f"new-{os.urandom(8).hex()}")
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": self.registered[-1],
               "x": b64(Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
        return format_request("POST", f"{self.base}/keys",
                              [("Authorization", f"Bearer {token}"), ("OTP", code), ("Content-Type", "application/json")],
                              json.dumps({"jwks": {"keys": [jwk]}}).encode())
