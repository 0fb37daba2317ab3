"""What comes in, byte by byte: bodies that are too long, half a frame, numbers of 32 bits (R16)."""

from __future__ import annotations

import pytest

from firmware_sim import wire
from massager_fw import codec, codec_cpython
from massager_fw.codec import MAX_BODY
from massager_fw.frames import Bad, Receiver, Setpoint, get16, same


def test_r16_a_whole_body_that_is_too_long_is_bad_and_is_not_kept() -> None:
    receiver = Receiver()
    receiver.whole(bytes(512), 512)
    assert receiver.size == Bad.OVERLONG
    receiver.whole(bytes(MAX_BODY + 1), MAX_BODY + 1)
    assert receiver.size == Bad.OVERLONG
    receiver.whole(bytes(MAX_BODY), MAX_BODY)
    assert receiver.size == MAX_BODY


def test_after_a_reset_the_next_frame_is_read_whatever_came_before() -> None:
    receiver = Receiver()
    endless = bytes([1]) * 500
    receiver.read(endless, 0, len(endless))
    receiver.reset()
    data = wire.frame(b"abcd")
    receiver.read(data, 0, len(data))
    assert receiver.size == 4
    assert receiver.body[:4] == b"abcd"


def test_all_32_bits_of_a_setpoints_numbers_are_read() -> None:
    levels, patterns = (0,) * 6, (1,) * 6
    body = wire.pack(
        wire.Setpoint(0x01020304, 0x05060708, 0x11223344, 0x55667788, 0, 0, 4000, levels, patterns)
    )
    setpoint = Setpoint()
    setpoint.read(bytearray(body))
    assert (setpoint.seq_high, setpoint.seq_low) == (0x1122, 0x3344)
    assert (setpoint.echo_high, setpoint.echo_low) == (0x5566, 0x7788)
    assert (get16(setpoint.epoch, 0), get16(setpoint.owner, 2)) == (0x0304, 0x0506)


@pytest.mark.parametrize(
    "run",
    [b"\1\1", b"\3ab\2c", b"\1\2a\1", b"\xff" + b"x" * 254 + b"\2y", b"\4abc", b"\5ab", b"\0"],
)
def test_the_boards_own_decoder_says_what_the_other_says(run: bytes) -> None:
    out, expected = bytearray(300), bytearray(300)
    size = codec.cobs_decode_viper(bytearray(run), len(run), out)
    assert size == codec_cpython.cobs_decode(bytearray(run), len(run), expected)
    assert out[: max(size, 0)] == expected[: max(size, 0)]


@pytest.mark.parametrize("body", [b"\0", b"ab", b"a\0b", b"\0\0a\0", b"x" * 60 + b"\0" + b"y" * 20])
def test_the_boards_own_encoder_says_what_the_other_says(body: bytes) -> None:
    out, expected = bytearray(300), bytearray(300)
    size = codec.cobs_encode_viper(bytearray(body), len(body), out)
    assert size == codec_cpython.cobs_encode(bytearray(body), len(body), expected)
    assert out[:size] == expected[:size]


@pytest.mark.parametrize("place", range(4))
def test_r17_each_byte_of_an_epoch_and_of_an_owner_counts(place: int) -> None:
    body, other = bytearray(b"..\1\2\3\4"), bytearray(b"\1\2\3\4")
    assert same(body, 2, other)
    other[place] ^= 0x80
    assert not same(body, 2, other)


def test_what_has_read_nothing_has_no_frame() -> None:
    assert Receiver().size == 0
