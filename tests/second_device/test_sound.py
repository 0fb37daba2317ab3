"""The sound device plays as docs/protocol.md says, and its codec agrees with the golden frames."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.second_device import codec
from tests.second_device.bad import BAD
from tests.second_device.host import Host
from tests.second_device.sound import SecondDevice

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "frames.json").read_text(encoding="utf-8")
)
LEVELS = (300, 300, 200, 200, 100, 100)


def started() -> Host:
    host = Host(SecondDevice(3))
    host.wait(6.0)
    assert host.arm() == 0
    return host


def body_of(golden: dict[str, Any]) -> bytes:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in golden["fields"].items()
    }
    version = golden.get("version", 2)
    classes = {
        "ARM": (codec.ARM, codec.Arm),
        "SETPOINT": (codec.SETPOINT, codec.Setpoint),
        "RESET": (codec.RESET, codec.Reset),
        "INFO": (codec.INFO, codec.Info),
        "TELEMETRY": (codec.TELEMETRY, codec.Telemetry),
        "ACK": (codec.ACK, codec.Ack),
    }
    token = fields.get("token", 0).to_bytes(4, "little")
    if golden["type"] == "GET_INFO":
        return codec.body(codec.GET_INFO, token)
    if golden["type"] == "STOP":
        extra = bytes.fromhex(golden.get("extra", ""))
        return codec.body(codec.STOP, token + bytes([fields["reason"]]) + extra, version)
    kind, cls = classes[golden["type"]]
    made = cls(**fields)
    data = codec.body(kind, made.pack())
    assert cls.unpack(data[2:-2]) == made
    return data


@pytest.mark.parametrize("golden", GOLDEN["frames"], ids=lambda g: g["name"])
def test_golden_frames(golden: dict[str, Any]) -> None:
    body = body_of(golden)
    assert body.hex() == golden["body"]
    assert codec.frame(body).hex() == golden["frame"]
    assert codec.cobs_decode(bytes.fromhex(golden["frame"])[:-1]) == body


@pytest.mark.parametrize("golden", GOLDEN["bad"], ids=lambda g: g["name"])
def test_bad_frames_are_counted_and_do_nothing(golden: dict[str, Any]) -> None:
    host = Host(SecondDevice())
    host.wait(0.1)
    epoch = host.last.epoch
    host.device.feed(1, bytes.fromhex(golden["frame"]), host.now)
    host.wait(0.1)
    assert (host.last.epoch, host.last.rejected) == (epoch, 1)


@pytest.mark.parametrize("golden", GOLDEN["streams"], ids=lambda g: g["name"])
def test_streams(golden: dict[str, Any]) -> None:
    host = Host(SecondDevice())
    host.wait(0.1)
    for byte in bytes.fromhex(golden["stream"]):
        host.device.feed(1, bytes([byte]), host.now)
    host.wait(0.1)
    assert host.last.rejected == golden["gives"].count("bad")
    assert len(host.acks) == golden["gives"].count("stop_person")
    assert len(host.infos) == golden["gives"].count("get_info")


def test_crc_check_value() -> None:
    assert codec.crc16(bytes.fromhex(GOLDEN["crc_check"]["data"])) == GOLDEN["crc_check"]["crc"]


def test_worked_bytes_of_levels_and_counters() -> None:
    host = Host(SecondDevice())
    host.wait(0.11)
    assert host.last.counter == 2
    assert host.arm() == 0
    host.wait(0.01)
    host.set((100, 100, 60, 60, 0, 0), 0x12)
    host.wait(0.2)
    telemetry = host.last
    assert (telemetry.counter, telemetry.uptime, telemetry.running, telemetry.level[:4]) == (
        7,
        300,
        160,
        (4, 4, 4, 4),
    )


def test_ninety_seconds_then_stop() -> None:
    host = started()
    host.play(60, LEVELS, 0x01)
    assert all(max(t.level) <= 100 for t in host.seen)
    host.play(30, LEVELS, 0x32)
    assert host.last.state == 2
    assert host.last.level[0] > 150
    for before, after in zip(host.seen, host.seen[1:], strict=False):
        ticks = (after.uptime - before.uptime) / 20
        for i in range(6):
            assert after.vibration[i] + after.kneading[i] <= after.level[i]
            assert after.vibration[i] - before.vibration[i] <= 2 * ticks + 1
            assert after.kneading[i] - before.kneading[i] <= 2 * ticks + 1
            assert after.level[i] - before.level[i] <= 0.4 * ticks + 1
    epoch = host.last.epoch
    host.stop()
    assert host.acks[-1].result == 0
    assert host.last.state == 0
    assert host.last.epoch != epoch
    assert not any(host.last.level + host.last.vibration + host.last.kneading)
    host.wait(0.5)
    assert host.last.current <= 30


def test_silence_is_a_dead_man() -> None:
    host = started()
    host.play(3, LEVELS, 0x01)
    host.wait(0.42)
    assert host.last.state == 0
    assert host.last.cause == 16


def test_link_lost_and_jammed_motor() -> None:
    host = started()
    host.play(3, LEVELS, 0x01)
    host.device.zones[0].vibration.jammed = True
    host.play(1.2, LEVELS, 0x01)
    assert (host.last.state, host.last.cause, host.last.latch) == (6, 50, 1)


def test_two_presses_clear_the_latch_of_the_button() -> None:
    host = started()
    for state in (5, 0):
        host.device.press(host.now)
        host.wait(2.5)
        host.device.release(host.now)
        host.wait(0.2)
        assert host.last.state == state
    assert host.last.flags & 32


def test_noise_ends_the_session() -> None:
    host = started()
    for _ in range(12):
        host.device.feed(1, b"\x02\x07\x00" * 3, host.now)
        host.play(0.2, LEVELS, 0x01)
    assert host.last.cause == 21


def test_memory_outlives_a_power_cut() -> None:
    nvm: dict[str, bytes] = {}
    host = Host(SecondDevice(1, nvm))
    host.wait(6.0)
    host.arm()
    host.play(15, LEVELS, 0x01)
    host.device.power_cut(host.now)
    again = Host(SecondDevice(1, nvm))
    again.wait(0.1)
    again.send(codec.GET_INFO, bytes(4))
    assert again.infos[-1].boot == 2
    assert again.infos[-1].lifetime >= 15


@pytest.mark.parametrize("name", BAD)
def test_each_bad_one_lives_and_says_its_rule(name: str) -> None:
    """A broken device still boots, arms and plays, or is refused for its own mistake: it never crashes."""
    assert (BAD[name].__doc__ or "").strip()
    host = Host(BAD[name](2))
    host.wait(0.1)
    host.arm()
    host.play(0.4, LEVELS, 0x01)
    host.device.feed(1, random.Random(name).randbytes(200), host.now)
    host.stop()
    host.wait(0.2)
    assert host.seen
