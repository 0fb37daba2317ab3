"""Starting the guardian: an own session, two descriptors and nothing else of this process."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from massager_ctl.errors import LinkError
from massager_ctl.guardian.process import PIPE, ROAD

_CHUNK: Final = 65_536
_HIGH: Final = 64
"""Descriptors are copied above this one first, so that none is in another's way."""

_BEGIN: Final = (
    "import sys; sys.path.insert(0, sys.argv[1])\n"
    "from massager_ctl.guardian.process import main\n"
    "main(sys.argv[2:])"
)
_ROOT: Final = str(Path(__file__).parents[2])
"""The folder that this package lies in."""

_FIRST_NAMESPACE: Final = "pid:[4026531836]"
"""The kernel's own number of the machine's process namespace."""

KILL_S: Final = 0.05
"""Seconds that the end of a killed process is waited for: the stop that follows must not wait longer."""

_lingering: Final[set[int]] = set()
"""Guardians that were still at work when this process let go of them."""


class GuardianProcess:
    """One guardian, from its start until it is let go."""

    def __init__(
        self,
        command: Sequence[str],
        address: str,
        *,
        device: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`device`: the descriptor of the open device, where there is one. Raises LinkError."""
        _reap()
        ours, theirs = socket.socketpair()
        given = [theirs.fileno()] if device is None else [theirs.fileno(), device]
        copies = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH) for number in given]
        theirs.close()
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        handed = zip(copies, (PIPE, ROAD), strict=False)
        try:
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, *command],
                environment or {},
                file_actions=[
                    *((os.POSIX_SPAWN_DUP2, nothing, standard) for standard in (0, 1, 2)),
                    *((os.POSIX_SPAWN_DUP2, copy, number) for copy, number in handed),
                ],
                setsigmask=(),
            )
        except OSError as error:
            ours.close()
            raise LinkError(
                f"the second process that can stop {address} cannot be started: {error.strerror}",
                "Nothing was started. Is this computer short of memory or of processes?",
            ) from error
        finally:
            for number in (*copies, nothing):
                os.close(number)
        os.set_blocking(ours.fileno(), False)
        self._socket = ours
        self._ended = False

    @classmethod
    def on_descriptor(cls, device: int, address: str, *, lock: str, held: str) -> GuardianProcess:
        """One for an open device. `lock`: the file of its lock, which whoever owns the device next writes to; `held`: a
        file that the guardian holds as long as it lives. Raises LinkError."""
        # -I and -S: nothing of the environment, and no installed package, has a say in it.
        command = ["-I", "-S", "-c", _BEGIN, _ROOT, lock, held, address]
        return cls(command, address, device=device)

    @staticmethod
    def possible() -> bool:
        """Whether a process of this one's would outlive it: in a container that ends with this process, none does."""
        if os.name != "posix" or not sys.executable:
            return False
        try:
            namespace = str(Path("/proc/self/ns/pid").readlink())
        except OSError:
            return True
        return namespace == _FIRST_NAMESPACE or 1 not in (os.getpid(), os.getppid())

    @property
    def pipe(self) -> int:
        """The descriptor of this end of the pipe."""
        return self._socket.fileno()

    @property
    def pid(self) -> int:
        """The guardian's process."""
        return self._pid

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        if not self._ended:
            self._ended = _is_over(self._pid)
        return not self._ended

    def write(self, data: bytearray) -> int:
        """How much of it was taken; all of it where no one is there any more, which `read` tells."""
        try:
            return self._socket.send(data) if data else 0
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return len(data)

    def read(self) -> bytes | None:
        """What it said, nothing if it has ended, None if it said nothing."""
        try:
            return self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def hang_up(self) -> None:
        """Close this end of the pipe; it ends once it has nothing left to do."""
        self._socket.close()
        if self.lives:
            _lingering.add(self._pid)

    async def ended(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.lives and loop.time() < until:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.005)

    def kill(self) -> None:
        """End it at once: it writes nothing any more when this returns."""
        if self.lives:
            os.kill(self._pid, signal.SIGKILL)
            until = time.monotonic() + KILL_S
            while self.lives and time.monotonic() < until:
                time.sleep(0.001)


def _is_over(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _reap() -> None:
    """Those that have ended meanwhile need not stay in the list of processes."""
    for pid in [pid for pid in _lingering if _is_over(pid)]:
        _lingering.discard(pid)
