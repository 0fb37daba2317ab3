"""A program that drives a device without a dead-man through a guardian, and lets itself be harmed by what it reads.

`python -m tests.faults.guarded_host DRIVER ADDRESS`; see `DRIVERS` and `HARMS`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl.aio.clock import SystemClock
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.described.driver import spec_of
from massager_ctl.drivers.described.load import load_file
from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.drivers.tcode import TCODE
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.device import Channel
from massager_ctl.model.requests import SetLevel
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.guarded import guarded
from tests.support.ascii_massager import ASCII, BOTH, AsciiDialect


class ReportsOff(AsciiDialect):
    off_reports = (b"=0\n",)


_hoard: Final[list[bytearray]] = []


def _block(seconds: float) -> Callable[[Controller], None]:
    return lambda _: time.sleep(seconds)


def _unfed(controller: Controller) -> None:
    """The control loop's call is lost; everything else in the program lives."""
    session = controller._open
    assert session is not None
    assert session.pacer.ticking is not None
    session.pacer.ticking.cancel()


def _memory(_: Controller) -> None:
    """No more memory than there is, and then all of it."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - as little as possible
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + 4_000_000, used + 4_000_000))
    for size in (65_536, 4096, 512):
        try:
            while True:
                _hoard.append(bytearray(size))
        except MemoryError:
            pass


HARMS: Final[dict[str, Callable[[Controller], None]]] = {
    "hang": _block(30.0),
    "stutter": _block(0.7),
    "unfed": _unfed,
    "memory": _memory,
}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _described() -> DriverSpec:
    path = Path(__file__).with_name("line_device.yaml")
    return spec_of(load_file(path), path)


DRIVERS: Final[dict[str, Callable[[], DriverSpec]]] = {
    "ascii": lambda: msgspec.structs.replace(
        ASCII, dialect=ReportsOff, channels=(Channel(BOTH, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)),)
    ),
    "tcode": lambda: TCODE,
    "described": _described,
}
"""A package of someone else's, and all that is shipped."""


async def _main(driver: str, address: str) -> None:
    transport = guarded(make_transport(address))
    assert transport is not None
    spec = DRIVERS[driver]()
    moments = ClockReader(SystemClock())
    admission = AdmissionPolicy(
        MemoryStore(moments), load(env={}), moments, subject=Subject.EMBEDDED
    )
    controller = Controller(PlainDriver(transport, spec), admission)
    await controller.connect()
    await controller.manual(600)
    controller.request(SetLevel(20.0))
    assert transport._process is not None
    _say(str(transport._process.pid))
    loop = asyncio.get_running_loop()

    def harm() -> None:
        word = sys.stdin.readline().strip()
        if word:
            HARMS[word](controller)

    loop.add_reader(sys.stdin.fileno(), harm)
    end = await controller.ended()
    _say(f"{end.cause}: {end.text}")
    loop.remove_reader(sys.stdin.fileno())
    await controller.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
