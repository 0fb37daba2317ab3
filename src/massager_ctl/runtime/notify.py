"""What a service manager is notified of, by systemd's notify protocol: the service is up, its loop turns, it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping

_SOCKET = "NOTIFY_SOCKET"
_WATCHDOG = ("WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """Whoever started this process, if it wants to be notified. Its variables are taken out: no child speaks for us.

    `period_s`: how often it wants a sign of life at least, in seconds; None if it does not.
    """

    def __init__(self, env: MutableMapping[str, str] = os.environ) -> None:
        self._address = env.pop(_SOCKET, "")
        usec, pid = (env.pop(name, "") for name in _WATCHDOG)
        ours = not pid or pid == str(os.getpid())
        self.period_s = int(usec) / 1e6 if self._address and ours and usec.isdecimal() else None

    def tell(self, *states: str) -> None:
        """Send states such as `READY=1`. Whoever does not listen changes nothing here."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.sendto("\n".join(states).encode(), address)

    async def show_life(self) -> None:
        """Tell again and again that this loop turns, until cancelled: a loop that hangs tells nothing."""
        while self.period_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.period_s / 3)
        await asyncio.Event().wait()
