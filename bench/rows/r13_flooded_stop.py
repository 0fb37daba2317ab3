"""The stop of one client of a control socket, while another one writes `set` as fast as it is taken."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.figures import Rounds, Row, Scale, at_most, ratio
from bench.processes import child

NUMBER = 13
TITLE = "stop over the control socket behind another client's flood"

SETTLE_S = 0.05


def measure(scale: Scale) -> Row:
    quiet, flooded = Rounds(), Rounds()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mctl-"))
        stack.enter_context(_runtime(folder))
        stack.enter_context(child("bench.children.owner"))
        (path,) = map(str, Path(folder).glob("*.sock"))
        person = stack.enter_context(_Line(path))
        person.stops(scale.of(5))
        for _ in range(scale.rounds):
            quiet.add(person.stops(scale.of(30)))
            with child("bench.children.flood", path):
                flooded.add(person.stops(scale.of(30)))
    return Row(
        NUMBER,
        TITLE,
        (at_most("p50 over the quiet stop", ratio(flooded, quiet), 3.0),),
        {
            "quiet_p50_ms": quiet.p(50),
            "quiet_p99_ms": quiet.p(99),
            "flooded_p50_ms": flooded.p(50),
            "flooded_p99_ms": flooded.p(99),
        },
    )


@contextmanager
def _runtime(folder: str) -> Generator[None]:
    """Control sockets in this folder, for the children too."""
    before = os.environ.get("MASSAGER_CTL_RUNTIME")
    os.environ["MASSAGER_CTL_RUNTIME"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["MASSAGER_CTL_RUNTIME"]
        else:
            os.environ["MASSAGER_CTL_RUNTIME"] = before


class _Line:
    """A client that asks one thing at a time."""

    def __init__(self, path: str) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(30.0)
        self._sock.connect(path)
        self._file = self._sock.makefile("rb")

    def ask(self, request: dict[str, object]) -> dict[str, object]:
        self._sock.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(self._file.readline())

    def stops(self, count: int) -> list[float]:
        """Milliseconds from the request until the confirmation, each in a session that has just begun."""
        took: list[float] = []
        for _ in range(count):
            begun = self.ask({"request": "start", "profile": "manual"})
            if not begun["ok"]:
                raise RuntimeError(f"no session: {begun}")
            time.sleep(SETTLE_S)
            began = time.monotonic()
            stopped = self.ask({"request": "stop"})
            took.append((time.monotonic() - began) * 1000)
            if not stopped["ok"]:
                raise RuntimeError(f"no stop: {stopped}")
        return took

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._sock.close()
