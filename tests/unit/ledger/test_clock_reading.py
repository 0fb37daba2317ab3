"""R10: the boot has a name from the system, never from a clock."""

from __future__ import annotations

import sys
from pathlib import Path

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.ledger.clock_reading import ClockReader, boot_id
from massager_ctl.safety.dose_time import UNKNOWN_BOOT, ClockReading


def test_the_moment_is_what_the_clock_says() -> None:
    clock = VirtualClock(10.0, wall=2000.0)
    clock.suspend(5.0)
    assert ClockReader(clock, "boot").now() == ClockReading("boot", 15.0, 2005.0)


def test_linux_names_its_boots(tmp_path: Path) -> None:
    (tmp_path / "boot_id").write_text("0c0ffee0\n")
    assert boot_id(tmp_path / "boot_id") == "0c0ffee0"
    (tmp_path / "boot_id").write_text("\n")
    assert boot_id(tmp_path / "boot_id") == UNKNOWN_BOOT


def test_another_system_is_asked_by_a_program(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    assert boot_id(nothing, (sys.executable, "-c", "print('ABC')")) == "ABC"
    assert boot_id(nothing, (sys.executable, "-c", "raise SystemExit(1)")) == UNKNOWN_BOOT
    assert boot_id(nothing, (sys.executable, "-c", "")) == UNKNOWN_BOOT
    assert boot_id(nothing, (str(nothing),)) == UNKNOWN_BOOT
