"""The device's codec against the frozen frames, literal bytes and its own limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware_sim import wire

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "frames.json").read_text(encoding="utf-8")
)
FRAMES: list[dict[str, Any]] = GOLDEN["frames"]
BAD: list[dict[str, Any]] = GOLDEN["bad"]
STREAMS: list[dict[str, Any]] = GOLDEN["streams"]
TYPES: dict[str, type[msgspec.Struct]] = {
    "GET_INFO": wire.GetInfo,
    "ARM": wire.Arm,
    "SETPOINT": wire.Setpoint,
    "STOP": wire.Stop,
    "RESET": wire.Reset,
    "INFO": wire.Info,
    "TELEMETRY": wire.Telemetry,
    "ACK": wire.Ack,
}


def _message(entry: dict[str, Any]) -> msgspec.Struct:
    return msgspec.convert(entry["fields"], TYPES[entry["type"]])


def _read(body: bytes | wire.Bad) -> wire.Message | None:
    try:
        return None if isinstance(body, wire.Bad) else wire.parse(body)
    except wire.BadFrame:
        return None


def _names(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in entries]


def test_golden_covers_every_frame_type() -> None:
    assert {wire.FrameType[entry["type"]] for entry in FRAMES} == set(wire.FrameType)


@pytest.mark.parametrize("entry", FRAMES, ids=_names(FRAMES))
def test_golden_frame_is_read(entry: dict[str, Any]) -> None:
    assert wire.parse(bytes.fromhex(entry["body"])) == _message(entry)


@pytest.mark.parametrize(
    "entry",
    [entry for entry in FRAMES if "version" not in entry],
    ids=[entry["name"] for entry in FRAMES if "version" not in entry],
)
def test_golden_frame_is_written(entry: dict[str, Any]) -> None:
    message = wire.parse(bytes.fromhex(entry["body"]))
    body = wire.pack(message)
    assert body.hex() == entry["body"]
    assert wire.frame(body).hex() == entry["frame"]


@pytest.mark.parametrize("entry", FRAMES, ids=_names(FRAMES))
def test_golden_frame_is_split(entry: dict[str, Any]) -> None:
    assert wire.Splitter().feed(bytes.fromhex(entry["frame"])) == [bytes.fromhex(entry["body"])]


@pytest.mark.parametrize("entry", BAD, ids=_names(BAD))
def test_bad_frame_is_refused_with_its_reason(entry: dict[str, Any]) -> None:
    with pytest.raises(wire.BadFrame) as caught:
        wire.parse(bytes.fromhex(entry["body"]))
    assert caught.value.reason == wire.Bad(entry["reason"])


@pytest.mark.parametrize("entry", STREAMS, ids=_names(STREAMS))
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_stream_in_any_pieces(entry: dict[str, Any], size: int) -> None:
    messages = {e["name"]: _message(e) for e in FRAMES}
    stream = bytes.fromhex(entry["stream"])
    splitter = wire.Splitter()
    given: list[wire.Message | None] = []
    for start in range(0, len(stream), size):
        given += [_read(body) for body in splitter.feed(stream[start : start + size])]
    assert given == [messages.get(name) for name in entry["gives"]]


def test_crc_has_the_check_value() -> None:
    assert wire.crc(b"123456789") == 0x29B1


def test_stop_in_literal_bytes() -> None:
    body = wire.pack(wire.Stop(token=1, reason=1))
    assert body[:7] == bytes.fromhex("02040100000001")
    assert len(body) == 9
    assert wire.frame(b"\x01\x04\x00\x02") == bytes.fromhex("0301040202 00")


def test_run_that_is_no_cobs_is_bad() -> None:
    assert wire.Splitter().feed(b"\x09\x01\x00") == [wire.Bad.COBS]


def test_longest_frame_passes_and_one_more_byte_does_not() -> None:
    longest = wire.frame(bytes(range(1, 85)))
    assert wire.Splitter().feed(longest) == [bytes(range(1, 85))]
    assert wire.Splitter().feed(wire.frame(bytes(range(1, 86)))) == [wire.Bad.OVERLONG]


def test_splitter_holds_no_more_than_one_frame() -> None:
    splitter = wire.Splitter()
    for _ in range(1000):
        assert splitter.feed(b"\x55" * 100) == []
    assert splitter.feed(b"\x00" + wire.frame(b"abcd")) == [wire.Bad.OVERLONG, b"abcd"]


def test_serial_that_is_not_ascii_raises_nothing() -> None:
    entry = next(e for e in FRAMES if e["name"] == "info_reference")
    head = bytearray.fromhex(entry["body"])[:-2]
    head[7:19] = b"\xff" * 12
    message = wire.parse(wire.seal(bytes(head)))
    assert isinstance(message, wire.Info)
    assert message.serial == "\ufffd" * 12
