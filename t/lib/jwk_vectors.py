# SPDX-License-Identifier: Apache-2.0
"""Keys that are wrong in one way each, and some that look odd and are right, as JSON: {name: members of a JWK}.

Plain arithmetic on the curves' published equations (SEC 2, RFC 7748, RFC 8032): no library judges them here.
"""
import base64
import json
import math
import random


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def big(number, length):
    return b64(number.to_bytes(length, "big"))


def integer(number):
    return big(number, (number.bit_length() + 7) // 8)


def root(square, p):
    """A square root modulo a prime p, or None."""
    square %= p
    if p % 4 == 3:
        found = pow(square, (p + 1) // 4, p)
    else:  # p % 8 == 5
        found = pow(square, (p + 3) // 8, p)
        if found * found % p != square:
            found = found * pow(2, (p - 1) // 4, p) % p
    return found if found * found % p == square else None


vectors = {}

# ---- Weierstrass curves: y^2 = x^3 + a x + b

CURVES = {
    "P-256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        -3,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        32,
    ),
    "P-384": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        -3,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        48,
    ),
    "P-521": (
        2**521 - 1,
        -3,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
        66,
    ),
    "secp256k1": (2**256 - 2**32 - 977, 0, 7, 32),
}


def weierstrass(crv):
    p, a, b, n = CURVES[crv]
    x = 1
    while root(x**3 + a * x + b, p) is None:
        x += 1
    y = root(x**3 + a * x + b, p)

    def add(name, x, y):
        vectors[f"{crv} {name}"] = {"kty": "EC", "crv": crv, "x": big(x, n), "y": big(y, n)}

    add("small x", x, y)
    add("the other y", x, p - y)
    add("y off by one", x, y ^ 1)
    add("swapped", y, x)
    add("zeros", 0, 0)
    add("x plus p", x + p, y)
    if y + p < 2 ** (8 * n):
        add("y plus p", x, y + p)
    add("x is p", p, root(b, p) or 1)
    add("ones", 2 ** (8 * n) - 1, 2 ** (8 * n) - 1)
    twist = 1
    while root(twist**3 + a * twist + b, p) is not None:
        twist += 1
    add("on the twist", twist, 1)


for curve in CURVES:
    weierstrass(curve)

# ---- Edwards curves: the y coordinate, little-endian, with the sign of x in the top bit


def edwards(crv, p, x_squared, n):
    def add(name, y, sign=0):
        data = bytearray(y.to_bytes(n, "little"))
        data[-1] |= sign << 7
        vectors[f"{crv} {name}"] = {"kty": "OKP", "crv": crv, "x": b64(bytes(data))}

    good = [y for y in range(2, 200) if root(x_squared(y), p)]
    bad = [y for y in range(2, 200) if root(x_squared(y), p) is None]
    add("small y", good[0])
    add("small y, other sign", good[0], 1)
    add("not on the curve", bad[0])
    add("not on the curve, other sign", bad[0], 1)
    add("small order 1", 1)
    add("small order 2", p - 1)
    add("small order 4", 0)
    add("small order 4, other sign", 0, 1)
    add("not canonical: the sign of 0", 1, 1)
    add("not canonical: the sign of 0, order 2", p - 1, 1)
    add("not canonical: p", p)
    add("not canonical: p + 1", p + 1)
    room = 2 ** (8 * n - 1 if n == 32 else 448) - p
    add("not canonical: a good y plus p", next(y for y in good if y < room) + p)
    add("all ones", 2 ** (8 * n) - 1 - (1 << (8 * n - 1)), 1)
    return add


P25519 = 2**255 - 19
D25519 = -121665 * pow(121666, -1, P25519) % P25519
add25519 = edwards(
    "Ed25519", P25519, lambda y: (y * y - 1) * pow(D25519 * y * y + 1, -1, P25519), 32
)
# The y of a point of order 8; the others are its mirrors.
EIGHT = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
for y, name in ((EIGHT, "small order 8"), (P25519 - EIGHT, "small order 8, below")):
    add25519(name, y)
    add25519(f"{name}, other sign", y, 1)

P448 = 2**448 - 2**224 - 1
D448 = -39081
add448 = edwards("Ed448", P448, lambda y: (y * y - 1) * pow(D448 * y * y - 1, -1, P448), 57)
add448("a bit in the last byte", 2**448 + 3)

# ---- RSA: what is judged is the form and the size of the numbers, and that n has no factor that anybody finds. What
# remains is a product of two large primes, or of more: nobody can tell.

random.seed(3)


def rsa(name, n, e):
    vectors[f"RSA {name}"] = {"kty": "RSA", "n": n, "e": e}


SMALL = math.prod(number for number in range(3, 10000, 2))


def modulus(bits):
    while True:
        number = random.getrandbits(bits) | 1 << bits - 1 | 1
        if math.gcd(number, SMALL) == 1:
            return number


def prime(bits):
    while True:
        number = modulus(bits)
        if pow(2, number - 1, number) == 1 and pow(3, number - 1, number) == 1:
            return number


for bits in (1024, 2047, 2048, 8192, 8193, 9000):
    rsa(f"{bits} bits", integer(modulus(bits)), "AQAB")
rsa("even", integer(modulus(2048) - 1), "AQAB")
rsa("n with a zero in front", b64(b"\0" + modulus(2048).to_bytes(256, "big")), "AQAB")
for e in (1, 2, 3, 17, 65535, 65536, 65537, 65538, 65539):
    rsa(f"e {e}", integer(modulus(2048)), integer(e))
rsa("e 0", integer(modulus(2048)), "AA")
rsa("e 2^32 + 1", integer(modulus(2048)), integer(2**32 + 1))
for bits in (2048, 4096):
    rsa(f"e 2^64 - 1, {bits} bits", integer(modulus(bits)), integer(2**64 - 1))
    for power in (64, 66, 256):
        rsa(f"e 2^{power} + 1, {bits} bits", integer(modulus(bits)), integer(2**power + 1))
for factor in (3, 7, 751, 757, 4999, 9973):
    number = modulus(2048)
    while number % factor:
        number += 2
    rsa(f"a factor {factor}", integer(number), "AQAB")
rsa("2^2048 - 1", integer(2**2048 - 1), "AQAB")
rsa("a prime", integer(prime(2048)), "AQAB")
root = 2**1023
while (root**2).bit_length() < 2048:
    root = prime(1024)
rsa("a square", integer(root**2), "AQAB")
rsa("e with a zero in front", integer(modulus(2048)), b64(b"\0\1\0\1"))
for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
    rsa(f"for {alg}", integer(modulus(2048)), "AQAB")
rsa("n empty", "", "AQAB")
rsa("e empty", integer(modulus(2048)), "")

print(json.dumps(vectors))
