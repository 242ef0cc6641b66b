#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backend of the kind that webhooks are proxied to: it keeps what arrives and answers with it.

    python3 t/lib/backend.py --log FILE [--port 0] [--life SECONDS]

Prints `listening HOST PORT` once it is ready. Each request, when its body has been read whole, is one
line of JSON in FILE: {"method","path","headers":[[name, value], ...],"body": base64}. The answer is the
same object, with status 200. By what the path ends in:

    /status/NNN   that status
    /close        no answer: the connection is closed
    /slow/N       the answer after N milliseconds

Headers and body are as they came over the wire, a chunked body without its framing.
"""

import argparse
import base64
import http.server
import json
import os
import re
import socketserver
import threading
import time

lock = threading.Lock()
options = None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def read_chunks(self):
        chunks = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return b"".join(chunks)
            chunks.append(self.rfile.read(size))
            self.rfile.readline()

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self.read_chunks()
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self):
        body = self.read_body()
        record = json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(),
                             "body": base64.b64encode(body).decode()})
        with lock, open(options.log, "a", encoding="utf-8") as out:
            out.write(record + "\n")
        path = self.path.split("?")[0]
        how = re.search(r"/(status|slow)/(\d+)$|/(close)$", path)
        if how and how[3]:
            self.close_connection = True
            return
        if how and how[1] == "slow":
            time.sleep(int(how[2]) / 1000)
        status = int(how[2]) if how and how[1] == "status" else 200
        text = record.encode()
        self.send_response(status)
        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--life", type=float, default=600)
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    timer = threading.Timer(options.life, os._exit, [1])
    timer.daemon = True
    timer.start()
    print("listening 127.0.0.1", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
