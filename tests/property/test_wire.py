"""For any message, any chunking and any garbage: what was sent is what is read, or ProtocolError (R16)."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import ProtocolError
from massager_ctl.wire.codec import Splitter, decode_run, encode_frame
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
)

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
i16 = st.integers(-(1 << 15), (1 << 15) - 1)
six_u8, six_u16 = st.tuples(*[u8] * 6), st.tuples(*[u16] * 6)

messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(GetInfo, u32),
    st.builds(Arm, u32, u32, u32, u32, u32, u16, u16),
    st.builds(SetpointFrame, u32, u32, u32, u32, u8, u16, u16, six_u16, six_u8),
    st.builds(Stop, u32, u8),
    st.builds(Reset, u32, u32, u16),
    st.builds(
        Info,
        u32,
        u8,
        st.binary(min_size=12, max_size=12),
        st.tuples(u8, u8, u8),
        u32,
        u32,
        *[u8] * 5,
        six_u8,
        *[u8] * 2,
        *[u16] * 4,
        u8,
    ),
    st.builds(
        TelemetryFrame, *[u32] * 7, u8, u8, u16, u8, u8, *[six_u16] * 3, u16, i16, i16, u16, u16
    ),
    st.builds(Ack, u32, u8, u8, u32, u16),
)


@given(messages)
def test_round_trip(message: Message) -> None:
    frame = encode_frame(message)
    assert frame.count(0) == 1
    assert frame.endswith(b"\0")
    assert decode_run(frame[:-1]) == message


@given(st.lists(messages, max_size=8), st.data())
def test_any_chunking_gives_the_same_messages(sent: list[Message], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    splitter = Splitter()
    runs = [
        run
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for run in splitter.feed(stream[start:end])
    ]
    assert [decode_run(run) for run in runs] == sent


@given(st.lists(st.binary(max_size=90), max_size=6), messages)
def test_garbage_raises_only_the_protocol_error_and_the_next_frame_is_read(
    garbage: list[bytes], message: Message
) -> None:
    splitter = Splitter()
    for chunk in garbage:
        for run in splitter.feed(chunk):
            with contextlib.suppress(ProtocolError):
                decode_run(run)
    *_, last = splitter.feed(b"\0" + encode_frame(message))
    assert decode_run(last) == message


@given(messages, st.data())
def test_a_flipped_bit_is_never_read_as_another_message(
    message: Message, data: st.DataObject
) -> None:
    frame = bytearray(encode_frame(message)[:-1])
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for run in Splitter().feed(bytes(frame) + b"\0"):
        try:
            assert decode_run(run) == message
        except ProtocolError:
            continue
