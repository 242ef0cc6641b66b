#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs webhooks, by python3-cryptography: not by our own code. A line of JSON in, a line of JSON out.

In: {"scheme": "jws" | "jws-detached" | "jwt" | "http-signature" | "standard-webhooks",
     "key": PEM file, "alg": JWS name, "kid": text, "body": base64, ...}
Out: {"headers": [[name, value], ...], "body": base64} or {"error": text}

What else may stand in the request, to sign in another way than a good signer does:

    now           seconds since 1970, for all times below
    form          "der": ECDSA signatures in DER, instead of r and s
    signature     base64: this is the signature, whatever was to be signed

jws, jws-detached, jwt
    header        the header it goes in (not for jws); default Webhook-Signature, jwt: Webhook-Token
    protected     members of the JWS header in place of {"alg","kid","iat","jti"}; null takes one away
    protected_text  the JWS header's very bytes
    b64           false: RFC 7797 (jws-detached)
    type          the Content-Type of a jws; default application/jose
    claims        of a jwt, in place of {"iat","jti","request_body_sha256"}; null takes one away
    hash_claim    the name of that claim

http-signature
    method, authority, target, https    of the request; default POST, localhost, /, no
    components    default ["@method", "@authority", "@path", "@query", "content-digest"]
    params        in place of {"created","keyid","nonce"}; null takes one away; "alg", "expires", "tag"
    label         default sig1
    digest        sha-256 (default) or sha-512; null: no Content-Digest
    fields        {name in lower case: value} of the request's own headers that are covered; of a response also "@status",
                  and with ";req" behind the name what is covered of its request
standard-webhooks
    id, timestamp, version (default v1a), more: further entries of webhook-signature
"""

import base64
import hashlib
import json
import sys
import time
import uuid

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
keys = {}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def merged(base, over):
    return {name: value for name, value in {**base, **(over or {})}.items() if value is not None}


def load(path):
    if path not in keys:
        with open(path, "rb") as pem:
            keys[path] = serialization.load_pem_private_key(pem.read(), None)
    return keys[path]


def sign(request, data):
    if request.get("signature") is not None:
        return base64.b64decode(request["signature"])
    key, alg = load(request["key"]), request["alg"]
    if alg.startswith("Ed"):
        return key.sign(data)
    digest = HASHES["256" if alg == "ES256K" else alg[2:]]()
    if alg.startswith("ES"):
        der = key.sign(data, ec.ECDSA(digest))
        if request.get("form") == "der":
            return der
        size = (key.curve.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(der))
    if alg.startswith("RS"):
        return key.sign(data, padding.PKCS1v15(), digest)
    return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


def protected_header(request, base):
    if request.get("protected_text") is not None:
        return b64url(request["protected_text"].encode())
    header = {"alg": request["alg"], "kid": request["kid"], **base}
    if request.get("b64") is False:
        header.update(b64=False, crit=["b64"])
    return b64url(compact(merged(header, request.get("protected"))))


def times(request):
    return {"iat": int(request["now"]), "jti": str(uuid.uuid4())}


def jws(request, payload, base):
    text = protected_header(request, base) + b"." + b64url(payload)
    return text + b"." + b64url(sign(request, text))


def sign_jws(request, body):
    return [["Content-Type", request.get("type", "application/jose")]], jws(request, body, times(request))


def sign_jws_detached(request, body):
    header = protected_header(request, times(request))
    text = header + b"." + (body if request.get("b64") is False else b64url(body))
    value = header + b".." + b64url(sign(request, text))
    return [[request.get("header", "Webhook-Signature"), value.decode()]], body


def sign_jwt(request, body):
    claim = request.get("hash_claim", "request_body_sha256")
    claims = merged({**times(request), claim: hashlib.sha256(body).hexdigest()}, request.get("claims"))
    token = jws(request, compact(claims), {"typ": "JWT"})
    return [[request.get("header", "Webhook-Token"), token.decode()]], body


def component(request, name, fields):
    target, https = request.get("target", "/"), request.get("https", False)
    path, mark, query = target.partition("?")
    authority = request.get("authority", "localhost").lower()
    scheme = "https" if https else "http"
    derived = {
        "@method": request.get("method", "POST"), "@authority": authority, "@scheme": scheme, "@path": path,
        "@query": "?" + query, "@request-target": target, "@target-uri": scheme + "://" + authority + target,
    }
    return fields[name] if name in fields else derived[name]


def identifier(name):
    name, mark, params = name.partition(";")
    return f'"{name}"{mark}{params}'


def parameters(params):
    return "".join(";%s=%s" % (name, value if isinstance(value, int) else '"%s"' % value)
                   for name, value in params.items())


def sign_http_signature(request, body):
    digest, label = request.get("digest", "sha-256"), request.get("label", "sig1")
    headers, fields = [], dict(request.get("fields") or {})
    if digest:
        value = base64.b64encode(hashlib.new(digest.replace("-", ""), body).digest()).decode()
        fields.setdefault("content-digest", f"{digest}=:{value}:")
        headers.append(["Content-Digest", fields["content-digest"]])
    names = request.get("components", ["@method", "@authority", "@path", "@query", "content-digest"])
    params = merged({"created": int(request["now"]), "keyid": request["kid"], "nonce": str(uuid.uuid4())},
                    request.get("params"))
    value = "(" + " ".join(map(identifier, names)) + ")" + parameters(params)
    lines = [f'{identifier(name)}: {component(request, name, fields)}' for name in names]
    base = "\n".join([*lines, '"@signature-params": ' + value])
    signature = base64.b64encode(sign(request, base.encode())).decode()
    return [*headers, ["Signature-Input", f"{label}={value}"], ["Signature", f"{label}=:{signature}:"]], body


def sign_standard_webhooks(request, body):
    message = request.get("id", "msg_" + uuid.uuid4().hex)
    timestamp = str(request.get("timestamp", int(request["now"])))
    signature = base64.b64encode(sign(request, f"{message}.{timestamp}.".encode() + body)).decode()
    entries = [*request.get("more", []), request.get("version", "v1a") + "," + signature]
    return [["webhook-id", message], ["webhook-timestamp", timestamp],
            ["webhook-signature", " ".join(entries)]], body


SCHEMES = {
    "jws": sign_jws, "jws-detached": sign_jws_detached, "jwt": sign_jwt,
    "http-signature": sign_http_signature, "standard-webhooks": sign_standard_webhooks,
}


def main():
    for line in sys.stdin:
        try:
            request = json.loads(line)
            request.setdefault("now", time.time())
            headers, body = SCHEMES[request["scheme"]](request, base64.b64decode(request["body"]))
            answer = {"headers": headers, "body": base64.b64encode(body).decode()}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
