"""One simulated device in a process of its own, on a PTY or on TCP, which tells when bytes reached it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import ready, tell
from firmware_sim.device import SimulatedDevice
from firmware_sim.firmware import Firmware
from firmware_sim.links.pty import PtyPort
from firmware_sim.links.tcp import listen
from firmware_sim.options import parse_options


class StampedDevice(SimulatedDevice):
    """Stamps what comes in before anything else is done with it."""

    report = -1

    def feed(self, link: int, data: bytes) -> None:
        ns = time.monotonic_ns()
        tell(self.report, ns, data)
        super().feed(link, data)


async def serve(report: int, kind: str, baud: int | None) -> None:
    options = parse_options("")
    loop = asyncio.get_running_loop()
    firmware = Firmware(options.config, options.nvm, options.seed, now=loop.time())
    device = StampedDevice(firmware) if report >= 0 else SimulatedDevice(firmware)
    StampedDevice.report = report
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if kind == "tcp":
            port = await listen(device, "127.0.0.1", 0)
            stack.callback(port.close)
            ready(port.address)
        else:
            path = Path(folder) / "massager"
            stack.callback(PtyPort(device, path, baud=baud).close)
            ready(str(path))
        # Nobody is left behind: the parent's end closes this pipe.
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    report, kind, stamped, baud = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    asyncio.run(serve(report if stamped == "stamped" else -1, kind, baud or None))


if __name__ == "__main__":
    main()
