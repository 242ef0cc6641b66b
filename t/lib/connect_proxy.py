#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An egress proxy for tests of src/fetch: CONNECT only.

    python3 t/lib/connect_proxy.py [--port 0] [--to HOST:PORT] [--life SECONDS]

It writes to standard output, one line each: `listening HOST PORT` once it is ready, `connect
HOST:PORT` for each CONNECT. Every tunnel leads to --to, whatever was asked for; without --to, and
for a host that begins with `denied`, the answer is 403.
"""

import argparse
import os
import socket
import socketserver
import threading

options = None


def say(*words):
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, *_ = self.rfile.readline().decode("latin-1").split() + ["", ""]
        while self.rfile.readline().strip():
            pass
        say(method.lower(), target)
        if method != "CONNECT" or not options.to or target.startswith("denied"):
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = options.to.rpartition(":")
        with socket.create_connection((host, int(port))) as origin:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=pump, args=(origin, self.connection), daemon=True)
            back.start()
            pump(self.connection, origin)
            back.join()


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--to")
    parser.add_argument("--life", type=float, default=600)
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    threading.Timer(options.life, os._exit, [0]).start()
    say("listening", *server.server_address)
    server.serve_forever()


if __name__ == "__main__":
    main()
