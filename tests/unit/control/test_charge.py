"""What a run charges, and from when it counts (R9, R15)."""

from __future__ import annotations

import asyncio

import pytest
from tests.devices import device_info, telemetry
from tests.faults.ground import Ground, Line
from tests.support.marks import simulated_time

from massager_ctl.control.outlook import hindrance, look_ahead
from massager_ctl.control.run import INFO_S, Run
from massager_ctl.control.setpoint_source import ManualSource
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.model.device import DeviceState
from massager_ctl.model.requests import Origin, Start
from massager_ctl.model.units import ZERO
from massager_ctl.safety.limits import combine


@pytest.fixture
def armed() -> Run:
    """Armed at 100 s."""
    attempt = StartAttempt(Start(), Origin.LOCAL, 99.0)
    run = Run(attempt, ManualSource(600.0), combine(()), device_info(), dead_man_s=1.0)
    run.armed(100.0, 0.0, None, None)
    return run


def test_r9_time_that_was_governed_is_charged_though_the_device_reports_less(armed: Run) -> None:
    armed.governor.running_s = 10.0
    armed.telemetry(110.0, telemetry(epoch=1, state=DeviceState.RUNNING, running_s=4.0), 1)
    assert armed.charged_s(110.0, confirmed=True) == 10.0
    assert armed.charged_s(110.0, confirmed=False) == pytest.approx(10.0 + 0.1 + 1.0)


def test_r15_info_is_asked_for_5_s_after_the_arm_and_not_before(armed: Run) -> None:
    assert INFO_S == 5.0
    assert not armed.info_due(104.9)
    assert armed.info_due(105.0)
    assert not armed.info_due(105.1)


@simulated_time
async def test_without_a_device_and_in_a_session_no_start_is_looked_at(g: Ground) -> None:
    before = await look_ahead(g.controller, g.admission, ZERO)
    assert (before.caps, before.refusal, before.limits) == (ZERO, None, None)
    await g.controller.connect()
    assert (await look_ahead(g.controller, g.admission, ZERO)).limits is not None
    await g.run()
    within = await look_ahead(g.controller, g.admission, ZERO)
    assert (within.caps, within.refusal, within.limits) == (ZERO, None, None)


@simulated_time
async def test_r6_what_hinders_a_start_is_told_and_what_clears_it(g: Ground) -> None:
    absent = hindrance(g.controller)
    assert absent is not None
    assert ("not connected" in absent.error.message, absent.locks) == (True, False)
    await g.controller.connect()
    await asyncio.sleep(4.0)
    assert hindrance(g.controller) is None
    await g.run()
    g.tap.line = Line.MUTE
    with pytest.raises(StopUnconfirmed):
        await g.controller.stop()
    await g.over()
    unconfirmed = hindrance(g.controller)
    assert unconfirmed is not None
    assert "not confirmed" in unconfirmed.error.message
    assert "massager-ctl reset" in str(unconfirmed.error.remedy)
    assert unconfirmed.locks
    g.tap.line = Line.SOUND
    with pytest.raises(StopUnconfirmed):
        await g.controller.close()
    await g.controller.connect()
    await g.controller.reset()
