"""Disturbances: each does what it says, both ways, repeatably, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.testing.impairments import (
    Corrupting,
    Delayed,
    Duplicating,
    Lossy,
    OneByteAtATime,
    Reordering,
    Wrapper,
)
from massager_ctl.testing.transports import PIECE, Recorder, until
from massager_ctl.transports.base import Transport
from massager_ctl.transports.in_process import pipe

SENT = [bytes((number,)) * 3 for number in range(40)]


def pass_through(wrap: Callable[[Transport], Wrapper]) -> tuple[list[bytes], list[bytes]]:
    """What arrives at the far end and at the near end of a disturbed pipe."""

    async def scenario() -> tuple[list[bytes], list[bytes]]:
        near, far = pipe()
        wrapped = wrap(near)
        heard_far, heard_near = Recorder(), Recorder()
        await wrapped.open(heard_near)
        await far.open(heard_far)
        for piece in SENT:
            wrapped.write(piece)
            far.write(piece)
            await asyncio.sleep(0)
        await asyncio.sleep(10)
        await wrapped.close()
        await far.close()
        return heard_far.chunks, heard_near.chunks

    loop = SimulatedTimeLoop()
    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()


def test_nothing_is_changed_by_the_plain_wrapper() -> None:
    assert pass_through(Wrapper) == (SENT, SENT)


def test_one_byte_at_a_time() -> None:
    for chunks in pass_through(OneByteAtATime):
        assert b"".join(chunks) == b"".join(SENT)
        assert {len(chunk) for chunk in chunks} == {1}


def test_a_delay_keeps_the_order_and_holds_the_time() -> None:
    async def scenario() -> float:
        near, far = pipe()
        wrapped = Delayed(near, 3.0)
        heard = Recorder()
        await wrapped.open(Recorder())
        await far.open(heard)
        began = asyncio.get_running_loop().time()
        wrapped.write(b"first")
        wrapped.preempt(b"second")
        await until(lambda: len(heard.data) == 11, "both arrive")
        assert heard.chunks == [b"first", b"second"]
        return asyncio.get_running_loop().time() - began

    loop = SimulatedTimeLoop()
    try:
        assert loop.run_until_complete(scenario()) == pytest.approx(3.0, abs=0.01)
    finally:
        loop.close()
    assert pass_through(lambda inner: Delayed(inner, 3.0)) == (SENT, SENT)


def test_loss_takes_some_and_the_same_ones_for_a_seed() -> None:
    out, back = pass_through(lambda inner: Lossy(inner, 0.3, seed=1))
    assert 0 < len(out) < len(SENT)
    assert [piece for piece in SENT if piece in out] == out
    assert out != back
    assert pass_through(lambda inner: Lossy(inner, 0.3, seed=1)) == (out, back)
    assert pass_through(lambda inner: Lossy(inner, 1.0)) == ([], [])


def test_duplicates_come_twice_in_a_row() -> None:
    assert pass_through(lambda inner: Duplicating(inner, 1.0))[0] == [
        piece for piece in SENT for _ in range(2)
    ]


def test_corruption_flips_one_bit() -> None:
    for chunks in pass_through(lambda inner: Corrupting(inner, 0.5, seed=3)):
        flips = [
            (int.from_bytes(chunk) ^ int.from_bytes(piece)).bit_count()
            for chunk, piece in zip(chunks, SENT, strict=True)
        ]
        assert set(flips) == {0, 1}


def test_reordering_swaps_neighbours() -> None:
    out, back = pass_through(lambda inner: Reordering(inner, 0.3, seed=2))
    for chunks in (out, back):
        assert chunks != SENT[: len(chunks)]
        # The last may still be held back.
        assert set(chunks) >= set(SENT[:-1])
        assert all(abs(SENT.index(piece) - at) <= 1 for at, piece in enumerate(chunks))


@pytest.mark.asyncio
async def test_an_urgent_write_is_not_thrown_away_by_its_own_duplicate() -> None:
    near, far = pipe(capacity=1)
    wrapped = Duplicating(near, 1.0)
    heard = Recorder()
    await wrapped.open(Recorder())
    await far.open(heard)
    far.pause()
    wrapped.write(PIECE)
    wrapped.preempt(b"stop")
    assert wrapped.backlog == 8
    far.resume()
    await asyncio.sleep(0.01)
    assert bytes(heard.data) == PIECE + b"stopstop"
    await wrapped.close()
