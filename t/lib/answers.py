#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A backend that answers with the very bytes that a test tells it.

    python3 t/lib/answers.py --dir DIR [--port 0] [--life SECONDS]

Prints `listening HOST PORT` once it is ready. A request names its answer in the header X-Answer: a file of DIR with
steps as JSON, which are taken once its body has been read:

    ["send", base64]    ["sleep", seconds]    ["repeat", base64, count]    ["close"]    ["run", command, ...]

Who expects it gets `100 Continue` first, which says MARK. After the last one the connection stays for another request. Each request is a line of JSON in DIR/requests, as that of
t/lib/backend.py; and once it was answered, one with what was sent: {"answer": name, "sent": bytes}.
"""

import argparse
import base64
import json
import os
import socketserver
import subprocess
import threading
import time

lock = threading.Lock()
options = None


def note(record):
    with lock, open(os.path.join(options.dir, "requests"), "a", encoding="utf-8") as out:
        out.write(json.dumps(record) + "\n")


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    sent = 0

    def read_body(self, headers):
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(headers.get("content-length", 0)))

    def read_request(self):
        line = self.rfile.readline().decode("latin-1").split(" ")
        if len(line) < 3:
            return None
        pairs = []
        while (text := self.rfile.readline().decode("latin-1").rstrip("\r\n")):
            name, _, value = text.partition(":")
            pairs.append([name, value.strip()])
        headers = {name.lower(): value for name, value in pairs}
        if "expect" in headers:
            self.send(b"HTTP/1.1 100 MARK\r\nX-Mark: MARK\r\n\r\n")
        body = self.read_body(headers)
        note({"method": line[0], "path": line[1], "headers": pairs, "body": base64.b64encode(body).decode()})
        return headers

    def send(self, data):
        self.connection.sendall(data)
        self.sent += len(data)

    def take(self, step):
        """False: the connection ends."""
        if step[0] == "send":
            self.send(base64.b64decode(step[1]))
        elif step[0] == "sleep":
            time.sleep(step[1])
        elif step[0] == "repeat":
            for _ in range(step[2]):
                self.send(base64.b64decode(step[1]))
        elif step[0] == "run":
            subprocess.run(step[1:], check=True)
        return step[0] != "close"

    def answer(self, name):
        self.sent = 0
        try:
            with open(os.path.join(options.dir, name), encoding="utf-8") as steps:
                return all([self.take(step) for step in json.load(steps)])
        finally:
            note({"answer": name, "sent": self.sent})

    def handle(self):
        try:
            while (headers := self.read_request()) is not None and self.answer(headers.get("x-answer", "default")):
                pass
        except OSError:
            pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
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
