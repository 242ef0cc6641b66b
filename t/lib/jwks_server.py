#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server of JWK Sets that behaves as badly as asked, for tests of src/fetch.

    python3 t/lib/jwks_server.py [--cert PEM --key PEM] [--host 127.0.0.1] [--port 0]
                                 [--tls-1.1] [--stall] [--files DIR] [--life SECONDS]

Without --cert it speaks plain HTTP. It writes to standard output, one line each, unbuffered:

    listening HOST PORT      once it is ready
    connection               for each TCP connection, before a byte of it is read
    request METHOD PATH      for each request, after a TLS handshake that went well

so a test sends standard output to a file, waits for the first line, and counts the others. It ends
with SIGTERM, or by itself after --life seconds (default 600).

--stall accepts connections and never says anything. --tls-1.1 offers TLS 1.0 and 1.1 only.

    /jwks.json             a good set: the key of RFC 8037, appendix A.2, kid `my-key`
    /files/NAME            the bytes of DIR/NAME; read at each request, so a test may change them
    /status/NNN            that status and a body
    /redirect?URI          302 to the URI
    /etag                  the set with ETag "v1" and max-age=300; 304 where If-None-Match has it
    /weak-cache            the set with Cache-Control: no-store, max-age=300 and a broken ETag
    /echo                  the request line and headers, as they came
    /large, /large-chunked 10 MiB, with Content-Length and without
    /exact/N               a body of N bytes
    /gzip                  the set, compressed
    /gzip-bomb             10 MiB of zeros, compressed
    /gzip-nothing          compressed members without end that decompress to nothing
    /gzip-broken           Content-Encoding: gzip, and no gzip
    /drip, /drip-headers   one byte a second, without end
    /hang                  no answer
    /close                 an end without an answer
    /truncated             fewer bytes than Content-Length says
    /many-headers          1 MiB of header lines
    /interim               100 interim answers with ETags, then the set
    /no-status             a body without status line (HTTP/0.9)
    /html                  a page with status 200
"""

import argparse
import gzip
import http.server
import os
import socket
import socketserver
import ssl
import sys
import threading
import time
import warnings

JWK_SET = (b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"my-key","use":"sig",'
           b'"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}\n')
MEBIBYTE = 1 << 20
COMPRESSED = [("Content-Encoding", "gzip")]
options = None


def say(*words):
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, body=JWK_SET, status=200, headers=(), length=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)

    def chunks(self, headers, pieces):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + options.ahead)

    def drip(self, byte):
        while True:
            self.wfile.write(byte)
            self.wfile.flush()
            time.sleep(1)

    def do_GET(self):
        say("request", self.command, self.path)
        try:
            self.dispatch()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    do_POST = do_PUT = do_HEAD = do_GET

    def dispatch(self):
        path, _, query = self.path.partition("?")
        name, _, argument = path[1:].partition("/")
        special = getattr(self, "get_" + name.replace("-", "_").replace(".", "_"), None)
        if special:
            special(argument or query)
        else:
            self.answer(b"no such path\n", 404)

    def get_jwks_json(self, _):
        self.answer()

    def get_files(self, name):
        try:
            with open(os.path.join(options.files, os.path.basename(name)), "rb") as file:
                self.answer(file.read())
        except OSError:
            self.answer(b"no such file\n", 404)

    def get_status(self, status):
        self.answer(b"a body that nobody reads\n", int(status))

    def get_redirect(self, location):
        self.answer(b"", 302, [("Location", location)])

    def get_etag(self, _):
        headers = [("ETag", '"v1"'), ("Cache-Control", "public, max-age=300")]
        same = self.headers.get("If-None-Match") == '"v1"'
        self.answer(status=304 if same else 200, headers=headers)

    def get_weak_cache(self, _):
        self.answer(headers=[("ETag", "v1"), ("Cache-Control", "no-store"),
                             ("Cache-Control", "max-age=300")])

    def get_echo(self, _):
        self.answer((self.requestline + "\n" + str(self.headers)).encode())

    def get_large(self, _):
        self.answer(b" " * (10 * MEBIBYTE))

    def get_large_chunked(self, _):
        self.chunks([], (b" " * 4096 for _ in range(2560)))

    def get_exact(self, size):
        self.answer(b" " * int(size))

    def get_gzip(self, _):
        self.answer(gzip.compress(JWK_SET), headers=COMPRESSED)

    def get_gzip_bomb(self, _):
        self.answer(gzip.compress(bytes(10 * MEBIBYTE)), headers=COMPRESSED)

    def get_gzip_nothing(self, _):
        # A deflate stream of empty stored blocks, none of them the last.
        header = gzip.compress(b"")[:10]
        blocks = b"\x00\x00\x00\xff\xff" * 3000

        def pieces():
            yield header
            while True:
                yield blocks
        self.chunks(COMPRESSED, pieces())

    def get_gzip_broken(self, _):
        self.answer(headers=COMPRESSED)

    def get_drip(self, _):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.drip(b" ")

    def get_drip_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        self.drip(b"x")

    def get_hang(self, _):
        time.sleep(60)

    def get_close(self, _):
        self.close_connection = True

    def get_truncated(self, _):
        self.answer(length=len(JWK_SET) + 100)
        self.close_connection = True

    def get_many_headers(self, _):
        line = b"X-Filler: " + b"x" * 1000 + b"\r\n"
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + line * 1024 + b"Content-Length: 0\r\n\r\n")

    def get_interim(self, _):
        self.wfile.write(b'HTTP/1.1 103 Early Hints\r\nETag: "interim"\r\n\r\n' * 100)
        self.answer()

    def get_no_status(self, _):
        self.wfile.write(JWK_SET)
        self.close_connection = True

    def get_html(self, _):
        self.answer(b"<!DOCTYPE html><title>hello</title>\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    tls = None

    def get_request(self):
        connection, address = super().get_request()
        say("connection")
        return connection, address

    def finish_request(self, request, client_address):
        if options.stall:
            time.sleep(60)
            return
        try:
            if self.tls:
                request = self.tls.wrap_socket(request, server_side=True)
            self.RequestHandlerClass(request, client_address, self)
        except OSError:
            pass
        finally:
            request.close()

    def handle_error(self, request, client_address):
        print("jwks_server:", sys.exc_info()[1], file=sys.stderr)


def make_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.old_tls:
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(options.cert, options.key)
    return context


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-1.1", dest="old_tls", action="store_true")
    parser.add_argument("--stall", action="store_true")
    parser.add_argument("--files", default=".")
    parser.add_argument("--ahead", type=float, default=0, help="seconds that its Date is ahead")
    parser.add_argument("--life", type=float, default=600)
    options = parser.parse_args()

    if ":" in options.host:
        Server.address_family = socket.AF_INET6
    server = Server((options.host, options.port), Handler)
    if options.cert:
        server.tls = make_tls()
    threading.Timer(options.life, os._exit, [0]).start()
    say("listening", *server.server_address[:2])
    server.serve_forever()


if __name__ == "__main__":
    main()
