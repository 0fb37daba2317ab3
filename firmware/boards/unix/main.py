"""The firmware on MicroPython's unix port, in real time, over a PTY and over TCP.

`micropython main.py --pty-fd N` serves the master side of a PTY that the caller has opened, as MicroPython cannot;
`--tcp HOST:PORT` listens. With `--hands stdin` a letter there acts on the button (p press, r release, o open cable),
and its end ends the program. It says `ready: ...` for each link. `massager-sim board` starts it.
"""

from __future__ import annotations

import gc
import select
import socket
import sys
import time

from physics import SimulatedBoard

from massager_fw.board import CABLE_OPEN, PRESSED, RELEASED
from massager_fw.config import TICK_MS, Claims, DeviceConfig, LinkKind
from massager_fw.firmware import Firmware
from massager_fw.links import NO_MTU

TCP = 6
NO_DELAY = 1
ROOM = 256
"""Bytes read from a link at once."""
CLIENTS = 4
HANDS = {"p": PRESSED, "r": RELEASED, "o": CABLE_OPEN}
RETRY_MS = 10
"""A PTY that no one has open is looked at so often."""


class Stream:
    """One link: a file or a socket that does not block."""

    def __init__(self, number: int, file, kind: str) -> None:
        self.number = number
        self.file = file
        self.kind = kind
        self.is_up = False

    def send(self, data, length: int) -> None:
        """All of it, or what fits; a host that does not read loses frames."""
        try:
            self.file.write(memoryview(data)[:length])
        except OSError:
            pass  # it went down: the poll will tell

    def read(self, into) -> int:
        """How many bytes came; 0 at the end."""
        try:
            return self.file.readinto(into) or 0
        except OSError:
            return 0


class Links:
    """All links by their numbers."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self._next = 1

    def add(self, file, kind: str) -> Stream:
        """One more, which is not up yet."""
        stream = Stream(self._next, file, kind)
        self._next += 1
        self.streams.append(stream)
        return stream

    def send(self, link: int, data, length: int) -> None:
        """To the link of that number."""
        for stream in self.streams:
            if stream.number == link:
                stream.send(data, length)


class Program:
    """Tick by tick, with whatever comes in between."""

    def __init__(self) -> None:
        self.links = Links()
        self.board = SimulatedBoard(self.links)
        config = DeviceConfig()
        config.serial = "UNIX-0000001"
        config.claims = Claims()
        config.claims.simulated = True
        self.firmware = Firmware(self.board, config)
        self.poll = select.poll()
        self.listener = None
        self.pty = None
        self._data = bytearray(ROOM)
        self._start = time.ticks_us()
        self._turned = 0
        self._before = self._start

    @property
    def now(self) -> int:
        """Milliseconds since the start, however often the counter has turned."""
        now = time.ticks_us()
        self._turned += time.ticks_diff(now, self._before)
        self._before = now
        return self._turned // 1000

    def open_pty(self, descriptor: int) -> None:
        """Serve the master side of a PTY."""
        self.pty = self.links.add(open(descriptor, "r+b", 0), LinkKind.SERIAL)

    def listen(self, address: str) -> str:
        """Listen, and say where."""
        host, port = address.rsplit(":", 1)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket.getaddrinfo(host, int(port))[0][-1])
        listener.listen(CLIENTS)
        listener.setblocking(False)
        self.listener = listener
        self.poll.register(listener, select.POLLIN)
        return address

    def up(self, stream: Stream) -> None:
        """A host is there."""
        stream.is_up = True
        self.poll.register(stream.file, select.POLLIN)
        self.firmware.connect(stream.number, stream.kind, self.now, True, NO_MTU)

    def down(self, stream: Stream) -> None:
        """It is gone."""
        stream.is_up = False
        self.poll.unregister(stream.file)
        self.firmware.disconnect(stream.number, self.now)
        if stream is not self.pty:
            self.links.streams.remove(stream)
            stream.file.close()

    def look_at_pty(self) -> None:
        """A PTY that no one has open says so, and nothing when that changes."""
        probe = select.poll()
        probe.register(self.pty.file, select.POLLIN)
        if not any(event & select.POLLHUP for _, event in probe.poll(0)):
            self.up(self.pty)

    def hand(self, event: int) -> None:
        """A letter on standard input is what a hand does to the button; its end is the end."""
        letter = sys.stdin.read(1) if event & select.POLLIN else ""
        if not letter:
            sys.exit()
        if letter in HANDS:
            self.board.button = HANDS[letter]
            self.firmware.sense_button(self.now)

    def happened(self, file, event: int) -> None:
        """One event that the poll returned."""
        if file is sys.stdin:
            self.hand(event)
            return
        if file is self.listener:
            client, _ = file.accept()
            client.setblocking(False)
            client.setsockopt(TCP, NO_DELAY, 1)
            self.up(self.links.add(client, LinkKind.TCP))
            return
        for stream in self.links.streams:
            if stream.file is file:
                count = stream.read(self._data) if event & select.POLLIN else 0
                if count:
                    self.firmware.feed(stream.number, self._data, count, self.now)
                elif event & (select.POLLHUP | select.POLLERR) or stream is not self.pty:
                    self.down(stream)
                return

    def run(self) -> None:
        """Until it is killed. Garbage is collected while every level is at zero, and never in between."""
        firmware, poll = self.firmware, self.poll
        retry = collect = 0
        while True:
            now = self.now
            firmware.advance(now)
            if self.pty is not None and not self.pty.is_up and now >= retry:
                retry = now + RETRY_MS
                self.look_at_pty()
            if firmware.at_rest and now >= collect:
                collect = now + 1000
                gc.collect()
            for file, event in poll.ipoll(TICK_MS - self.now % TICK_MS):
                self.happened(file, event)


def main() -> None:
    """Read the words, open the links, run."""
    program = Program()
    words = sys.argv[1:]
    while words:
        name, value = words.pop(0), words.pop(0)
        if name == "--hands":
            program.poll.register(sys.stdin, select.POLLIN)
        elif name == "--pty-fd":
            program.open_pty(int(value))
            print("ready: pty")
        else:
            print("ready: tcp", program.listen(value))
    program.run()


if __name__ == "__main__":
    main()
