"""A driver of another make that fails: nothing is sent for it, and its last good stop goes out (R25)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener
from tests.unit.drivers.other_makes import both, faulty, lines

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault, LinkLost
from massager_ctl.model.device import Cause
from massager_ctl.testing.peers import PeerLink


@simulated_time
async def test_fault_64_the_first_fault_of_a_driver_is_the_one_that_is_told() -> None:
    class Wrong(AsciiDialect):
        def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
            if self.known:
                raise ValueError(data.decode())
            return super().feed(data, now)

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Listener())
        driver.data_received(b"the first")
        driver.data_received(b"the second")
        with pytest.raises(DriverFault, match="the first"):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
@pytest.mark.parametrize("method", ["due", "next_due"])
async def test_fault_64_a_driver_that_fails_between_sessions_starts_none(method: str) -> None:
    calls: list[float] = []

    def fails(*_: Any) -> Any:
        calls.append(asyncio.get_running_loop().time())
        raise ZeroDivisionError("made up")

    wrong = type("Wrong", (AsciiDialect,), {method: fails})
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=wrong))
        await driver.open(Listener())
        await asyncio.sleep(5)
        assert len(calls) == 1, "it is asked no more"
        with pytest.raises(DriverFault, match="made up"):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
@pytest.mark.parametrize("method", ["start", "stop"])
async def test_fault_64_a_driver_that_fails_before_the_link_is_opened_sends_nothing(
    method: str,
) -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(
            DriverFault,
            match=r"'ascii' failed in .*ZeroDivisionError: made up \(\w+\.py, line \d+\)",
        ):
            await PlainDriver(link.host, faulty(method)).open(Listener())
        assert link.heard == []


@simulated_time
@pytest.mark.parametrize("given", [None, "L1\n", [b""], ["L1"], [b"x" * 5000], [b"x"] * 600])
async def test_fault_64_what_is_no_frame_is_not_sent(given: Any) -> None:
    class Wrong(AsciiDialect):
        def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
            return given

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        with pytest.raises(DriverFault, match="unfit"):
            driver.send(both(20.0))
        await asyncio.sleep(0.2)
        assert lines(link) == [b"WHO"]
        await driver.close()


@simulated_time
async def test_a_stop_that_fails_is_sent_as_it_was_last_known() -> None:
    async with PeerLink(AsciiPeer()) as link:
        spec = faulty("stop", 2)  # one at the opening, one after the level
        driver = PlainDriver(link.host, spec)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        assert link.peer.steps == (0,)
        with pytest.raises(DriverFault):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
async def test_after_a_fault_of_its_driver_a_device_is_kept_alive_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AsciiDialect, "next_due", lambda _: 0.0)
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        assert driver._idle is not None
        driver._fault = DriverFault("it failed", "Tell its author.")
        driver.stop(Cause.PERSON)
        assert driver._idle is None
        driver.link_lost(LinkLost("it is gone", "Plug it in."))
        with pytest.raises(LinkLost, match="it is gone"):
            await driver.arm(25.0, 600)


@simulated_time
async def test_r25_a_driver_without_a_stop_opens_nothing_and_one_that_loses_it_has_its_last() -> (
    None
):
    class Forgetful(AsciiDialect):
        left = 0

        def stop(self, now: float) -> Sequence[bytes]:
            return [b"OFF\n"] if self.left else []

    spec = msgspec.structs.replace(ASCII, dialect=Forgetful)
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, spec)
        with pytest.raises(DriverFault, match="no frame for a stop"):
            await driver.open(Listener())
        assert link.heard == []
        Forgetful.left = 1
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        Forgetful.left = 0
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        assert link.peer.steps == (0,)
        await driver.close()


@simulated_time
async def test_a_level_that_fails_ends_every_session_of_this_link() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, faulty("levels"))
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        for _ in range(2):
            with pytest.raises(DriverFault, match="made up"):
                driver.send(both(20.0))
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        with pytest.raises(DriverFault, match="made up"):
            await driver.arm(25.0, 600)
        await driver.close()
