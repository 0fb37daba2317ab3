"""pymodbus' own server, on a PTY or on TCP, which tells when bytes reached it.

`stamped`: each piece as it was read; `framed`: each request, when its bytes were read and when it was decoded.
"""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import os
import sys
import time
import tty
from typing import Any

import serial
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from bench.processes import ready, tell, tell_frame


class MasterEnd:
    """The other end of the PTY as pymodbus' serial transport wants it: a pyserial port with a descriptor."""

    def __init__(self, fd: int, report: int, stamps: str) -> None:
        self._fd = fd
        self._report = report
        self._stamps = stamps
        self._read_ns = 0
        self.timeout: float | None = 0
        self.write_timeout: float | None = 0

    def fileno(self) -> int:
        return self._fd

    def read(self, size: int = 1) -> bytes:
        data = os.read(self._fd, size)
        self._read_ns = time.monotonic_ns()
        if self._stamps == "stamped":
            tell(self._report, self._read_ns, data)
        return data

    def decoded(self, sending: bool, pdu: Any) -> Any:
        if not sending and self._stamps == "framed":
            tell_frame(self._report, self._read_ns, time.monotonic_ns())
        return pdu

    def write(self, data: bytes) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)


def registers() -> SimDevice:
    return SimDevice(0, simdata=SimData(0, count=128, values=0, datatype=DataType.REGISTERS))


async def serve_pty(report: int, stamps: str) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    name = os.ttyname(slave)
    end = MasterEnd(master, report, stamps)
    serial.serial_for_url = lambda *_, **__: end
    server = ModbusSerialServer(
        registers(), framer=FramerType.RTU, port=name, baudrate=115200, trace_pdu=end.decoded
    )
    serving = asyncio.ensure_future(server.serve_forever())
    await asyncio.sleep(0.2)
    ready(name)
    await serving


async def serve_tcp() -> None:
    server = ModbusTcpServer(registers(), address=("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve_forever())
    while server.transport is None:  # noqa: ASYNC110 - it offers no event
        await asyncio.sleep(0.01)
    port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    ready(f"127.0.0.1:{port}")
    await serving


def main() -> None:
    report, kind, stamps = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    if kind == "tcp":
        asyncio.run(serve_tcp())
    else:
        asyncio.run(serve_pty(report, stamps))


if __name__ == "__main__":
    main()
