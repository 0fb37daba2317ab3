"""The pytest plugin's fixtures, as someone else's tests use them."""

from __future__ import annotations

import asyncio
import os
import re
import time
import tty
from collections.abc import Callable
from pathlib import Path

import pytest
from bleak import BleakClient, BleakScanner

from firmware_sim import wire
from firmware_sim.faults.catalog import FaultError
from firmware_sim.testing import (
    DEVICE_ALONE,
    BleMassager,
    MemoryMassager,
    SerialMassager,
    SimulatedTime,
)
from firmware_sim.trace_rules import Bounds

pytest_plugins = ["pytester"]

STOP_UUID = "6d617373-6765-7200-a001-000000000004"
INFO_UUID = "6d617373-6765-7200-a001-000000000005"
LEVEL = (60, 60, 0, 0, 0, 0)


class Host:
    """The smallest host there can be: it arms, and asks for the same each 200 ms."""

    def __init__(self, massager: MemoryMassager) -> None:
        self.massager = massager
        self.splitter = wire.Splitter()
        self.seq = 0
        self.epoch = 0
        self.latest: wire.Telemetry | None = None

    def hear(self) -> wire.Telemetry:
        while True:
            for body in self.splitter.feed(self.massager.read()):
                assert isinstance(body, bytes)
                message = wire.parse(body)
                if isinstance(message, wire.Telemetry):
                    self.latest = message
            if self.latest is not None:
                return self.latest
            self.massager.run(0.1)

    def send(self, message: wire.Message) -> None:
        self.massager.write(wire.frame(wire.pack(message)))

    def arm(self) -> None:
        self.massager.run(0.2)
        telemetry = self.hear()
        self.epoch = telemetry.epoch
        self.send(wire.Arm(1, 7, telemetry.epoch, telemetry.challenge, self.seq, 1000, 1800))

    def drive(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.2)):
            self.seq += 1
            telemetry = self.hear()
            self.send(
                wire.Setpoint(
                    *(self.epoch, 7, self.seq, telemetry.counter, 0, 0, 4000), LEVEL, (1,) * 6
                )
            )
            self.massager.run(0.2)


@pytest.fixture
def host(massager_sim: MemoryMassager) -> Host:
    return Host(massager_sim)


def test_simulated_time_takes_no_time(massager_time: SimulatedTime) -> None:
    began = time.monotonic()
    massager_time.sleep(3600)
    assert massager_time.now == pytest.approx(3600)
    assert time.monotonic() - began < 60

    async def scenario() -> str:
        await asyncio.sleep(10)
        return "done"

    assert massager_time.run(scenario()) == "done"
    with pytest.raises(TimeoutError):
        massager_time.run(asyncio.sleep(100), limit_s=50)


def test_a_thread_is_waited_for_in_simulated_time(massager_time: SimulatedTime) -> None:
    async def scenario() -> float:
        before = massager_time.now
        await asyncio.to_thread(time.sleep, 0.05)
        return massager_time.now - before

    assert massager_time.run(scenario()) == 0


def test_a_device_in_memory(massager_sim: MemoryMassager, host: Host) -> None:
    assert massager_sim.state == "idle"
    host.arm()
    host.drive(4)
    assert massager_sim.state == "running"
    assert massager_sim.levels["trapezius_left"] == pytest.approx(6.0)
    assert massager_sim.events == ["boot", "arm"]
    massager_sim.assert_rules(DEVICE_ALONE)
    massager_sim.run(1)
    assert massager_sim.cause == "dead_man"
    assert massager_sim.trace[0]["type"] == "header"


def test_a_broken_rule_is_told_with_rule_time_and_amount(
    massager_sim: MemoryMassager, host: Host
) -> None:
    host.arm()
    host.drive(4)
    with pytest.raises(AssertionError) as broken:
        massager_sim.assert_rules(Bounds(caps={"trapezius_left": 5.0}, rise=2.0, step_s=0.1))
    text = str(broken.value)
    assert "R1 is broken in" in text
    assert "trapezius_left" in text
    assert "bound 5.00 (over by" in text
    assert "worst:" in text
    massager_sim.assert_rules(
        Bounds(caps={"trapezius_left": 5.0}, rise=2.0, step_s=0.1), rules=["R3", "R8"]
    )


@pytest.mark.massager(mutant="no-cap")
@pytest.mark.massager(mutant="envelope-ignored")
def test_a_mutant_is_seen_by_the_trace(massager_sim: MemoryMassager, host: Host) -> None:
    """The nearest marker is the last to speak, as in pytest itself."""
    host.arm()
    host.drive(20)
    massager_sim.assert_rules(DEVICE_ALONE, rules=["R1"])


def test_the_button_and_what_clears_it(massager_sim: MemoryMassager, host: Host) -> None:
    host.arm()
    host.drive(1)
    massager_sim.press()
    massager_sim.run(0.2)
    massager_sim.release()
    massager_sim.run(0.2)
    assert massager_sim.state == "latched"
    massager_sim.hold()
    assert massager_sim.state == "idle"


def test_a_second_link_and_a_broken_one(massager_sim: MemoryMassager) -> None:
    second = massager_sim.open_link()
    massager_sim.run(0.3)
    assert second.read()
    second.close()
    assert second.is_closing()
    massager_sim.device.drop_links("pulled")
    massager_sim.run(0.1)
    assert massager_sim.link.lost == "pulled"


def test_streams_for_a_host_on_asyncio(
    massager_sim: MemoryMassager, massager_time: SimulatedTime
) -> None:
    async def scenario() -> list[bytes]:
        reader, writer = massager_sim.streams()
        writer.write(wire.frame(wire.pack(wire.Stop(5, 1))))
        await writer.drain()
        return [await reader.readuntil(b"\x00") for _ in range(5)]

    kinds = {
        wire.FrameType(body[1])
        for frame in massager_time.run(scenario())
        for body in wire.Splitter().feed(frame)
        if isinstance(body, bytes)
    }
    assert kinds == {wire.FrameType.TELEMETRY, wire.FrameType.ACK}
    massager_sim.device.drop_links("pulled")

    async def to_the_end() -> bytes:
        return await massager_sim.streams()[0].read()

    massager_time.run(to_the_end())
    assert massager_sim.link.lost == "pulled"


def test_faults_now_later_and_for_a_while(
    massager_sim: MemoryMassager, host: Host, massager_faults: Callable[[str], None]
) -> None:
    massager_faults("charging@1:2")
    massager_faults("battery_sag=1.6")
    massager_sim.run(1.5)
    assert host.hear().flags & 4
    massager_sim.run(2)
    telemetry = host.hear()
    assert not telemetry.flags & 4
    assert telemetry.battery < 15
    with pytest.raises(FaultError, match="before the device is"):
        massager_faults("stall@arm+1")
    with pytest.raises(FaultError, match="there is no fault"):
        massager_faults("nonsense")


@pytest.mark.massager(battery=10, faults=["clock=+10%"])
def test_options_and_faults_from_the_start(massager_sim: MemoryMassager, host: Host) -> None:
    massager_sim.run(10)
    telemetry = host.hear()
    assert telemetry.battery <= 10
    assert telemetry.uptime == pytest.approx(11_000, abs=200)


def test_a_serial_port_in_real_time(
    massager_pty: SerialMassager, massager_faults: Callable[[str], None]
) -> None:
    port = os.open(massager_pty.path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    try:
        os.write(port, wire.frame(wire.pack(wire.Stop(9, 1))))
        splitter = wire.Splitter()
        answers: list[wire.Message] = []
        while not any(isinstance(answer, wire.Ack) for answer in answers):
            heard = splitter.feed(os.read(port, 4096))
            answers += [wire.parse(body) for body in heard if isinstance(body, bytes)]
    finally:
        os.close(port)
    massager_pty.press()
    assert massager_pty.state == "latched"
    massager_pty.release()
    massager_faults("nvm_flip=latch")
    assert massager_pty.state == "fault"
    assert massager_pty.events[0] == "boot"
    assert massager_pty.address == "serial:" + massager_pty.path
    with pytest.raises(FaultError):
        massager_pty.fault("nonsense")


def test_a_virtual_radio(massager_ble: BleMassager, massager_time: SimulatedTime) -> None:
    async def scenario() -> bytes:
        found = await BleakScanner.find_device_by_name("Massager", backend=massager_ble.scanner)
        assert found is not None
        async with BleakClient(found, backend=massager_ble.backend) as client:
            info = await client.read_gatt_char(INFO_UUID)
            stop = wire.pack(wire.Stop(3, 1))
            await client.write_gatt_char(STOP_UUID, stop, response=True)
            return bytes(info)

    assert isinstance(wire.parse(massager_time.run(scenario())), wire.Info)
    massager_ble.open_pairing()
    assert massager_ble.state == "idle"
    assert "stop" in massager_ble.events


def test_the_plugin_in_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_rules(massager_sim):
            massager_sim.run(60)
            massager_sim.assert_rules()

        def test_no_device(massager_faults):
            massager_faults("stall")
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "--strict-markers")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*needs one of massager_sim, massager_pty, massager_ble*"])


def test_what_the_how_to_shows_works(pytester: pytest.Pytester) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "pytest-plugin.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) >= 4
    for number, block in enumerate(blocks):
        pytester.makepyfile(**{f"test_block_{number}": block})
    result = pytester.runpytest_subprocess("--strict-markers", "--import-mode=importlib")
    result.assert_outcomes(passed=sum(block.count("def test_") for block in blocks))
