"""The golden frames by the firmware's own codec; for MicroPython. The only argument is the file."""

from __future__ import annotations

import json
import sys
from binascii import hexlify, unhexlify

from massager_fw import codec, frames
from massager_fw.frames import Bad, Receiver, check, seal

with open(sys.argv[1]) as file:
    GOLDEN = json.load(file)


def as_hex(data: bytearray, size: int) -> str:
    return hexlify(data[:size]).decode()


def look_at_frame(entry: dict) -> None:
    """It is read from its stream, its CRC is right, and it is written as it was."""
    body, frame = unhexlify(entry["body"]), unhexlify(entry["frame"])
    receiver = Receiver()
    assert receiver.read(frame, 0, len(frame)) == len(frame)
    assert as_hex(receiver.body, receiver.size) == entry["body"]
    assert check(receiver.body, receiver.size) == body[1]
    out = bytearray(codec.MAX_ENCODED + 1)
    assert as_hex(out, codec.cobs_encode(body, len(body), out)) == entry["frame"]
    again = bytearray(body)
    again[len(body) - 2 :] = b"\0\0"
    assert seal(again, len(body) - 2) == len(body)
    assert bytes(again) == body


def look_at_bad(entry: dict) -> None:
    body = bytearray(unhexlify(entry["body"]))
    assert check(body, len(body)) == getattr(Bad, entry["reason"].upper()), entry["name"]


def look_at_stream(entry: dict, bodies: dict, size: int) -> None:
    """Cut into pieces of `size`, it gives the frames that it holds."""
    stream = unhexlify(entry["stream"])
    receiver = Receiver()
    given = []
    for start in range(0, len(stream), size):
        piece = stream[start : start + size]
        place = 0
        while place < len(piece):
            place = receiver.read(piece, place, len(piece))
            if receiver.size:
                sound = receiver.size > 0 and check(receiver.body, receiver.size) > 0
                given.append(as_hex(receiver.body, receiver.size) if sound else None)
    assert given == [bodies.get(name) for name in entry["gives"]], entry["name"]


assert codec.crc16(b"123456789", 9, codec.FRAME_CRC) == GOLDEN["crc_check"]["crc"]
for one in GOLDEN["frames"]:
    look_at_frame(one)
for one in GOLDEN["bad"]:
    look_at_bad(one)
named = {entry["name"]: entry["body"] for entry in GOLDEN["frames"]}
for one in GOLDEN["streams"]:
    for pieces in (1, 7, 1000):
        look_at_stream(one, named, pieces)
assert frames.VERSION == 2
print(len(GOLDEN["frames"]), len(GOLDEN["bad"]), len(GOLDEN["streams"]))
