"""Invariant: any chunking gives the same messages; garbage raises nothing, and the next good frame is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_sim import wire
from massager_fw.codec import MAX_BODY

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
i16 = st.integers(-0x8000, 0x7FFF)
six_u8 = st.tuples(*[u8] * 6)
six_u16 = st.tuples(*[u16] * 6)
serial = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)

messages: st.SearchStrategy[wire.Message] = st.one_of(
    st.builds(wire.GetInfo, u32),
    st.builds(wire.Arm, u32, u32, u32, u32, u32, u16, u16),
    st.builds(wire.Setpoint, u32, u32, u32, u32, u8, u16, u16, six_u16, six_u8),
    st.builds(wire.Stop, u32, u8),
    st.builds(wire.Reset, u32, u32, u16),
    st.builds(
        wire.Info, u32, u8, serial, st.tuples(u8, u8, u8), u32, u32, u8, u8, u8, u8, u8, six_u8, u8,
        u8, u16, u16, u16, u16, u8,
    ),
    st.builds(
        wire.Telemetry, u32, u32, u32, u32, u32, u32, u32, u8, u8, u16, u8, u8, six_u16, six_u16, six_u16, u16, i16,
        i16, u16, u16,
    ),
    st.builds(wire.Ack, u32, u8, u8, u32, u16),
)  # fmt: skip


def read(splitter: wire.Splitter, data: bytes) -> list[wire.Message | None]:
    found: list[wire.Message | None] = []
    for body in splitter.feed(data):
        try:
            found.append(None if isinstance(body, wire.Bad) else wire.parse(body))
        except wire.BadFrame:
            found.append(None)
    return found


@given(messages)
def test_round_trip(message: wire.Message) -> None:
    body = wire.pack(message)
    assert len(body) <= MAX_BODY
    assert wire.parse(body) == message


@given(st.lists(messages, max_size=6), st.data())
def test_any_chunking_gives_the_same_messages(
    sent: list[wire.Message], data: st.DataObject
) -> None:
    stream = b"".join(wire.frame(wire.pack(message)) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    splitter = wire.Splitter()
    found: list[wire.Message | None] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += read(splitter, stream[start:end])
    assert found == sent


@given(st.binary(max_size=400), messages)
def test_the_next_good_frame_after_garbage_is_read(garbage: bytes, message: wire.Message) -> None:
    splitter = wire.Splitter()
    read(splitter, garbage)
    assert read(splitter, b"\x00" + wire.frame(wire.pack(message)))[-1] == message


@given(st.binary(max_size=80))
def test_a_body_of_any_bytes_raises_the_protocol_error_and_nothing_else(body: bytes) -> None:
    try:
        message = wire.parse(body)
    except wire.BadFrame:
        return
    assert wire.parse(wire.pack(message)) == message


@given(messages, st.data())
def test_one_flipped_bit_is_never_another_message(
    message: wire.Message, data: st.DataObject
) -> None:
    body = bytearray(wire.pack(message))
    bit = data.draw(st.integers(0, 8 * len(body) - 1))
    body[bit // 8] ^= 1 << bit % 8
    assert read(wire.Splitter(), wire.frame(bytes(body))) == [None]
