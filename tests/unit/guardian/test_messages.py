"""The pipe's messages: whatever the pieces, the same messages; and nonsense is reported, not guessed."""

from __future__ import annotations

import ast
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import massager_ctl.guardian
from massager_ctl.guardian.messages import LONGEST, Decoder, Kind, Message, Nonsense

BURSTS = st.lists(st.binary(max_size=40), max_size=4).map(tuple)
NUMBERS = st.integers(0, 2**32 - 1)
MESSAGES = st.builds(
    Message,
    st.sampled_from(Kind),
    NUMBERS,
    NUMBERS,
    st.floats(0, 1e9),
    BURSTS,
    st.lists(BURSTS, max_size=3).map(tuple),
)


@given(st.lists(MESSAGES, min_size=1, max_size=5), st.integers(1, 50))
def test_any_pieces_give_the_same_messages(messages: list[Message], piece: int) -> None:
    data = b"".join(message.encode() for message in messages)
    decoder = Decoder()
    found = [
        message
        for at in range(0, len(data), piece)
        for message in decoder.feed(data[at : at + piece])
    ]
    assert found == messages


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_message_or_nonsense(data: bytes) -> None:
    try:
        for message in Decoder().feed(data):
            assert message.kind in Kind
    except Nonsense:
        pass


def _raw(kind: int, at: float, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("!BIIdI", kind, 1, 1, at, len(body) if length is None else length) + body


@pytest.mark.parametrize(
    "data",
    [
        _raw(99, 0.0, b"\0\0"),
        _raw(1, float("nan"), b"\0\0"),
        _raw(1, float("inf"), b"\0\0"),
        _raw(1, 0.0, b""),
        _raw(1, 0.0, b"\1"),
        _raw(1, 0.0, b"\0\1\0"),
        _raw(1, 0.0, b"\0\1\0\5ab"),
        _raw(1, 0.0, b"", LONGEST + 1),
    ],
)
def test_r19_nonsense_is_told(data: bytes) -> None:
    with pytest.raises(Nonsense):
        list(Decoder().feed(data))


def test_what_does_not_fit_is_not_written() -> None:
    for frames in ((b"",) * 65_536, (b"x" * 65_536,), (b"x" * 65_535,) * 65):
        with pytest.raises(Nonsense):
            Message(Kind.SEND, frames=frames).encode()


def test_r25_the_guardian_imports_the_standard_library_alone() -> None:
    folder = Path(massager_ctl.guardian.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                known = name.partition(".")[0] in sys.stdlib_module_names
                assert known or name.startswith("massager_ctl.guardian."), (path.name, name)
