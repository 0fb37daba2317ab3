"""The reports that stand in for a device that makes none: its caps, and the seconds for which it ran."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect

from massager_ctl.drivers.foreign import Foreign
from massager_ctl.drivers.substitute_reports import ReportMaker, info_of, reported_info
from massager_ctl.model.device import Channel, DeviceState
from massager_ctl.model.units import ZERO, ZONES, Zone
from massager_ctl.safety.limits import BOUNDS


@pytest.mark.parametrize(("highest", "cap"), [(20.0, 20.0), (100.0, BOUNDS[0])])
def test_r1_the_cap_of_a_zone_is_its_highest_step_and_no_more_than_the_bound(
    highest: float, cap: float
) -> None:
    channels = (Channel((ZONES[0],), (10.0, highest)),)
    info = info_of(msgspec.structs.replace(ASCII, channels=channels), "A1", "1.0", 1.0)
    assert info.caps == (cap, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert info.zones == {Zone(ZONES[0])}


def running_s(maker: ReportMaker, now: float, *, moving: bool = True) -> float:
    report = maker.report(now, epoch=1, armed=True, moving=moving, levels=ZERO)
    assert report.state is (DeviceState.RUNNING if moving else DeviceState.ARMED)
    return report.running_s


def test_r9_it_ran_from_one_look_at_which_it_moved_to_the_next() -> None:
    maker = ReportMaker()
    assert running_s(maker, 5.0) == 0.0, "before the first look nothing is known"
    assert running_s(maker, 7.0) == 2.0
    assert running_s(maker, 8.0, moving=False) == 2.0
    assert running_s(maker, 9.0) == 3.0
    maker.begin()
    assert running_s(maker, 20.0) == 0.0
    assert running_s(maker, 21.0) == 1.0


def test_r1_the_cap_of_a_zone_is_that_of_its_own_channel() -> None:
    channels = (Channel((ZONES[0],), (10.0, 30.0)), Channel((ZONES[1],), (10.0, 20.0)))
    info = info_of(msgspec.structs.replace(ASCII, channels=channels), "A1", "1.0", 1.0)
    assert info.caps == (30.0, 20.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("serial", "firmware", "told"),
    [
        ("A1", "1.2", ("A1", "1.2")),
        ("", "", ("serial:x", "unknown")),
        (None, None, ("serial:x", "unknown")),
        ("\x1b[2JA\n1", "1.2\x07", ("[2JA1", "1.2")),
        ("A" * 100, 12, ("A" * 64, "12")),
    ],
)
def test_what_a_device_calls_itself_is_short_and_printable_or_its_address(
    serial: Any, firmware: Any, told: tuple[str, str]
) -> None:
    dialect = AsciiDialect()
    dialect.serial, dialect.firmware = serial, firmware
    info = reported_info(Foreign(ASCII), ASCII, dialect, "serial:x", 0.5)
    assert (info.serial, info.firmware) == told


def test_each_report_has_a_number_of_its_own() -> None:
    maker = ReportMaker()
    made = [maker.report(now, epoch=1, armed=True, moving=False, levels=ZERO) for now in (1.0, 2.0)]
    assert [(report.counter, report.seq) for report in made] == [(1, 1), (2, 2)]


@pytest.mark.parametrize("moving", [True, False])
def test_r15_without_a_session_a_device_is_idle_whatever_moves(moving: bool) -> None:
    report = ReportMaker().report(1.0, epoch=1, armed=False, moving=moving, levels=ZERO)
    assert (report.state, report.owner) == (DeviceState.IDLE, 0)
