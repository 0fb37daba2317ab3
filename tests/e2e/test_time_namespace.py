"""R10: a boottime that jumps within one boot frees nothing: in a time namespace, or where a clock is shifted."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store

DAYS_S = 2 * 86_400
NAMESPACE = ("unshare", "--user", "--map-root-user", "--time", f"--boottime={DAYS_S}", "--fork")

_LOOK = """
import asyncio, sys
from pathlib import Path
from massager_ctl.aio import clock
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store

class Shifted(clock.SystemClock):
    def boottime(self):
        return super().boottime() + float(sys.argv[2])

async def main():
    store = open_store(Path(sys.argv[1]), ClockReader(Shifted()))
    print((await store.recent()).used_s, Shifted().boottime())
    await store.close()

asyncio.run(main())
"""


def look(folder: Path, *before: str, shift_s: float = 0.0) -> tuple[float, float]:
    """Seconds charged, and boottime, as another process sees them."""
    done = subprocess.run(
        [*before, sys.executable, "-c", _LOOK, str(folder), str(shift_s)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    used, boottime = done.stdout.split()
    return float(used), float(boottime)


def namespaces_are_allowed() -> bool:
    if shutil.which(NAMESPACE[0]) is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def used_up(tmp_path: Path) -> Path:
    async def run() -> None:
        store = open_store(tmp_path, ClockReader(SystemClock()))
        session = await store.reserve(Reservation("MS-1", "gentle", 1800.0))
        await store.settle(session, 1800.0, "finished")
        await store.close()

    asyncio.run(run())
    return tmp_path


def test_r10_a_boottime_two_days_ahead_frees_nothing(used_up: Path) -> None:
    here = SystemClock().boottime()
    if namespaces_are_allowed():
        used, boottime = look(used_up, *NAMESPACE)
    else:
        used, boottime = look(used_up, shift_s=DAYS_S)
    assert boottime > here + DAYS_S - 1
    assert used == 1800.0
    assert look(used_up)[0] == 1800.0, "back outside, with a boottime that fell"
