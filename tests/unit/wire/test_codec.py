"""The host's codec against the frames that both sides are held to."""

from __future__ import annotations

import json
from binascii import crc_hqx
from pathlib import Path
from typing import Any, cast

import pytest

from massager_ctl.errors import ProtocolError
from massager_ctl.wire.codec import (
    LENGTHS,
    MAX_BODY,
    MAX_ENCODED,
    Splitter,
    decode_body,
    decode_run,
    encode_body,
    encode_frame,
)
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Message,
    Reset,
    SetpointFrame,
    Stop,
    TelemetryFrame,
    Type,
)

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "frames.json").read_text()
)
FRAMES = [frame for frame in GOLDEN["frames"] if frame.get("version", 1) == 1]
CLASSES: dict[str, type[Message]] = {
    "GET_INFO": GetInfo,
    "ARM": Arm,
    "SETPOINT": SetpointFrame,
    "STOP": Stop,
    "RESET": Reset,
    "INFO": Info,
    "TELEMETRY": TelemetryFrame,
    "ACK": Ack,
}
NAMES: dict[str, str] = {"level": "levels", "pattern": "patterns"}


def message_of(frame: dict[str, Any]) -> Message:
    """The message that a golden entry describes."""
    fields: dict[str, Any] = {
        NAMES.get(str(name), str(name)): tuple(cast("list[int]", value))
        if isinstance(value, list)
        else value
        for name, value in frame["fields"].items()
    }
    if frame["type"] == "INFO":
        fields["serial"] = fields["serial"].encode().ljust(12, b"\0")
    return CLASSES[frame["type"]](**fields)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["name"])
def test_golden_frames_both_ways(frame: dict[str, Any]) -> None:
    message = message_of(frame)
    body, framed = bytes.fromhex(frame["body"]), bytes.fromhex(frame["frame"])
    assert encode_body(message) == body
    assert encode_frame(message) == framed
    assert decode_body(body) == message
    assert decode_run(framed[:-1]) == message


def test_every_type_is_in_the_golden_file() -> None:
    assert {frame["type"] for frame in FRAMES} == {kind.name for kind in Type}


def test_the_crc_is_the_documented_one() -> None:
    check = GOLDEN["crc_check"]
    assert crc_hqx(bytes.fromhex(check["data"]), 0xFFFF) == check["crc"] == 0x29B1


def test_every_body_fits_an_att_mtu_of_87_and_stop_the_smallest_write() -> None:
    assert max(LENGTHS.values()) <= MAX_BODY == 87 - 3
    assert LENGTHS[Type.STOP] <= 20
    assert LENGTHS[Type.ACK] <= 20


def _sealed(content: bytes) -> bytes:
    return content + crc_hqx(content, 0xFFFF).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "0 bytes"),
        (b"\x01\x04\x00", "3 bytes"),
        (bytes(MAX_BODY + 1), "85 bytes"),
        (_sealed(b"\x01\x04\x01\x00\x00\x00\x01")[:-1] + b"\x00", "CRC"),
        (_sealed(b"\x03\x04\x01\x00\x00\x00\x01"), "version 3"),
        (_sealed(b"\x02\x7f\x01\x00\x00\x00\x01"), "unknown frame type 0x7f"),
        (_sealed(b"\x02\x04\x01\x00\x00\x00\x01\x00"), "STOP of 10 bytes"),
    ],
)
def test_bad_bodies_raise_the_protocol_error_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        decode_body(body)


def test_a_bad_cobs_run_raises_the_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="COBS"):
        decode_run(b"\x05\x01")


def test_a_field_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Stop does not fit"):
        encode_body(Stop(1 << 32, 1))


def test_the_splitter_drops_a_run_that_is_too_long_and_reads_the_next() -> None:
    splitter = Splitter()
    good = encode_frame(Stop(7, 1))
    assert splitter.feed(b"\x01" * 500) == []
    assert splitter.feed(b"\x01" * 3 + b"\0" + good) == [good[:-1]]
    assert splitter.dropped == 1
    assert splitter.feed(b"\x01" * 86 + b"\0") == []
    assert splitter.dropped == 2


def test_r16_the_splitter_keeps_no_more_than_a_frame_of_what_never_ends() -> None:
    splitter = Splitter()
    for _ in range(20):
        assert splitter.feed(b"\x01" * 100) == []
        assert len(splitter._rest) <= MAX_ENCODED


def test_empty_runs_are_nothing() -> None:
    splitter = Splitter()
    good = encode_frame(Stop(7, 1))
    assert splitter.feed(b"\0\0" + good + b"\0" + good) == [good[:-1]] * 2
    assert splitter.dropped == 0


@pytest.mark.parametrize("bad", GOLDEN["bad"], ids=lambda bad: bad["name"])
def test_golden_bad_frames_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode_body(bytes.fromhex(bad["body"]))
    runs = Splitter().feed(bytes.fromhex(bad["frame"]))
    for run in runs:
        with pytest.raises(ProtocolError):
            decode_run(run)


@pytest.mark.parametrize("stream", GOLDEN["streams"], ids=lambda stream: stream["name"])
def test_golden_streams_give_what_they_say(stream: dict[str, Any]) -> None:
    named = {frame["name"]: bytes.fromhex(frame["body"]) for frame in FRAMES}
    splitter = Splitter()
    good: list[Message] = []
    bad = 0
    for run in splitter.feed(bytes.fromhex(stream["stream"])):
        try:
            good.append(decode_run(run))
        except ProtocolError:
            bad += 1
    assert good == [decode_body(named[name]) for name in stream["gives"] if name != "bad"]
    assert bad + splitter.dropped == stream["gives"].count("bad")
