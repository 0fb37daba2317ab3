"""The host against a device that behaves, and misbehaves, like a real one. Simulated time: minutes take no time."""

from __future__ import annotations

import os
import time
import tty
from collections.abc import Callable

import pytest
from gentle_host import GentleHost, Phase

from firmware_sim.testing import MemoryMassager, SerialMassager

PERIOD_S = 0.2


def drive(host: GentleHost, massager: MemoryMassager, seconds: float) -> None:
    """Call the host every 200 ms, as its own program does."""
    for _ in range(round(seconds / PERIOD_S)):
        host.step(massager.time.now)
        massager.run(PERIOD_S)


@pytest.fixture
def host(massager_sim: MemoryMassager) -> GentleHost:
    return GentleHost(massager_sim.write, massager_sim.read)


def test_five_minutes_keep_every_rule(host: GentleHost, massager_sim: MemoryMassager) -> None:
    host.start(target=9.0)
    drive(host, massager_sim, 300)
    assert massager_sim.levels["trapezius_left"] == pytest.approx(9.0)
    host.stop("done")
    drive(host, massager_sim, 1)
    assert host.stop_confirmed
    assert massager_sim.state == "idle"
    massager_sim.assert_rules()


def test_a_host_that_dies_leaves_the_device_at_zero(
    host: GentleHost, massager_sim: MemoryMassager
) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 10)
    assert massager_sim.state == "running"
    massager_sim.run(0.7)
    assert not any(massager_sim.levels.values())
    assert massager_sim.cause == "dead_man"


def test_the_button_ends_it(host: GentleHost, massager_sim: MemoryMassager) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 10)
    massager_sim.press()
    drive(host, massager_sim, 1)
    assert host.phase is Phase.OVER
    assert massager_sim.state == "latched"


def test_a_motor_that_is_held_fast(
    host: GentleHost, massager_sim: MemoryMassager, massager_faults: Callable[[str], None]
) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 10)
    massager_faults("stall=trapezius_left")
    drive(host, massager_sim, 2)
    assert host.phase is Phase.OVER
    assert massager_sim.cause == "stall"
    massager_sim.assert_rules()


@pytest.mark.massager(faults=["telemetry_silent@arm+10"])
def test_silence_makes_it_stop(host: GentleHost, massager_sim: MemoryMassager) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 15)
    assert (host.phase, host.why) == (Phase.OVER, "the device fell silent")
    assert massager_sim.state == "idle"


@pytest.mark.massager(faults=["corrupt=0.05", "fragment=3"], seed=7)
def test_a_bad_line_breaks_no_rule(host: GentleHost, massager_sim: MemoryMassager) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 60)
    massager_sim.assert_rules()


@pytest.mark.massager(battery=10)
def test_a_low_battery_is_told(host: GentleHost, massager_sim: MemoryMassager) -> None:
    host.start(target=5.0)
    drive(host, massager_sim, 2)
    assert host.phase is Phase.OVER
    assert "result 8" in host.why


def test_over_a_real_serial_port(massager_pty: SerialMassager) -> None:
    port = os.open(massager_pty.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(port)

    def read() -> bytes:
        try:
            return os.read(port, 4096)
        except BlockingIOError:
            return b""

    host = GentleHost(lambda data: os.write(port, data), read)
    try:
        host.start(target=3.0)
        until = time.monotonic() + 10
        while massager_pty.state != "running" and time.monotonic() < until:
            host.step(time.monotonic())
            time.sleep(0.1)
        assert massager_pty.state == "running"
        host.stop("done")
        while not host.stop_confirmed and time.monotonic() < until:
            host.step(time.monotonic())
            time.sleep(0.02)
        assert host.stop_confirmed
        assert not any(massager_pty.levels.values())
    finally:
        os.close(port)
    massager_pty.assert_rules(rules=["R1", "R2", "R6", "R8"])
