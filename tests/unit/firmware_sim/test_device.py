"""The asyncio shell in simulated time: links, faults, lines and traces."""

from __future__ import annotations

import asyncio
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.marks import simulated_time

from firmware_sim import wire
from firmware_sim.config import DeviceConfig
from firmware_sim.faults.catalog import EVENTS, FAULTS, FLAWS, FaultError, apply_fault
from firmware_sim.faults.scenario import load_scenario
from firmware_sim.links.memory import Simulator, open_simulator
from firmware_sim.options import OptionError, Options, parse_options
from massager_fw.states import Cause, Result, State

LOW = (50, 50, 0, 0, 0, 0)


class Client:
    """A host on a memory link."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.splitter = wire.Splitter()
        self.heard: list[wire.Message] = []
        self.bad = 0
        self.lost: list[str] = []
        self.seq = 0
        self.link = sim.open_link("memory", self._data, self.lost.append)

    @property
    def core(self) -> Any:
        return self.sim.device.firmware.core

    def _data(self, data: bytes) -> None:
        for body in self.splitter.feed(data):
            try:
                if isinstance(body, wire.Bad):
                    raise wire.BadFrame(body)
                self.heard.append(wire.parse(body))
            except wire.BadFrame:
                self.bad += 1

    def last(self, kind: type[Any]) -> Any:
        return [message for message in self.heard if isinstance(message, kind)][-1]

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message in self.heard)

    def send(self, message: wire.Message) -> None:
        self.link.write(wire.frame(wire.pack(message)))

    async def arm(self) -> None:
        await asyncio.sleep(0.15)
        told = self.last(wire.Telemetry)
        self.send(wire.Arm(1, 9, told.epoch, told.challenge, self.seq, 1000, 1800))
        await asyncio.sleep(0.01)

    async def drive(self, seconds: float, level: tuple[int, ...] = LOW, heat: int = 0) -> None:
        for _ in range(round(seconds / 0.2)):
            told = self.last(wire.Telemetry)
            self.seq += 1
            pattern = (0x01,) * 6
            self.send(
                wire.Setpoint(told.epoch, 9, self.seq, told.counter, 0, heat, 4000, level, pattern)
            )
            await asyncio.sleep(0.2)


@simulated_time
async def test_a_session_over_the_memory_link() -> None:
    client = Client(open_simulator("seed=4&battery=50"))
    client.send(wire.GetInfo(7))
    assert client.heard == []  # never inside the host's own call
    await client.arm()
    assert client.last(wire.Info).token == 7
    assert client.last(wire.Ack).result == Result.OK
    await client.drive(3.0)
    assert client.last(wire.Telemetry).level == LOW
    client.send(wire.Stop(2, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert client.last(wire.Ack).of == wire.FrameType.STOP
    client.sim.close()
    client.sim.close()
    await asyncio.sleep(0.01)
    assert client.lost == ["the simulated device was switched off"]
    client.link.close()


@simulated_time
async def test_what_is_written_to_a_closed_link_is_nothing() -> None:
    client = Client(open_simulator())
    await client.arm()
    await client.drive(1.0)
    client.link.close()
    client.link.close()
    assert client.core.cause is Cause.LINK_LOST
    heard = len(client.heard)
    client.send(wire.GetInfo(1))
    await asyncio.sleep(0.5)
    assert len(client.heard) == heard
    client.sim.close()
    with pytest.raises(ConnectionError):
        Client(client.sim)


@simulated_time
async def test_ten_minutes_of_device_time_are_not_ten_minutes_of_waking() -> None:
    sim = open_simulator()
    await asyncio.sleep(600.0)
    assert sim.device.firmware.core.tick >= 600 * 50 - 5
    sim.close()


# --- faults, each through the options of an address


async def after(spec: str, seconds: float = 4.0, *, heat: int = 0) -> Client:
    """A client that drives for a while with the fault `spec`."""
    client = Client(open_simulator("", seed=5))
    client.sim.close()
    client = Client(
        open_simulator(f"fault={spec.replace('+', '%2B').replace('%1', '%251')}", seed=5)
    )
    await client.arm()
    await client.drive(seconds, heat=heat)
    return client


CAUSES: list[tuple[str, int]] = [
    ("stall@2", Cause.STALL),
    ("stall=trapezius_left@arm+2", Cause.STALL),
    ("over_current=trapezius_right@2", Cause.OVER_CURRENT),
    ("pwm_stuck=suboccipital_left@0.5", Cause.STUCK_OUTPUT),
    ("motor_hot=300@1", Cause.OVER_TEMPERATURE),
    ("overheat=300@1", Cause.OVER_TEMPERATURE),
    ("sensor_open@2", Cause.TEMPERATURE_SENSOR),
    ("sensor_short=motor@2", Cause.TEMPERATURE_SENSOR),
    ("sensor_stopped@2", Cause.TEMPERATURE_SENSOR),
    ("battery_sag=1.8@2", Cause.BATTERY_LOW),
    ("brown_out@2:0.2", Cause.BROWN_OUT),
    ("charging@2", Cause.CHARGING),
    ("hang@2", Cause.WATCHDOG),
    ("nvm_flip=life@2", Cause.MEMORY),
    ("nvm_flip@2", Cause.MEMORY),
    ("button@2", Cause.BUTTON),
    ("button_stuck@2:1", Cause.BUTTON),
    ("button_bounce@2", Cause.BUTTON),
    ("button_open@2:0.5", Cause.BUTTON_OPEN),
    ("silent@2", Cause.DEAD_MAN),
    ("delay=5@2", Cause.DEAD_MAN),
    ("drop=1@2", Cause.DEAD_MAN),
    ("corrupt=1@2", Cause.DEAD_MAN),
    ("truncate=1@2", Cause.DEAD_MAN),
    ("flap@2", Cause.LINK_LOST),
    ("unplug@2", Cause.LINK_LOST),
    ("telemetry_silent@2", Cause.DEAD_MAN),
    ("telemetry_freeze@2", Cause.DEAD_MAN),
]


@pytest.mark.parametrize(("spec", "cause"), CAUSES, ids=[spec for spec, _ in CAUSES])
@simulated_time
async def test_a_fault_ends_the_session_with_its_cause(spec: str, cause: Cause) -> None:
    client = await after(spec, 9.0)
    assert client.core.cause is cause
    assert client.core.levels.level == [0] * 6
    client.sim.close()


HARMLESS = [
    "duplicate=1@1",
    "fragment=1@1",
    "fragment=7@1:2",
    "reorder=0.2@1:2",
    "lie_level@1",
    "lie_later=20@1:2",
    "used=100@1",
    "ack_lost@1",
    "garbage@1",
    "stall@2:0.1",
    "overheat=1@1:1",
    "motor_hot=1@1:1",
    "pwm_stuck=neck_left@2:0.02",
    "battery_sag=0.1@1:1",
    "nvm_stuck@1:1",
    "drop=0.2@1:1",
    "delay=0.05@1:1",
    "silent@1:0.1",
    "telemetry_silent@1:0.3",
    "sensor_frozen@1",
    "clock=+10%",
    "clock=-10%",
    "clock",
    "lie_cap=255",
    "lie_simulated",
    "no_sensing",
    "battery=40",
    "stall@reset",
    "button@pain+3",
]


@pytest.mark.parametrize("spec", HARMLESS)
@simulated_time
async def test_a_fault_that_a_session_can_bear_ends_nothing(spec: str) -> None:
    client = await after(spec)
    assert client.core.state is State.RUNNING
    client.sim.close()


def test_every_fault_is_tried_here() -> None:
    tried = {spec.split("@")[0].split("=")[0] for spec in [*HARMLESS, *(s for s, _ in CAUSES)]}
    assert {*FAULTS, *FLAWS} - tried == {"reboot"}


@simulated_time
async def test_a_frozen_pad_sensor_trips_where_the_pad_should_warm_up() -> None:
    client = await after("sensor_frozen@2", 15.0, heat=390)
    assert client.core.cause is Cause.TEMPERATURE_SENSOR
    client.sim.close()


@simulated_time
async def test_a_reboot_is_a_new_epoch_and_nothing_goes_on() -> None:
    client = await after("reboot@2", 3.0)
    assert client.core.memory.boot == 2
    assert client.core.state is State.IDLE
    client.sim.close()


@simulated_time
async def test_an_unplugged_device_can_be_reached_again_when_it_is_back() -> None:
    client = Client(open_simulator("fault=unplug@1:2"))
    told: list[bool] = []
    client.sim.device.watch_plug(lambda: told.append(client.sim.device.plugged))
    await asyncio.sleep(1.5)
    assert client.lost == ["the simulated device was unplugged"]
    with pytest.raises(ConnectionError):
        Client(client.sim)
    await asyncio.sleep(2.0)
    assert told == [False, True]
    again = Client(client.sim)
    await again.arm()
    assert again.last(wire.Ack).result == Result.OK
    client.sim.close()


@simulated_time
async def test_a_lost_ack_is_answered_when_the_host_asks_again() -> None:
    client = Client(open_simulator("fault=ack_lost=2@0.1"))
    await asyncio.sleep(0.2)
    for token in (1, 2, 3):
        client.send(wire.Stop(token, 1))
        await asyncio.sleep(0.01)
    assert client.count(wire.Ack) == 1
    assert client.last(wire.Ack).token == 3
    client.sim.close()


@simulated_time
async def test_a_lost_ack_is_lost_whatever_byte_it_ends_with_on_ble() -> None:
    sim = open_simulator("")
    heard: list[bytes] = []
    link = sim.open_link("ble", heard.append, lambda _: None)
    await asyncio.sleep(0.2)
    sim.device.lose_acks(1000)
    for token in range(
        1000
    ):  # the last byte, of the CRC, is any: 00 does not make it a frame of a stream
        link.write(wire.pack(wire.Stop(token, 1)))
    await asyncio.sleep(0.01)
    assert not [body for body in heard if isinstance(wire.parse(body), wire.Ack)]
    sim.close()


@simulated_time
async def test_garbage_is_noise_to_the_host_and_the_next_frame_is_read() -> None:
    client = Client(open_simulator("fault=garbage=500@0.52"))
    await asyncio.sleep(1.0)
    assert client.bad > 0
    assert client.count(wire.Telemetry) >= 8
    client.sim.close()


@simulated_time
async def test_lies_in_info_and_telemetry() -> None:
    client = await after("lie_level@1")
    assert client.last(wire.Telemetry).level == (0,) * 6
    assert client.last(wire.Telemetry).current > 0
    assert client.core.levels.level[0] == 500
    client.sim.close()
    client = Client(open_simulator("fault=lie_cap=255&fault=lie_simulated"))
    client.send(wire.GetInfo(1))
    await asyncio.sleep(0.01)
    info = client.last(wire.Info)
    assert (info.caps, info.flags & 1) == ((255,) * 6, 0)
    client.sim.close()


@simulated_time
async def test_frozen_telemetry_repeats_one_counter() -> None:
    client = Client(open_simulator("fault=telemetry_freeze@0.5:1"))
    await asyncio.sleep(1.4)
    counters = {m.counter for m in client.heard[-5:] if isinstance(m, wire.Telemetry)}
    assert len(counters) == 1
    await asyncio.sleep(1.0)
    assert client.last(wire.Telemetry).counter not in counters
    client.sim.close()


@simulated_time
async def test_a_delayed_line_keeps_its_order_when_the_delay_ends() -> None:
    client = Client(open_simulator("fault=delay=0.3@0.5:0.5"))
    await asyncio.sleep(3.0)
    counters = [m.counter for m in client.heard if isinstance(m, wire.Telemetry)]
    assert counters == list(range(counters[0], counters[-1] + 1))
    client.sim.close()


@simulated_time
async def test_a_clock_that_is_slow_is_slow() -> None:
    client = Client(open_simulator("fault=clock=-10%25"))
    await asyncio.sleep(10.0)
    assert client.last(wire.Telemetry).uptime == pytest.approx(9000, abs=150)
    client.sim.close()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("colour=red", "no option 'colour'"),
        ("battery=200", "percentage"),
        ("battery=nan", "percentage"),
        ("seed=x", "cannot take seed=x"),
        ("mains=perhaps", "on or off"),
        ("serial=0123456789ABC", "12 ASCII"),
        ("ambient=warm", "cannot take ambient"),
        ("fault=stall@soon", "no event 'soon'"),
        ("fault=stall@1.2.3", "not a time"),
        ("fault=stall@-1", "not a time"),
        ("fault=nonsense", "no fault 'nonsense'"),
        ("fault=stall=elbow@3", "one of trapezius_left"),
        ("fault=clock@3", "takes no '@'"),
        ("fault=!", "NAME[=VALUE]"),
        ("fault=drop=2", "a number from 0 to 1"),
        ("fault=drop=nan", "a number from 0 to 1"),
        ("fault=sensor_open=ear", "pad or motor"),
        ("fault=nvm_flip=x", "one of boot_a"),
        ("fault=battery=x", "wrong value"),
    ],
)
def test_a_wrong_option_is_refused_with_the_way_out(query: str, message: str) -> None:
    with pytest.raises(OptionError, match=message.replace("[", r"\[")):
        parse_options(query)


def test_options_make_the_device() -> None:
    options = parse_options(
        "battery=33&serial=X1&ambient=20&mains=on&heat=off&kneading=off&limits=off&seed=9"
    )
    config = options.config
    assert (config.battery, config.serial, config.ambient) == (33.0, "X1", 20.0)
    assert (config.mains, config.heat, config.kneading, options.seed) == (True, False, 0, 9)
    assert config.limits.caps == (100,) * 6
    plain = parse_options("kneading=on&limits=on").config
    assert plain == DeviceConfig()


def test_the_events_of_a_fault_are_those_of_the_trace() -> None:
    for event in EVENTS:
        _, steps = apply_fault(DeviceConfig(), f"stall@{event}+2:3")
        assert (steps[0].event, steps[0].at, steps[0].lasts) == (event, 2.0, 3.0)
    with pytest.raises(FaultError):
        apply_fault(DeviceConfig(), "stall@tea+2")


# --- scenario files


def scenario(tmp_path: Path, text: str) -> Options:
    path = tmp_path / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    options = Options()
    load_scenario(path, options)
    return options


def test_a_scenario_says_what_when_and_for_how_long(tmp_path: Path) -> None:
    options = scenario(
        tmp_path,
        """
seed: 12
options: {battery: 44, heat: off}
steps:
  - {fault: stall, value: neck_left, at: 30, until: 35}
  - {fault: button, on: arm, at: 10}
  - {fault: silent}
  - {fault: silent, until: 2}
  - fault: clock
    value: -10%
""",
    )
    assert options.seed == 12
    assert (options.config.battery, options.config.heat) == (44.0, False)
    assert options.config.clock_rate == pytest.approx(0.9)
    said = [(step.label, step.at, step.event, step.lasts) for step in options.steps]
    assert said == [
        ("stall=neck_left@30:5", 30.0, None, 5.0),
        ("button@arm+10", 10.0, "arm", None),
        ("silent", 0.0, None, None),
        ("silent@0:2", 0.0, None, 2.0),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: [{fault: stall, at: 5, until: 3}]", "before it begins"),
        ("steps: [{fault: none}]", "no fault 'none'"),
        ("stops: []", "unknown field"),
        ("steps: [{fault: stall, at: soon}]", "Expected `float`"),
        ("a: [", "scenario.yaml is wrong"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("options: {colour: red}", "no option"),
        ("seed: 1\n" + "#" * 70_000, "64 KiB"),
    ],
)
def test_a_wrong_scenario_names_the_file_and_the_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        scenario(tmp_path, text)
    assert "scenario.yaml" in str(caught.value)


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read the scenario"):
        load_scenario(tmp_path / "none.yaml", Options())


# --- traces


@simulated_time
async def test_a_trace_has_a_header_samples_and_events(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"

    client = Client(open_simulator("seed=8&fault=button@4", trace_path=path, profile="test"))
    await client.arm()
    await client.drive(5.0)
    client.sim.close()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {
        "type": "header",
        "version": 1,
        "device": "SIM-00000001",
        "profile": "test",
        "seed": 8,
    }
    samples = [line for line in lines if line["type"] == "sample"]
    events = [(line["event"], line["reason"]) for line in lines if line["type"] == "event"]
    assert events == [
        ("boot", "none"),
        ("arm", ""),
        ("fault", "button@4"),
        ("latch", "button"),
    ]
    assert list(samples[0]) == [
        "type", "t", "running", "state", "out", "drive", "vibration", "kneading", "motion",
        "heat_c", "pad_c", "motor_c", "battery", "current_ma",
    ]  # fmt: skip
    times = [sample["t"] for sample in samples]
    assert max(b - a for a, b in pairwise(times)) <= 0.2001
    assert times == sorted(times)
    outs = [sample["out"]["trapezius_left"] for sample in samples]
    assert max(outs) == 5.0
    assert outs[-1] == 0.0
    assert samples[-1]["state"] == "latched"


@simulated_time
async def test_a_trace_may_go_to_an_open_file() -> None:
    file = io.StringIO()

    sim = open_simulator("fault=sensor_open@0.1&mains=on", trace=file)
    await asyncio.sleep(1.0)
    sim.close()
    last = json.loads(file.getvalue().splitlines()[-1])
    assert (last["pad_c"], last["battery"], last["state"]) == (None, None, "fault")
