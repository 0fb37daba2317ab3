"""One simulated device in a process of its own, on a PTY or on TCP, which tells when bytes reached it.

`stamped`: each piece as it was read; `framed`: each stop, when its bytes were read and when it was known to be one.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from bench.processes import ready, tell, tell_frame
from firmware_sim.device import SimulatedDevice
from firmware_sim.firmware import Firmware, Rules
from firmware_sim.links.pty import PtyPort
from firmware_sim.links.tcp import listen
from firmware_sim.options import parse_options
from massager_fw.links import Port


class StampedDevice(SimulatedDevice):
    """Stamps what comes in before anything else is done with it."""

    report = -1

    def feed(self, link: int, data: bytes) -> None:
        ns = time.monotonic_ns()
        tell(self.report, ns, data)
        super().feed(link, data)


class FramedDevice(SimulatedDevice):
    """Keeps when the newest bytes were read."""

    read_ns = 0

    def feed(self, link: int, data: bytes) -> None:
        FramedDevice.read_ns = time.monotonic_ns()
        super().feed(link, data)


class FramedRules(Rules):
    """Stamps a stop before it obeys."""

    def _stop(self, port: Port, stop: bytearray) -> None:
        tell_frame(StampedDevice.report, FramedDevice.read_ns, time.monotonic_ns())
        super()._stop(port, stop)


KINDS: dict[str, tuple[type[SimulatedDevice], type[Rules]]] = {
    "plain": (SimulatedDevice, Rules),
    "stamped": (StampedDevice, Rules),
    "framed": (FramedDevice, FramedRules),
}


async def serve(report: int, kind: str, stamps: str, baud: int | None) -> None:
    options = parse_options("")
    loop = asyncio.get_running_loop()
    StampedDevice.report = report
    device_type, rules = KINDS[stamps]
    firmware = Firmware(options.config, options.nvm, options.seed, now=loop.time(), rules=rules)
    device = device_type(firmware)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        if kind == "tcp":
            port = await listen(device, "127.0.0.1", 0)
            stack.callback(port.close)
            ready(port.address)
        else:
            path = Path(folder) / "massager"
            stack.callback(PtyPort(device, path, baud=baud).close)
            ready(str(path))
        # No one is left behind: the parent's end closes this pipe.
        await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    report, kind, stamps, baud = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    asyncio.run(serve(report, kind, stamps, baud or None))


if __name__ == "__main__":
    main()
