"""R9: checkpoints every 5 s off the loop, a session that fades where they do not come, and one settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.control.ledger_entry import SETTLE_S, LedgerEntry
from massager_ctl.errors import StoreError
from massager_ctl.model.device import Cause


class Ledger:
    """A ledger that writes down, hangs or fails."""

    def __init__(self) -> None:
        self.checkpoints: list[float] = []
        self.settled: list[tuple[float, str]] = []
        self.fails = False
        self.free = asyncio.Event()
        self.free.set()

    async def checkpoint(self, session: int, running_s: float) -> None:
        await self.free.wait()
        if self.fails:
            raise StoreError("the disk is full")
        self.checkpoints.append(running_s)

    async def settle(self, session: int, running_s: float, reason: str) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        self.settled.append((running_s, reason))


def entry(ledger: Ledger, now: float, on_problem: Callable[[str], None]) -> LedgerEntry:
    """Session 1, about to be armed."""
    made = LedgerEntry(ledger, 1)  # type: ignore[arg-type]
    made.begin(now, on_problem)
    return made


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_r9_a_checkpoint_every_5_s() -> None:
    ledger, said = Ledger(), list[str]()
    kept = entry(ledger, 100.0, said.append)
    for tenth in range(1, 161):
        assert kept.keep(100.0 + tenth / 10, tenth / 10)
        await turn()
    assert ledger.checkpoints == [5.0, 10.0, 15.0]
    assert said == []


@pytest.mark.asyncio
async def test_r9_one_at_a_time_and_overdue_after_12_s() -> None:
    ledger = Ledger()
    ledger.free.clear()
    kept = entry(ledger, 0.0, lambda text: None)
    for tenth in range(1, 121):
        assert kept.keep(tenth / 10, tenth / 10)
        await turn()
    assert not kept.keep(12.01, 12.01)
    ledger.free.set()
    await turn()
    assert ledger.checkpoints == [5.0], "the hanging one was not joined by others"
    assert kept.keep(12.1, 12.1)
    await turn()
    assert ledger.checkpoints == [5.0, 12.1], "it counts from when it was begun, so another is due"


@pytest.mark.asyncio
async def test_r9_a_failed_checkpoint_is_told_and_tried_again() -> None:
    ledger, said = Ledger(), list[str]()
    ledger.fails = True
    kept = entry(ledger, 0.0, said.append)
    assert kept.keep(5.0, 5.0)
    await turn()
    assert said == ["the disk is full"]
    ledger.fails = False
    assert kept.keep(5.2, 5.2)
    await turn()
    assert ledger.checkpoints == [5.2]


@pytest.mark.asyncio
async def test_r9_settled_once_after_the_checkpoint_that_is_being_written() -> None:
    ledger = Ledger()
    ledger.free.clear()
    kept = entry(ledger, 0.0, lambda text: None)
    kept.keep(5.0, 5.0)
    settling = asyncio.ensure_future(kept.settle(6.0, Cause.PAIN))
    await turn()
    assert ledger.settled == []
    ledger.free.set()
    await settling
    assert (ledger.checkpoints, ledger.settled) == ([5.0], [(6.0, "pain")])


@pytest.mark.asyncio
async def test_a_settlement_that_fails_is_told() -> None:
    ledger, said = Ledger(), list[str]()
    ledger.fails = True
    await entry(ledger, 0.0, said.append).settle(1.0, Cause.PERSON)
    assert said == ["the disk is full"]


def test_r9_a_ledger_that_hangs_holds_no_ending_up() -> None:
    said: list[str] = []

    async def main() -> float:
        ledger = Ledger()
        ledger.free.clear()
        kept = entry(ledger, 0.0, said.append)
        kept.keep(5.0, 5.0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await kept.settle(6.0, Cause.PERSON)
        return loop.time() - began

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        assert runner.run(main()) == pytest.approx(SETTLE_S)
    assert said == ["the ledger did not answer; this session is charged as after a crash (R9)"]


def test_r9_before_the_arm_a_ledger_that_hangs_is_told_by_the_start_alone() -> None:
    async def main() -> None:
        ledger = Ledger()
        ledger.settle = lambda *_: asyncio.sleep(100.0)  # type: ignore[assignment]
        await LedgerEntry(ledger, 1).settle(0.0, Cause.SAFETY)  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main())
