"""R6: a device that has confirmed a stop is looked at for a while, and its reports must not contradict that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from tests.support.marks import running_loop, simulated_time
from tests.unit.control.stop_line import Line

from massager_ctl.control.stop_path import LOOKS, RUNS_ON_S, StopPath
from massager_ctl.model.device import Cause, DeviceState
from massager_ctl.model.units import ZERO

pytestmark = simulated_time

ALL_S = (LOOKS + 2) * RUNS_ON_S


def report(level: float = 20.0, state: DeviceState = DeviceState.IDLE, epoch: int = 7) -> object:
    """Each call makes another report."""
    return SimpleNamespace(
        state=state, epoch=epoch, levels=(level,) * len(ZERO), vibration=ZERO, kneading=ZERO
    )


async def reporting(line: Line, *reports: object, seconds: float = ALL_S) -> None:
    """The device sends one report before each look, then none any more."""
    loop = running_loop()
    for number, each in enumerate(reports):
        loop.call_later((number + 0.5) * RUNS_ON_S, setattr, line, "newest", each)
    await asyncio.sleep(seconds)


def path_of(line: Line) -> tuple[StopPath, list[str]]:
    """With what it tells."""
    alarms: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: pytest.fail(str(context)))
    return StopPath(line, alarm=alarms.append), alarms  # type: ignore[arg-type]


def confirming(*which: int) -> Line:
    """It confirms these stops, and has reported before them."""
    line = Line()
    line.answers.update(dict.fromkeys(which))
    line.newest = report(state=DeviceState.RUNNING)
    return line


async def test_r6_two_reports_of_a_level_after_the_confirmation_are_told_and_the_link_dropped() -> (
    None
):
    line = confirming(1)
    path, alarms = path_of(line)
    await path.stop_now(Cause.PAIN)
    await reporting(line, report(), report())
    assert path.unconfirmed is not None
    assert len(alarms) == 1
    assert len(line.sent) == 2
    assert line.dropped_at is not None
    assert all(stop.done() for stop in line.stops), "no one waits for an answer any more"


async def test_r6_the_report_of_before_the_confirmation_contradicts_nothing() -> None:
    line = confirming(1)
    path, alarms = path_of(line)
    await path.stop_now(Cause.PAIN)
    await reporting(line)
    assert (path.unconfirmed, alarms, line.dropped_at) == (None, [], None)


async def test_r6_a_device_that_has_not_reported_since_its_link_opened_anew_is_looked_at_on() -> (
    None
):
    line = confirming(1)
    path, _ = path_of(line)
    await path.stop_now(Cause.PAIN)
    await reporting(line, None, report(), report())
    assert path.unconfirmed is not None


async def test_r6_where_nothing_was_reported_before_the_stop_a_session_after_it_is_another() -> (
    None
):
    line = confirming(1)
    line.newest = None
    path, _ = path_of(line)
    await path.stop_now(Cause.PAIN)
    running = report(state=DeviceState.RUNNING)
    await reporting(line, running, running, seconds=2.2 * RUNS_ON_S)
    assert path.unconfirmed is None
    await reporting(line, report(), report())
    assert path.unconfirmed is not None


@pytest.mark.parametrize("how", [StopPath.close, StopPath.clear])
async def test_r6_once_the_link_is_closed_or_the_device_seen_off_it_is_looked_at_no_more(
    how: Callable[[StopPath], None],
) -> None:
    line = confirming(1)
    path, alarms = path_of(line)
    await path.stop_now(Cause.PAIN)
    how(path)
    await reporting(line, report(), report())
    assert (path.unconfirmed, alarms, line.dropped_at) == (None, [], None)
    assert len(line.sent) == 1


async def test_r6_two_stops_at_once_look_at_the_device_as_one() -> None:
    line = confirming(1, 2)
    path, alarms = path_of(line)
    await asyncio.gather(path.stop_now(Cause.PAIN), path.stop_now(Cause.PAIN))
    await reporting(line, report(), report())
    assert len(alarms) == 1
    assert len(line.sent) == 3
