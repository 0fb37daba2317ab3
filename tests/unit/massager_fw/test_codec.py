"""The codec's two forms give the same: MicroPython's and CPython's. The golden frames hold both."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_fw import codec, codec_cpython
from massager_fw.codec import FRAME_CRC, MAX_BODY, MAX_ENCODED

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "frames.json").read_text(encoding="utf-8")
)
BODIES = st.binary(max_size=MAX_BODY)
RUNS = st.binary(max_size=MAX_ENCODED).map(lambda run: run.replace(b"\0", b"\1"))


def used(function: Callable[..., int], data: bytes, *before: int) -> tuple[int, bytes]:
    """What `function` returns, and what it leaves in its buffer."""
    out = bytearray(MAX_ENCODED + 1)
    size = function(bytearray(data), len(data), *before, out)
    return size, bytes(out[: max(0, size)])


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_both_make_the_same_crc(data: bytes, start: int) -> None:
    assert codec.crc16_viper(data, len(data), start) == codec_cpython.crc16(data, len(data), start)


def test_both_have_the_check_value() -> None:
    for crc in (codec.crc16_viper, codec_cpython.crc16):
        assert crc(b"123456789", 9, FRAME_CRC) == 0x29B1


@given(BODIES)
def test_both_encode_alike_and_decode_what_they_encoded(body: bytes) -> None:
    size, framed = used(codec.cobs_encode_viper, body)
    assert (size, framed) == used(codec_cpython.cobs_encode, body)
    assert framed.index(0) == size - 1
    for decode in (codec.cobs_decode_viper, codec_cpython.cobs_decode):
        assert used(decode, framed[:-1]) == (len(body), body)


@given(RUNS)
def test_both_decode_any_run_alike(run: bytes) -> None:
    assert used(codec.cobs_decode_viper, run) == used(codec_cpython.cobs_decode, run)


def test_a_zero_in_a_run_is_refused_by_both() -> None:
    for decode in (codec.cobs_decode_viper, codec_cpython.cobs_decode):
        assert used(decode, b"\x02\x01\x00\x01") == (-1, b"")


@given(st.binary(max_size=40), st.data())
def test_both_find_the_same_zero_and_copy_alike(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    assert codec.find_zero_viper(data, start, end) == codec_cpython.find_zero(data, start, end)
    one, other = bytearray(50), bytearray(50)
    assert codec.copy_viper(data, start, end - start, one, 3) == end - start
    assert codec_cpython.copy(data, start, end - start, other, 3) == end - start
    assert one == other


@pytest.mark.parametrize("entry", GOLDEN["frames"], ids=lambda entry: entry["name"])
def test_golden_frames_by_machine_codes_way(entry: dict[str, Any]) -> None:
    body, frame = bytes.fromhex(entry["body"]), bytes.fromhex(entry["frame"])
    assert used(codec.cobs_encode_viper, body) == (len(frame), frame)
    assert used(codec.cobs_decode_viper, frame[:-1]) == (len(body), body)
    assert codec.crc16_viper(body, len(body) - 2, FRAME_CRC).to_bytes(2, "little") == body[-2:]
