"""Frames encoded and decoded with every field checked, beside construct, and beside the C parts alone."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import struct
import time
from binascii import crc_hqx
from collections.abc import Callable, Sequence

from cobs import cobs

from bench.figures import Rounds, Row, Scale, at_least, ratio
from bench.peers import construct_codec
from massager_ctl.wire.codec import VERSION, decode_run, encode_frame
from massager_ctl.wire.messages import Ack, SetpointFrame, Type

NUMBER = 8
TITLE = "codec, frame of 15 bytes and CRC"

MESSAGE = Ack(0x12345678, 4, 0, 0x00100007, 3)
LONG = SetpointFrame(7, 9, 11, 13, 0, 0, 5000, (50, 50, 50, 50, 50, 50), (1, 1, 1, 1, 1, 1))
LAYOUT = struct.Struct("<BBIBBIH")


def floor_encode() -> bytes:
    """The same frame by the parts that are C, with the fields at hand and nothing checked but their size."""
    body = LAYOUT.pack(VERSION, int(Type.ACK), 0x12345678, 4, 0, 0x00100007, 3)
    return cobs.encode(body + crc_hqx(body, 0xFFFF).to_bytes(2, "little")) + b"\0"


def floor_decode(run: bytes) -> tuple[int, ...]:
    body = cobs.decode(run)
    if crc_hqx(body[:-2], 0xFFFF) != body[-2] | body[-1] << 8:
        raise ValueError
    return LAYOUT.unpack_from(body)


def measure(scale: Scale) -> Row:
    run = encode_frame(MESSAGE)[:-1]
    long_run = encode_frame(LONG)[:-1]
    assert decode_run(run) == MESSAGE
    assert floor_encode()[:-1] == run
    subjects: dict[str, Callable[[], object]] = {
        "ours_encode": lambda: encode_frame(MESSAGE),
        "ours_decode": lambda: decode_run(run),
        "floor_encode": floor_encode,
        "floor_decode": lambda: floor_decode(run),
        "setpoint_encode": lambda: encode_frame(LONG),
        "setpoint_decode": lambda: decode_run(long_run),
    }
    if construct_codec.installed():
        codec = construct_codec.AckCodec()
        assert codec.encode(MESSAGE) == encode_frame(MESSAGE)
        subjects["construct_encode"] = lambda: codec.encode(MESSAGE)
        subjects["construct_decode"] = lambda: codec.decode(run)
    took = {name: Rounds() for name in subjects}
    for _ in range(scale.rounds):
        for name, call in subjects.items():
            slow = name.startswith("construct")
            took[name].add([_seconds(call, scale.of(1000 if slow else 20_000))])
    against = {
        kind: (
            ratio(took.get(f"construct_{kind}"), took[f"ours_{kind}"]),
            ratio(took[f"floor_{kind}"], took[f"ours_{kind}"]),
        )
        for kind in ("encode", "decode")
    }
    return Row(
        NUMBER,
        TITLE,
        (
            at_least("encode over construct", against["encode"][0], 10.0),
            at_least("decode over construct", against["decode"][0], 15.0),
            at_least("encode over the floor", against["encode"][1], 0.35),
            at_least("decode over the floor", against["decode"][1], 0.35),
        ),
        {f"{name}_per_s": 1 / rounds.p(50) for name, rounds in took.items()},
    )


def _seconds(call: Callable[[], object], count: int) -> float:
    """Seconds a call."""
    repeated: Sequence[None] = [None] * count
    began = time.perf_counter()
    for _ in repeated:
        call()
    return (time.perf_counter() - began) / count
