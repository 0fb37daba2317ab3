"""A firmware as a process, in lockstep: protocol bytes on its standard streams, and time on a pipe of its own.

docs/reference/lockstep.md is the contract. Every request is one line and is answered by a line that begins with `=`,
so that nothing depends on how fast either side is.
"""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from massager_ctl.errors import AddressError, LinkError, LinkLost, LinkTimeout
from massager_hil.model import Need

PREFIX: Final = "exec:"
CLOCK_IN: Final = "MASSAGER_CLOCK_IN"
CLOCK_OUT: Final = "MASSAGER_CLOCK_OUT"
ANSWER_S: Final = 10.0
"""Real seconds in which a request has to be answered."""
_END_S: Final = 2.0
_PIECE: Final = 4096
_OFFERS: Final = {
    "B": Need.HAND,
    "P": Need.CHARGER,
    "R": Need.RESET,
    "K": Need.POWER,
    "F": Need.SECOND_LINK,
}
"""The requests that a firmware need not know, and what each of them is for."""


def command_of(address: str) -> list[str]:
    """The argv that an `exec:` address names. Raises AddressError."""
    try:
        argv = shlex.split(address.removeprefix(PREFIX))
    except ValueError as error:
        raise AddressError(
            f"{address}: {error}", "Quote it as for a shell; none is used."
        ) from None
    if not argv:
        raise AddressError("exec: names no program", "Write exec:PROGRAM ARGUMENTS.")
    return argv


class ProcessFirmware:
    """The process, as an object like that of `python:`. Raises AddressError where it cannot be started."""

    def __init__(self, address: str, lost: Callable[[LinkError], None]) -> None:
        argv = command_of(address)
        self._lost = lost
        self.trouble: LinkError | None = None
        self._sent: list[tuple[int, bytes]] = []
        self._unread = bytearray()
        clock_in, self._clock = os.pipe()
        self._answers, clock_out = os.pipe()
        clocks = {CLOCK_IN: str(clock_in), CLOCK_OUT: str(clock_out)}
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=(clock_in, clock_out),
                env={**os.environ, **clocks},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            os.close(self._clock)
            os.close(self._answers)
            raise AddressError(
                f"{argv[0]} cannot be started: {error.strerror}",
                "Write exec:PROGRAM ARGUMENTS, with a program that is there and may be run.",
            ) from error
        finally:
            os.close(clock_in)
            os.close(clock_out)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._to = self._child.stdin.fileno()
        self._from = self._child.stdout.fileno()
        self._name = Path(argv[0]).name
        self.can = frozenset(_OFFERS[word] for word in self._ask("H 1") if word in _OFFERS)
        """What it offers beside one link."""

    # --- what the suite asks of a firmware

    def link_up(self, link: int, now: float, kind: str) -> None:
        """A link is there."""
        self._ask(f"C {link} {_ms(now)} {kind}")

    def link_down(self, link: int, now: float) -> None:
        """It is gone."""
        self._ask(f"D {link} {_ms(now)}")

    def feed(self, link: int, data: bytes, now: float) -> None:
        """Bytes from the host: of link 1 on standard input."""
        if link != 1:
            self._ask(f"F {link} {_ms(now)} {data.hex()}")
            return
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._ask(f"I {_ms(now)} {len(piece)}", piece)

    def advance(self, now: float) -> list[tuple[int, bytes]]:
        """Let time pass until `now`; what was sent since the last call."""
        self._ask(f"A {_ms(now)}")
        sent, self._sent = self._sent, []
        return sent

    def press(self, now: float) -> None:
        """The button is down."""
        self._ask(f"B 1 {_ms(now)}")

    def release(self, now: float) -> None:
        """It is up."""
        self._ask(f"B 0 {_ms(now)}")

    def charger(self, plugged: bool, now: float) -> None:
        """The charger is in, or out."""
        self._ask(f"P {int(plugged)} {_ms(now)}")

    def reboot(self, now: float) -> None:
        """A reset of the processor, or the boot after a power cut."""
        self._ask(f"R {_ms(now)}")

    def power_cut(self, now: float) -> None:
        """The supply is gone, and every link."""
        self._ask(f"K {_ms(now)}")

    def close(self) -> None:
        """End the process: its pipes are closed first, and then it is killed if it does not go."""
        if self._clock < 0:
            return
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()
        os.close(self._clock)
        os.close(self._answers)
        self._clock = self._answers = -1
        try:
            self._child.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    # --- the pipe

    def _ask(self, request: str, data: bytes = b"") -> list[str]:
        """One request, and the words of its answer; none once the process is in trouble, which is reported once."""
        if self.trouble is not None:
            return []
        try:
            return self._exchange(request, data)
        except LinkError as trouble:
            self.trouble = trouble
            self.close()
            self._lost(trouble)
            return []

    def _exchange(self, request: str, data: bytes) -> list[str]:
        deadline = time.monotonic() + ANSWER_S
        try:
            if data:
                os.write(self._to, data)
            os.write(self._clock, request.encode() + b"\n")
        except OSError:
            raise self._ended(request) from None
        while True:
            words = self._line(request, deadline).split()
            try:
                if words[:1] == ["s"]:
                    self._sent.append((int(words[1]), bytes.fromhex(words[2])))
                    continue
                if words[:1] == ["o"]:
                    self._sent.append((1, self._read(int(words[1]), request, deadline)))
                    continue
                if words[:1] != ["="]:
                    raise ValueError
                if request[0] == "H":
                    return words[1:]
                count = int(words[1]) if len(words) > 1 else 0
            except (ValueError, IndexError):
                said = " ".join(words)[:60]
                raise LinkLost(
                    f"{self._name} answered {said!r} to the request {request[:40]!r}",
                    "docs/reference/lockstep.md says what an answer is.",
                ) from None
            if count:
                self._sent.append((1, self._read(count, request, deadline)))
            return words[1:]

    def _line(self, request: str, deadline: float) -> str:
        while (end := self._unread.find(b"\n")) < 0:
            self._unread += self._some(self._answers, request, deadline)
        line = self._unread[:end].decode(errors="replace")
        del self._unread[: end + 1]
        return line

    def _read(self, count: int, request: str, deadline: float) -> bytes:
        data = b""
        while len(data) < count:
            data += self._some(self._from, request, deadline, count - len(data))
        return data

    def _some(self, source: int, request: str, deadline: float, most: int = _PIECE) -> bytes:
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise LinkTimeout(
                f"{self._name} did not answer the request {request[:40]!r} within {ANSWER_S:.0f} s",
                "It hangs, or it keeps what it writes in a buffer: flush it.",
            )
        data = os.read(source, most)
        if not data:
            raise self._ended(request)
        return data

    def _ended(self, request: str) -> LinkLost:
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(_END_S)
        code = self._child.poll()
        how = "closed its pipe" if code is None else f"ended with the exit code {code}"
        return LinkLost(f"{self._name} {how} at the request {request[:40]!r}")


def _ms(now: float) -> int:
    return int(now * 1000 + 1e-6)
