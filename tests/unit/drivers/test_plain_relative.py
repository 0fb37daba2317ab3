"""A device that knows only *more* and *off*, and what its driver forgets with a stop (R25)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import structs
from tests.support.ascii_massager import ASCII, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener
from tests.unit.drivers.other_makes import both

from massager_ctl.drivers.dialect import RelativeDialect
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault
from massager_ctl.model.device import Cause
from massager_ctl.testing.peers import PeerLink


class More(RelativeDialect):
    def more(self, channel: int, now: float) -> Sequence[bytes]:
        return [b"+"]

    def stop(self, now: float) -> Sequence[bytes]:
        return [b"off"]


class Stubborn(More):
    """Its stop and what forgets fail, each where it says so."""

    faults: tuple[str, ...] = ()

    def stop(self, now: float) -> Sequence[bytes]:
        if "stop" in self.faults:
            raise ValueError("the stop")
        return super().stop(now)

    def forget(self) -> None:
        raise ValueError("what forgets")


@simulated_time
async def test_r25_after_a_stop_levels_are_counted_up_from_off() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=More, ends_frame=b""))
        await driver.open(Listener())
        for _ in range(2):
            await driver.arm(25.0, 600)
            driver.send(both(10.0))
            driver.stop(Cause.PERSON)
        await asyncio.sleep(0.1)
        await driver.close()
        written = [data for _, data in link.heard]
        assert written == [b"off", b"+", b"+", b"off"] * 2


@simulated_time
@pytest.mark.parametrize(
    ("faults", "told"), [((), "what forgets"), (("stop",), "ValueError: the stop")]
)
async def test_fault_64_a_driver_that_cannot_forget_starts_no_session_and_the_first_fault_is_told(
    faults: tuple[str, ...], told: str
) -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=Stubborn))
        await driver.open(Listener())
        assert isinstance(driver._dialect, Stubborn)
        driver._dialect.faults = faults
        driver.stop(Cause.PERSON)
        with pytest.raises(DriverFault, match=told):
            await driver.arm(25.0, 600)
        await driver.close()
