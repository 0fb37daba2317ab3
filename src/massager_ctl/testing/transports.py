"""Conformance checks for transports: run them against your own with `check_transport`.

Each check gets a fresh `Rig`: the transport, not opened yet, and the far end of its link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from massager_ctl.errors import LinkError, LinkLost
from massager_ctl.transports.base import Transport

PATIENCE_S: Final = 5.0
"""Seconds of the loop's clock until an expected event counts as missing."""

MOST: Final = 16_000_000
"""Bytes after which a far end that does not read must have caused a backlog."""

PIECE: Final = bytes(range(1, 51))
"""50 bytes: a frame's size, and fit for one write on BLE."""


class FarEnd(Protocol):
    """The other end of the link, controlled by the test rig."""

    async def accept(self) -> None:
        """Called after each opening of the transport: get ready to send and receive."""
        ...

    async def receive(self, count: int) -> bytes:
        """The next `count` bytes."""
        ...

    async def send(self, data: bytes) -> None:
        """Send it to the host."""
        ...

    async def pause(self) -> None:
        """Stop taking bytes, so that a backlog grows."""
        ...

    async def resume(self) -> None:
        """Take bytes again."""
        ...

    async def hang_up(self) -> None:
        """Drop the link from this side."""
        ...


@dataclass(frozen=True, slots=True)
class Rig:
    """A transport, not opened yet, and the far end of its link."""

    transport: Transport
    far: FarEnd


@dataclass(slots=True)
class Recorder:
    """A receiver that keeps what it hears."""

    data: bytearray = field(default_factory=bytearray)
    chunks: list[bytes] = field(default_factory=list[bytes])
    lost: list[LinkLost] = field(default_factory=list[LinkLost])

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self.data += data
        self.chunks.append(data)

    def link_lost(self, error: LinkLost) -> None:
        """Keep why the link went down."""
        self.lost.append(error)


Check = Callable[[Rig], Awaitable[None]]


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; AssertionError after PATIENCE_S."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while not condition():
        assert loop.time() < end, f"{what} within {PATIENCE_S:g} s"
        await asyncio.sleep(0.001)


async def opened(rig: Rig) -> Recorder:
    """Open the transport and make the far end ready."""
    recorder = Recorder()
    await rig.transport.open(recorder)
    await rig.far.accept()
    return recorder


async def fill(transport: Transport) -> int:
    """Write pieces until some wait; the number of bytes written."""
    written = 0
    while not transport.backlog:
        assert written < MOST, "a far end that does not read causes a backlog"
        transport.write(PIECE)
        written += len(PIECE)
        if written % (20 * len(PIECE)) == 0:
            await asyncio.sleep(0)
    return written


async def carries_bytes_both_ways(rig: Rig) -> None:
    """What is written arrives, in order; what the far end sends is received."""
    heard = await opened(rig)
    for number in range(10):
        rig.transport.write(PIECE + bytes((number,)))
    expected = b"".join(PIECE + bytes((number,)) for number in range(10))
    assert await rig.far.receive(len(expected)) == expected
    await rig.far.send(PIECE)
    await until(lambda: len(heard.data) >= len(PIECE), "the far end's bytes arrive")
    assert bytes(heard.data) == PIECE
    await rig.transport.close()


async def keeps_or_joins_chunks(rig: Rig) -> None:
    """A stream carries every byte value in any chunks; a framed link keeps message boundaries."""
    heard = await opened(rig)
    sent = [bytes((value,)) for value in range(256)] if not rig.transport.kind.framed else []
    sent += [PIECE[: size % 50 + 1] for size in range(60)]
    for piece in sent:
        await rig.far.send(piece)
    total = sum(map(len, sent))
    await until(lambda: len(heard.data) >= total, "all chunks arrive")
    assert bytes(heard.data) == b"".join(sent)
    if rig.transport.kind.framed:
        assert heard.chunks == sent
    await rig.transport.close()


async def tells_its_backlog(rig: Rig) -> None:
    """A far end that does not read shows as backlog; once it reads, all arrives, and drained is reported once."""
    await opened(rig)
    drained: list[int] = []
    rig.transport.on_drained(lambda: drained.append(rig.transport.backlog))
    assert rig.transport.backlog == 0
    await rig.far.pause()
    written = await fill(rig.transport)
    rig.transport.write(PIECE)
    written += len(PIECE)
    assert drained == []
    await rig.far.resume()
    arrived = await rig.far.receive(written)
    assert arrived == PIECE * (written // len(PIECE))
    await until(lambda: drained, "drained is reported")
    assert drained == [0]
    assert rig.transport.backlog == 0
    await rig.transport.close()


async def preempts_what_waits(rig: Rig) -> None:
    """Past a full backlog the urgent bytes come next, and what waited never comes (R6)."""
    await opened(rig)
    await rig.far.pause()
    written = await fill(rig.transport)
    for _ in range(100):
        rig.transport.write(PIECE)
    written += 100 * len(PIECE)
    urgent = b"\0\xfe\xfd\xfc\0"
    rig.transport.preempt(urgent)
    assert rig.transport.backlog <= len(urgent)
    await rig.far.resume()
    arrived = b""
    while not arrived.endswith(urgent):
        arrived += await rig.far.receive(1)
    assert len(arrived) <= written - 100 * len(PIECE) + len(urgent)
    await until(lambda: not rig.transport.backlog, "nothing waits any more")
    rig.transport.write(PIECE)
    assert await rig.far.receive(len(PIECE)) == PIECE, "nothing that waited comes later"
    await rig.transport.close()


async def tells_a_lost_link_once(rig: Rig) -> None:
    """A hang-up is reported once, from the loop; writing afterwards does nothing."""
    heard = await opened(rig)
    await rig.far.send(PIECE)
    await until(lambda: heard.data, "the far end's bytes arrive")
    await rig.far.hang_up()
    await until(lambda: heard.lost, "the loss is reported")
    for _ in range(20):
        rig.transport.write(PIECE)
        rig.transport.preempt(PIECE)
        await asyncio.sleep(0.001)
    assert len(heard.lost) == 1
    assert heard.lost[0].message
    assert heard.lost[0].remedy
    await rig.transport.close()


async def never_calls_back_from_a_write(rig: Rig) -> None:
    """Writing to a link that breaks raises nothing and calls nothing before the loop runs again."""
    heard = await opened(rig)
    await rig.far.hang_up()
    for _ in range(200):
        rig.transport.write(PIECE)
        rig.transport.preempt(PIECE)
    assert heard.lost == []
    await until(lambda: heard.lost, "the loss is reported")
    await rig.transport.close()


async def closes_twice(rig: Rig) -> None:
    """Closing twice, or before opening, does no harm."""
    await rig.transport.close()
    await opened(rig)
    await rig.transport.close()
    await rig.transport.close()
    rig.transport.abort()
    rig.transport.write(PIECE)
    rig.transport.preempt(PIECE)
    assert rig.transport.backlog == 0


async def aborts_at_once(rig: Rig) -> None:
    """After an abort nothing is sent and nothing is heard, even with a full backlog."""
    heard = await opened(rig)
    await rig.far.pause()
    await fill(rig.transport)
    rig.transport.abort()
    assert rig.transport.backlog == 0
    rig.transport.write(PIECE)
    await asyncio.sleep(0.02)
    assert heard.lost == []
    await rig.transport.close()


async def hears_nothing_after_close(rig: Rig) -> None:
    """Bytes under way at the close are not delivered, and the close is no loss."""
    heard = await opened(rig)
    await rig.far.send(PIECE)
    await rig.transport.close()
    got = len(heard.data)
    await asyncio.sleep(0.02)
    assert len(heard.data) == got
    assert heard.lost == []


async def opens_again(rig: Rig) -> None:
    """A transport can be opened after a close, an abort and a loss; a second opening at a time is refused."""
    await opened(rig)
    try:
        await rig.transport.open(Recorder())
    except LinkError:
        pass
    else:
        raise AssertionError("a second opening is refused")
    await rig.transport.close()
    heard = await opened(rig)
    rig.transport.abort()
    heard = await opened(rig)
    rig.transport.write(PIECE)
    assert await rig.far.receive(len(PIECE)) == PIECE
    await rig.far.send(PIECE)
    await until(lambda: bytes(heard.data) == PIECE, "bytes arrive after a reopening")
    await rig.far.hang_up()
    await until(lambda: heard.lost, "the loss is reported")
    await rig.transport.close()


async def leaks_nothing(rig: Rig) -> None:
    """Opening and closing leaves no task and no descriptor behind."""
    await opened(rig)
    await rig.transport.close()
    await asyncio.sleep(0.02)
    tasks, descriptors = len(asyncio.all_tasks()), _descriptors()
    for _ in range(5):
        await opened(rig)
        rig.transport.write(PIECE)
        await rig.transport.close()
    await asyncio.sleep(0.02)
    await until(lambda: len(asyncio.all_tasks()) <= tasks, "no task is left")
    await until(lambda: _descriptors() <= descriptors, "no descriptor is left")


def _descriptors() -> int:
    """Open file descriptors of this process; 0 if the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


CHECKS: Final[tuple[Check, ...]] = (
    carries_bytes_both_ways,
    keeps_or_joins_chunks,
    tells_its_backlog,
    preempts_what_waits,
    tells_a_lost_link_once,
    never_calls_back_from_a_write,
    closes_twice,
    aborts_at_once,
    hears_nothing_after_close,
    opens_again,
    leaks_nothing,
)
"""Each checks one rule; give each a test of its own to see which one fails."""


async def check_transport(make_rig: Callable[[], AbstractAsyncContextManager[Rig]]) -> None:
    """Run every check, each on a fresh rig. Raises AssertionError that says what does not hold."""
    for check in CHECKS:
        async with make_rig() as rig:
            await check(rig)
