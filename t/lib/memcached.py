#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As much of memcached as mod_socache_memcache asks for: get, set, delete, version.

    python3 t/lib/memcached.py --log FILE [--port 0] [--full FILE] [--life SECONDS]

Prints `listening HOST PORT` once it is ready. Each command is a line in FILE. While the file `--full` is
there, set answers SERVER_ERROR.
"""

import argparse
import os
import socketserver
import threading
import time

lock = threading.Lock()
values = {}
options = None


class Handler(socketserver.StreamRequestHandler):
    def answer(self, text):
        self.wfile.write(text + b"\r\n")

    def get(self, key):
        with lock:
            flags, end, value = values.get(key, (b"0", 0, None))
        if value is not None and time.time() < end:
            self.wfile.write(b"VALUE %s %s %d\r\n%s\r\n" % (key, flags, len(value), value))
        self.answer(b"END")

    def set(self, key, flags, life, length):
        value = self.rfile.read(int(length) + 2)[:-2]
        if options.full and os.path.exists(options.full):
            self.answer(b"SERVER_ERROR out of memory storing object")
            return
        with lock:
            values[key] = (flags, time.time() + int(life), value)
        self.answer(b"STORED")

    def delete(self, key, *_):
        with lock:
            found = values.pop(key, None)
        self.answer(b"DELETED" if found else b"NOT_FOUND")

    def version(self):
        self.answer(b"VERSION 1.6.0")

    def handle(self):
        for line in self.rfile:
            words = line.split()
            with lock, open(options.log, "ab") as out:
                out.write(line)
            command = {b"get": self.get, b"set": self.set, b"delete": self.delete, b"version": self.version}.get(words[0])
            if not command:
                self.answer(b"ERROR")
                continue
            command(*words[1:])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--full")
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
