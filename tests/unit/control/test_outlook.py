"""Why a start would be refused: each state of the link and the device that hinders one is reported (R6, R7, R13)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.faults.ground import Ground, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.control.outlook import Hindrance, hindrance, look_ahead
from massager_ctl.errors import LinkLost, Refused
from massager_ctl.model.units import ZERO
from massager_ctl.safety.assurance import Assurance, OnDisconnect, allowed

pytestmark = simulated_time


def outlook(g: Ground) -> tuple[str, bool]:
    """What hinders a start, and whether that lasts until a person clears it."""
    found = hindrance(g.controller)
    assert isinstance(found, Hindrance)
    return found.error.message, found.locks


async def test_a_link_that_is_lost_hinders_whatever_the_device_said_last(g: Ground) -> None:
    await g.controller.connect()
    await asyncio.sleep(1.0)
    assert hindrance(g.controller) is None
    g.inject("unplug")
    await asyncio.sleep(1.0)
    assert g.controller.status.telemetry is not None
    assert outlook(g) == ("the device is not connected", False)
    found = hindrance(g.controller)
    assert found is not None
    assert isinstance(found.error, LinkLost)


async def test_r7_a_latched_device_hinders_until_a_person_clears_it(g: Ground) -> None:
    await g.controller.connect()
    g.inject("button")
    await asyncio.sleep(1.0)
    assert outlook(g) == ("the device is latched (button)", True)
    await g.controller.reset()
    await asyncio.sleep(1.0)
    assert hindrance(g.controller) is None


async def test_r14_a_fault_hinders_until_a_person_clears_it(g: Ground) -> None:
    await g.controller.connect()
    g.inject("pwm_stuck=neck_left")
    await asyncio.sleep(1.0)
    assert g.state == "fault"
    message, locks = outlook(g)
    assert (message.startswith("the device is latched ("), locks) == (True, True)


async def test_r13_a_charger_hinders_while_it_is_plugged_in(g: Ground) -> None:
    await g.controller.connect()
    unplug = g.inject("charging")
    await asyncio.sleep(1.0)
    assert outlook(g) == ("the device is charging", False)
    unplug()
    await asyncio.sleep(1.0)
    assert hindrance(g.controller) is None


@pytest.mark.parametrize(("percent", "hinders"), [(14, True), (15, False)])
async def test_r13_a_battery_below_15_percent_hinders(
    tmp_path: Path, percent: int, hinders: bool
) -> None:
    recipe = Recipe(options=f"fault=battery={percent + 0.5}")
    async with laid(On.MEMORY, recipe, tmp_path) as g:
        await g.controller.connect()
        await asyncio.sleep(1.0)
        assert (hindrance(g.controller) is not None) is hinders
        if hinders:
            assert outlook(g) == (f"its battery is at {percent} %", False)


async def test_r25_a_remote_start_that_would_be_refused_is_told_with_the_caps_that_hold(
    g: Ground,
) -> None:
    info = await g.controller.connect()
    weak = Assurance(on_disconnect=OnDisconnect.STOPS, own_remote=False)
    g.admission.allowed = allowed(weak, guardian=True)
    found = await look_ahead(g.controller, g.admission, ZERO)
    assert isinstance(found.refusal, Refused)
    assert "not started remotely" in found.refusal.message
    assert found.limits is not None
    assert (found.caps, found.limits) == (
        found.limits.caps,
        await g.admission.limits(info, cap=None),
    )
    assert found.notes == g.admission.notes != ()


async def test_r25_a_device_for_the_bench_alone_has_no_caps_to_show(g: Ground) -> None:
    await g.controller.connect()
    g.admission.allowed = allowed(Assurance(), guardian=True)
    found = await look_ahead(g.controller, g.admission, ZERO)
    assert isinstance(found.refusal, Refused)
    assert "for the bench only" in found.refusal.message
    assert (found.caps, found.limits) == (ZERO, None)
