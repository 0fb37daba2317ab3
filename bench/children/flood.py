"""Writes one line to a control socket again and again as fast as it is taken, and reads all the answers."""

from __future__ import annotations

import selectors
import socket
import sys
import threading

from bench.processes import ready

LINES = b'{"request":"set","zone":"all","percent":5}\n' * 200


def main() -> None:
    path = sys.argv[2]
    with socket.socket(socket.AF_UNIX) as sock, selectors.DefaultSelector() as selector:
        sock.connect(path)
        sock.settimeout(0)
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        ready("flooding")
        threading.Thread(target=sys.stdin.read, daemon=True).start()
        unsent = LINES
        while True:
            for _, events in selector.select():
                if events & selectors.EVENT_READ and not sock.recv(1 << 20):
                    return
                if events & selectors.EVENT_WRITE:
                    unsent = unsent[sock.send(unsent) :] or LINES


if __name__ == "__main__":
    main()
