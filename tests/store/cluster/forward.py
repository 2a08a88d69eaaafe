# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""forward.py PORT SOCKET: passes what comes to PORT of loopback on to a unix socket and back. Stopped (SIGSTOP), it is a network that is cut:
connections are taken by the kernel, and then there is silence."""

import socket
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, path):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        client.close()
        return
    for pair in ((client, server), (server, client)):
        threading.Thread(target=copy, args=pair, daemon=True).start()


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64) as door:
        while True:
            serve(door.accept()[0], sys.argv[2])


if __name__ == "__main__":
    main()
