"""Faults 39 to 56 and 59: heat, motors, supply, memory, the button, and a device that lies (R7, R8, R11 to R14)."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from firmware_sim import wire
from firmware_sim.trace_rules import Bounds, violations
from massager_ctl.errors import DeviceRefused, DoseSpent, ExitCode, ScreeningNeeded
from massager_ctl.model.device import Cause, Setpoint
from massager_ctl.model.requests import Presence, SetHeat, SetLevel, SetMotion
from massager_ctl.model.units import Direction, Motion
from tests.faults.by_hand import Hand, on_the_line
from tests.faults.ground import MEMORY, Ground, Recipe, second_host
from tests.support.marks import simulated_time

pytestmark = simulated_time

NO_DEVICE = Bounds(step_s=0.2, drive_rise=float("inf"))
"""What the host alone can promise: it speaks every 200 ms, and the pattern is the device's."""

STALL_BOUND_S = 0.5
SAMPLED_S = 0.25
CUT_S = 0.5


async def _tripped(g: Ground, cause: Cause, within: float = 5.0) -> None:
    """The host was told why, the ledger fits, and nothing starts until the latch is cleared."""
    end = await g.over(within)
    assert (end.cause, end.exit_code) == (cause, ExitCode.REFUSED)
    assert g.device.firmware.core.latch >= 1
    await g.ledger()
    await asyncio.sleep(0.3)
    # After 2 min of it the person needs a rest first, and the ledger says so before the device does.
    with pytest.raises(DeviceRefused if g.delivered_s < 100 else DoseSpent):
        await g.controller.manual(60)
    assert not g.is_up


def _pad(g: Ground) -> float:
    return g.device.firmware.core.plant.pad_body.celsius


def _heater(g: Ground) -> float:
    return g.device.firmware.core.heat.power


async def _warm(g: Ground, celsius: float = 38.0, seconds: float = 2.0) -> None:
    await g.controller.connect()
    await g.run()
    g.controller.request(SetHeat(celsius))
    await g.goes_on(seconds)
    assert _heater(g) > 0


@pytest.mark.fault(39)
@pytest.mark.laid(on=MEMORY)
async def test_temperature_climbs(g: Ground) -> None:
    await _warm(g, 39.0, 240.0)
    assert 37.0 <= _pad(g) <= 39.2, "it heats, and no further than it was told to"
    g.inject("overheat=8")
    powers: dict[str, list[float]] = {"below": [], "derating": [], "off": []}
    while g.state == "running":
        if _pad(g) > 40.4:
            g.strike()
        await asyncio.sleep(0.1)
        if g.state == "running":
            g.controller.request(Presence())  # with heat somebody has to be there (R23)
        pad = _pad(g)
        span = "below" if pad < 39.2 else "derating" if pad < 40.4 else "off"
        powers[span].append(_heater(g))
    assert max(powers["below"]) > max(powers["derating"])
    assert len(powers["off"]) > 3
    assert not any(powers["off"][3:-1])
    g.zero_by(SAMPLED_S + CUT_S, state="fault", cause="over_temperature")
    assert g.samples[-1]["pad_c"] <= 41.0 + 0.3, "41.0 less the sensor's tolerance, read with it"
    assert g.samples[-1]["heat_c"] is None
    await _tripped(g, Cause.OVER_TEMPERATURE)


@pytest.mark.fault(39)
async def test_motor_climbs(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("motor_hot=500")
    while g.state == "running":
        g.strike()
        await asyncio.sleep(0.1)
    g.zero_by(SAMPLED_S + CUT_S, state="fault", cause="over_temperature")
    await _tripped(g, Cause.OVER_TEMPERATURE)


async def _sensor(g: Ground, spec: str, bound_s: float) -> None:
    await _warm(g)
    g.inject(spec)
    await asyncio.sleep(bound_s)
    g.zero_by(bound_s, state="fault", cause="temperature_sensor")
    assert _heater(g) == 0.0
    await _tripped(g, Cause.TEMPERATURE_SENSOR)


@pytest.mark.fault(40)
async def test_sensor_open(g: Ground) -> None:
    await _sensor(g, "sensor_open", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_sensor_short(g: Ground) -> None:
    await _sensor(g, "sensor_short", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_motor_sensor_open(g: Ground) -> None:
    await _sensor(g, "sensor_open=motor", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_sensor_stopped(g: Ground) -> None:
    await _sensor(g, "sensor_stopped", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
@pytest.mark.laid(on=MEMORY)
async def test_sensor_frozen(g: Ground) -> None:
    """The model expects 10 K a minute at full power, so 10 s without a change are over 1 K off."""
    await _sensor(g, "sensor_frozen", 10.0 + CUT_S)


@pytest.mark.fault(41)
async def test_stall_of_kneading(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.controller.request(SetMotion(Motion.KNEAD, Direction.CW))
    await g.goes_on(3.0)
    g.inject("stall")
    await asyncio.sleep(1.0)
    g.zero_by(STALL_BOUND_S + 0.04, state="fault", cause="stall")
    await asyncio.sleep(3.0)
    assert not g.is_up, "no retry"
    await _tripped(g, Cause.STALL)


@pytest.mark.fault(41)
async def test_stall_of_vibration(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("stall=neck_left")
    await asyncio.sleep(1.0)
    g.zero_by(STALL_BOUND_S + 0.04, state="fault", cause="stall")
    await _tripped(g, Cause.STALL)


@pytest.mark.fault(42)
async def test_over_current(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("over_current")
    await asyncio.sleep(0.5)
    g.zero_by(0.3, state="fault", cause="over_current")
    await _tripped(g, Cause.OVER_CURRENT)


@pytest.mark.fault(43)
async def test_pwm_stuck_after_a_stop(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("pwm_stuck=neck_left")
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1)
    switched = g.now
    await asyncio.sleep(0.4)
    (trip,) = g.seen("trip")
    assert trip["t"] - switched <= 0.3
    assert (g.state, g.cause) == ("fault", "stuck_output")
    assert g.device.firmware.core.plant.motors.powered is False
    assert g.samples[-1]["current_ma"] == 0
    with pytest.raises(DeviceRefused, match="fault"):
        await g.controller.manual(60)
    with pytest.raises(DeviceRefused, match="cause"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert g.state == "idle"
    assert g.device.firmware.core.plant.motors.powered is True
    await g.ledger()


@pytest.mark.fault(44)
async def test_battery_sags_and_recovers(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("battery_sag")
    await asyncio.sleep(1.2)
    g.zero_by(1.0)
    assert g.seen("fade")[0]["reason"] == "battery_low"
    undo()
    await asyncio.sleep(2.0)
    assert (g.state, g.is_up) == ("idle", False), "recovery restarts nothing"
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.BATTERY_LOW, ExitCode.REFUSED)
    await g.ledger()


@pytest.mark.fault(44)
@pytest.mark.laid(recipe=Recipe(options="fault=battery=14"))
async def test_battery_below_15(g: Ground) -> None:
    await g.controller.connect()
    with pytest.raises(DeviceRefused, match="battery"):
        await g.controller.manual(60)
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()


@pytest.mark.fault(44)
async def test_charging(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("charging")
    await asyncio.sleep(0.5)
    g.zero_by(1.0, cause="charging")
    await g.over()
    await asyncio.sleep(0.3)
    with pytest.raises(DeviceRefused, match="charg"):
        await g.controller.manual(60)
    undo()
    await asyncio.sleep(1.0)
    assert not g.is_up
    await g.ledger()


@pytest.mark.fault(45)
async def test_brown_out(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    undo = g.inject("brown_out")
    await asyncio.sleep(0.5)
    undo()
    await asyncio.sleep(2.0)
    g.zero_by(1.0, cause="brown_out")
    end = await g.over()
    assert end.cause is Cause.BROWN_OUT
    assert len(g.seen("boot")) == 2
    await g.ledger()


@pytest.mark.fault(46)
async def test_firmware_hangs(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("hang")
    await asyncio.sleep(1.0)
    g.zero_by(0.512, cause="watchdog")
    await g.over()
    assert len(g.seen("boot")) == 2
    await g.ledger()


@pytest.mark.fault(46)
async def test_firmware_hangs_while_stopping(g: Ground) -> None:
    """A stop that a hung device cannot take is sent again until it can, and is then confirmed."""
    await g.controller.connect()
    await g.run(2.0)
    g.inject("hang")
    asked = g.loop.time()
    await g.controller.stop()
    assert g.loop.time() - asked <= 0.65
    g.zero_by(0.512)
    assert (await g.over()).exit_code is ExitCode.OK
    await g.ledger()


SERIAL_T = 0.5
"""T on memory and serial links, seconds (R4)."""


async def _clock_off(g: Ground, rate: float) -> None:
    """Short bounds hold in device time; a session is over in true time by what the host counts."""
    await g.controller.connect()
    await g.run(2.0)
    await g.goes_on(3.0)
    g.strike()
    g.heartbeat.cancel()
    await asyncio.sleep(1.2)
    g.zero_by(SERIAL_T + 0.1, cause="dead_man")
    await g.over()
    entry = (await g.entries())[0]
    true_s = g.delivered_s / rate
    assert entry.charged_s >= min(true_s, g.delivered_s) - 1e-6


@pytest.mark.fault(47)
@pytest.mark.laid(recipe=Recipe(options="fault=clock=%2B10%25"))
async def test_device_clock_fast(g: Ground) -> None:
    await _clock_off(g, 1.1)


@pytest.mark.fault(47)
@pytest.mark.laid(recipe=Recipe(options="fault=clock=-10%25"))
async def test_device_clock_slow(g: Ground) -> None:
    await _clock_off(g, 0.9)


@pytest.mark.fault(47)
@pytest.mark.laid(on=MEMORY, recipe=Recipe(options="fault=clock=-10%25"))
async def test_allowance_on_a_slow_clock(g: Ground) -> None:
    """R8: 1800 s of running in any hour, in true time, though this device counts 1620 of its own seconds."""
    driver = g.driver
    await driver.open(Hand())
    await _run_out(g)
    spans = [(s["t"] / 0.9, any(s["out"].values())) for s in g.samples]
    ran = sum(b[0] - a[0] for a, b in pairwise(spans) if a[1])
    assert 1600 <= ran <= 1801


async def _run_out(g: Ground) -> None:
    """A host without rules drives until the device lets it no more."""
    refused = ""
    for _ in range(6):
        await asyncio.sleep(0.2)
        try:
            await g.driver.arm(cap=100.0, limit_s=1800)
        except DeviceRefused as error:
            refused = error.result
            break
        for _ in range(round(700 / 0.2)):
            g.driver.send(Setpoint((50.0, 50.0, 50.0, 50.0, 50.0, 50.0)))
            await asyncio.sleep(0.2)
        await g.driver.stop(Cause.PERSON)
    assert refused == "allowance"


@pytest.mark.fault(48)
async def test_nvm_bit_flips(g: Ground) -> None:
    """Any record that cannot be read back: a fault latch at boot, and no allowance to run on."""
    await g.controller.connect()
    for number, record in enumerate(("latch", "life", "boot_a", "boot_b", "allowance"), start=1):
        await g.run(1.0)
        g.inject(f"nvm_flip={record}")
        await asyncio.sleep(0.3)
        g.zero_by(0.1, state="fault", cause="memory")
        assert (await g.over()).exit_code in (ExitCode.REFUSED, ExitCode.LINK)
        with pytest.raises(DeviceRefused):
            await g.controller.manual(60)
        await g.controller.reset()
        assert g.state == "idle"
        if record == "allowance":
            assert g.device.firmware.core.allowance.left_s == 0, (
                "nothing is left until an hour has passed"
            )
            with pytest.raises(DeviceRefused, match="hour"):
                await g.controller.manual(60)
        await asyncio.sleep(0.3)
        assert len(g.seen("trip")) == number
    charged = sum(entry.charged_s for entry in await g.entries())
    assert charged >= g.delivered_s


@pytest.mark.fault(48)
async def test_nvm_takes_no_writes(g: Ground) -> None:
    await g.controller.connect()
    await g.run(1.0)
    g.inject("nvm_stuck")
    await g.controller.stop()
    g.device.firmware.plant.nvm.flip("latch", 3)
    g.inject("reboot")
    await asyncio.sleep(0.3)
    assert (g.state, g.cause) == ("fault", "memory")
    with pytest.raises(DeviceRefused, match="cause"):
        await g.controller.reset()
    assert g.state == "fault"


@pytest.mark.fault(49)
async def test_button_bounces(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("button_bounce")
    await asyncio.sleep(1.0)
    g.zero_by(0.05, state="latched", cause="button")
    assert g.device.firmware.core.latch == 1, "one press, one latch"
    await _latched(g)


async def _latched(g: Ground) -> None:
    end = await g.over()
    assert (end.cause, end.exit_code) == (Cause.BUTTON, ExitCode.REFUSED)
    with pytest.raises(DeviceRefused, match=r"latched \(button\)"):
        await g.controller.manual(60)
    assert not g.is_up
    await g.ledger()


@pytest.mark.fault(49)
async def test_button_sticks(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("button_stuck")
    await asyncio.sleep(6.0)
    g.zero_by(0.05, state="latched", cause="button")
    await _latched(g)
    with pytest.raises(DeviceRefused, match="button"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    assert g.state == "latched", "the hold began before there was a latch to clear"


@pytest.mark.fault(50)
async def test_button_cable_open(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    undo = g.inject("button_open")
    await asyncio.sleep(0.5)
    g.zero_by(0.05, state="latched", cause="button_open")
    assert (await g.over()).cause is Cause.BUTTON_OPEN
    with pytest.raises(DeviceRefused, match="button"):
        await g.controller.reset()
    undo()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert (g.state, g.is_up) == ("idle", False)
    await g.ledger()


async def _pressed_once(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.strike()
    g.device.press()
    await asyncio.sleep(0.1)
    g.zero_by(0.05, state="latched", cause="button")


@pytest.mark.fault(51)
async def test_reset_while_pressed(g: Ground) -> None:
    await _pressed_once(g)
    await g.over()
    with pytest.raises(DeviceRefused, match="button") as caught:
        await g.controller.reset()
    assert caught.value.result == "button"
    assert g.state == "latched"
    g.device.release()
    await asyncio.sleep(0.3)
    await g.controller.reset()
    assert (g.state, g.is_up) == ("idle", False), "a reset raises nothing"
    await g.ledger()


@pytest.mark.fault(51)
async def test_reset_names_an_older_latch(g: Ground) -> None:
    """R7: a new cause voids what was asked before it."""
    await _pressed_once(g)
    await g.over()
    g.device.release()
    await asyncio.sleep(0.3)
    core = g.device.firmware.core
    old = wire.Reset(9, core.challenge, core.latch)
    g.device.press()
    g.device.release()
    await asyncio.sleep(0.3)
    g.tap.inner.write(on_the_line(old))
    g.tap.inner.write(on_the_line(wire.Reset(10, core.challenge, old.latch)))
    await asyncio.sleep(0.3)
    assert g.state == "latched"
    assert core.latch == 2


@pytest.mark.fault(52)
async def test_reset_held(g: Ground) -> None:
    """A hold of 2 s clears once, at its release; a button that stays down clears nothing."""
    await _pressed_once(g)
    await g.over()
    g.device.release()
    await asyncio.sleep(0.3)
    g.device.press()
    await asyncio.sleep(4.0)
    assert g.state == "latched", "still held"
    g.device.release()
    await asyncio.sleep(0.3)
    assert (g.state, g.is_up) == ("idle", False)
    assert len(g.seen("reset")) == 1
    g.device.press()
    await asyncio.sleep(0.2)
    assert g.state == "latched", "the next press is a stop again"
    await g.ledger()


@pytest.mark.fault(53)
@pytest.mark.laid(on=MEMORY)
async def test_stop_and_arm_again_and_again(g: Ground) -> None:
    """R8 on the device alone: however it is cut up, 1620 s of running and no more."""
    await g.driver.open(Hand())
    await _run_out(g)
    assert 1600 <= g.delivered_s <= 1621
    assert violations(g.trace, Bounds(rise=2.0)) == []


@pytest.mark.fault(53)
@pytest.mark.laid(on=MEMORY)
async def test_stop_and_start_on_the_host(g: Ground) -> None:
    """R9 on the host alone: three sessions a day, with rests, whatever the device would allow."""
    await g.controller.connect()
    for _ in range(3):
        await g.run(150.0)
        await g.controller.stop()
        await g.over()
        with pytest.raises(DoseSpent):
            await g.controller.manual(60)
        g.loop.clock.suspend(700.0)
    with pytest.raises(DoseSpent, match="3 sessions"):
        await g.controller.manual(60)
    await g.ledger()


@pytest.mark.fault(54)
async def test_telemetry_silent(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_silent")
    end = await g.over()
    # The device runs on fresh echoes alone, so its own dead-man is the first to act.
    assert end.cause in (Cause.TELEMETRY_LOST, Cause.DEAD_MAN)
    g.zero_by(1.3)
    assert end.exit_code in (ExitCode.REFUSED, ExitCode.UNCONFIRMED)
    await g.ledger(slack_s=2.0)


@pytest.mark.fault(54)
async def test_telemetry_frozen(g: Ground) -> None:
    """The same frame again and again is no news: the echo ages, the device's dead-man acts, the host notices."""
    await g.controller.connect()
    await g.run()
    g.inject("telemetry_freeze")
    await asyncio.sleep(3.0)
    g.zero_by(1.3)
    await g.over()
    await g.ledger(slack_s=3.0)


@pytest.mark.fault(55)
async def test_telemetry_lies(g: Ground) -> None:
    await g.controller.connect()
    await g.run(4.0)
    g.inject("lie_level")
    end = await g.over()
    assert end.cause is Cause.SAFETY
    assert "R14" in end.text
    assert g.heard("alarm")
    g.zero_by(1.0)
    await g.ledger()


@pytest.mark.fault(56)
@pytest.mark.laid(
    on=MEMORY, recipe=Recipe(options="fault=lie_cap=255&limits=off", bounds=NO_DEVICE)
)
async def test_claims_cap_255(g: Ground) -> None:
    """It claims that all is allowed, and allows it: the host's bounds stand."""
    await g.controller.connect()
    await g.run(1.0, level=100.0)
    await asyncio.sleep(330.0)
    assert max(g.out.values()) == 25.0, "a person's first session"
    assert violations(g.trace, NO_DEVICE) == []
    g.strike()
    await g.controller.stop()
    await g.over()
    g.zero_by(0.1)
    await g.ledger()


@pytest.mark.fault(56)
async def test_claims_to_be_simulated(g: Ground) -> None:
    """Its word alone frees it of neither screening nor dose."""
    info = await g.controller.connect()
    assert info.simulated
    g.loop.clock.suspend(13 * 3600.0)
    with pytest.raises(ScreeningNeeded):
        await g.controller.manual(60)
    assert not g.seen("arm")
    assert await g.entries() == []


@pytest.mark.fault(59)
async def test_used_by_another_host(g: Ground) -> None:
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    await g.controller.close()
    g.inject("used=600")
    await g.controller.connect()
    with pytest.raises(DoseSpent, match="resting"):
        await g.controller.manual(60)
    foreign = next(entry for entry in await g.entries() if entry.kind == "foreign")
    assert 598.0 <= foreign.charged_s <= 601.0
    assert not g.is_up


@pytest.mark.fault(59)
async def test_a_second_host_in_between(g: Ground) -> None:
    """Seconds that were really delivered by another controller, as the device's own counter tells them."""
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    other, _ = second_host(g)
    await other.connect()
    await other.manual()
    other.request(SetLevel(20.0))
    await asyncio.sleep(6.0)
    await other.close()
    await g.controller.close()
    await g.controller.connect()
    await g.run(1.0)
    await g.controller.stop()
    await g.over()
    charged = sum(entry.charged_s for entry in await g.entries())
    assert charged >= g.delivered_s - 1.0, "INFO counts whole seconds"
