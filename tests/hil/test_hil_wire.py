"""The suite's own codec agrees with the golden frames, as the host's and the device's do."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from massager_hil import wire
from massager_hil.oracle.receiver import AnyStop, Bad, Receiver, read

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "frames.json").read_text(encoding="utf-8")
)
KINDS: dict[str, Any] = {
    "GET_INFO": wire.GetInfo,
    "ARM": wire.Arm,
    "SETPOINT": wire.Setpoint,
    "STOP": wire.Stop,
    "RESET": wire.Reset,
    "INFO": wire.Info,
    "TELEMETRY": wire.Telemetry,
    "ACK": wire.Ack,
}


@pytest.mark.parametrize("golden", GOLDEN["frames"], ids=lambda g: g["name"])
def test_golden_frames_are_packed_and_parsed(golden: dict[str, Any]) -> None:
    body, fields = bytes.fromhex(golden["body"]), golden["fields"]
    assert wire.frame(body).hex() == golden["frame"]
    assert wire.unstuff(bytes.fromhex(golden["frame"])[:-1]) == body
    if golden["type"] == "STOP":
        assert read(body) == AnyStop(fields["token"], fields["reason"])
    if "version" in golden:
        return
    made = KINDS[golden["type"]](
        **{name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    )
    assert wire.pack(made) == body
    assert wire.parse(body) == made


@pytest.mark.parametrize("golden", GOLDEN["bad"], ids=lambda g: g["name"])
def test_golden_bad_frames_are_bad(golden: dict[str, Any]) -> None:
    receiver = Receiver(framed_by_link=False)
    assert receiver.feed(bytes.fromhex(golden["frame"])) == [Bad()]


@pytest.mark.parametrize("golden", GOLDEN["streams"], ids=lambda g: g["name"])
def test_golden_streams_give_the_same_frames_byte_by_byte(golden: dict[str, Any]) -> None:
    receiver = Receiver(framed_by_link=False)
    found = [
        frame for byte in bytes.fromhex(golden["stream"]) for frame in receiver.feed(bytes((byte,)))
    ]
    words: dict[type, str] = {Bad: "bad", AnyStop: "stop_person", wire.GetInfo: "get_info"}
    assert [words[type(frame)] for frame in found] == golden["gives"]


def test_the_check_value_of_the_crc() -> None:
    check = GOLDEN["crc_check"]
    assert wire.crc16(bytes.fromhex(check["data"])) == check["crc"]


def test_stuffing_is_undone_whatever_the_bytes_are() -> None:
    chance = random.Random(2)
    for size in (*range(20), 253, 254, 255, 508, 509, 600):
        for data in (chance.randbytes(size), bytes(size), b"\x01" * size):
            stuffed = wire.stuff(data)
            assert 0 not in stuffed
            assert wire.unstuff(stuffed) == data


@pytest.mark.parametrize("run", [b"\x05ab", b"\x00\x01", b"\x03a\x00"])
def test_what_is_no_cobs_is_refused(run: bytes) -> None:
    with pytest.raises(wire.BadFrame):
        wire.unstuff(run)
