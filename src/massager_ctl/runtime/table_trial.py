"""R25: a device of another make on a table: each level that may ever be sent, and each stop, is shown to a person.

Nothing rises on its own: a level goes out on a key press and is stopped before the next. What the person saw is all
that a declaration is worth.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Final, Protocol

import msgspec

from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.pacer import Pacer
from massager_ctl.control.run import STOP_LATE_S
from massager_ctl.control.stop_path import StopPath
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault, LinkError, MassagerError, Refused, StopUnconfirmed
from massager_ctl.model.device import Cause, Channel, DeviceInfo, Setpoint, Telemetry
from massager_ctl.model.units import Levels
from massager_ctl.safety.assurance import WEAK_CAP, DeadMan, OnDisconnect, Shown
from massager_ctl.safety.steps import Steps

SETTLE_S: Final = 0.5
"""Seconds until a level was sent and a device that reports it has reported it."""

LONGEST_S: Final = 60.0
"""Seconds that a level stays on while a person makes up their mind; then it is stopped."""

LEFT_S: Final = 15.0
"""Seconds that a device gets to come to rest after its link was dropped."""

ARMED_S: Final = 600


class Person(Protocol):
    """Who stands at the table."""

    async def press(self, text: str) -> None:
        """Wait for a key press; `text` says what it does. Raises Refused where they leave."""
        ...

    async def sees(self, question: str) -> bool:
        """Ask what they see; only a clear yes is one."""
        ...

    def say(self, text: str) -> None:
        """Say something."""
        ...


class TableTrial:
    """One device on a table, connected."""

    def __init__(
        self, driver: PlainDriver, person: Person, unguarded: PlainDriver | None = None
    ) -> None:
        """`unguarded`: a driver without a guardian, where `driver` has one: what a device does on its own when it is
        left cannot be seen while another program stops it.
        """
        self._guarded = driver
        self._unguarded = driver if unguarded is None else unguarded
        self._driver = driver
        self._person = person
        self._steps = Steps(driver.spec.channels)
        self._stops = StopPath(driver)
        self._scheduler = Scheduler()
        self._pacer = Pacer(driver, self._scheduler, self._turn)
        self._setpoint: Setpoint
        self._until: float
        self._fault: DriverFault | None = None
        self._reported_levels = self._reported_zeros = 0
        self._shown_levels = 0

    async def run(self) -> tuple[DeviceInfo, Shown]:
        """Show everything. Raises Refused where something was not as it should be, StopUnconfirmed, LinkError."""
        numbers = self._usable()
        info = await self._driver.open(self)
        try:
            await self._levels(numbers)
            reads_back = self._reported_levels == self._reported_zeros == self._shown_levels
            shown = Shown(
                levels_seen=True,
                stops_when_left=await self._left(numbers[0]),
                ends_by_timer=await self._timer(numbers[0]),
                reads_back=reads_back,
                no_remote=await self._person.sees(
                    "Is it sure that it has no remote control, no app and no keys of its own that could raise it?"
                ),
            )
        finally:
            await self._leave()
        return info, shown

    def telemetry_received(self, telemetry: Telemetry) -> None:
        """Looked at where it is needed."""

    def driver_lost(self, error: MassagerError) -> None:
        """A stop that is due learns it on its own."""

    def _usable(self) -> list[int]:
        """The steps that a device of its class may ever be sent, gentlest first."""
        channels = self._driver.spec.channels
        most = max(map(_usable, channels))
        if not most:
            lowest = min(one.percents[0] for one in channels)
            raise Refused(
                f"its lowest level is {lowest:g} % and such a device gets {WEAK_CAP:g} % at most (R25)",
                "It is never driven. Nothing was sent.",
            )
        return list(range(1, most + 1))

    async def _levels(self, numbers: list[int]) -> None:
        for number in numbers:
            await self._on(number)
            if not await self._in_time(
                self._person.sees("Does it run, no stronger than that level should be?")
            ):
                await self._off(1)
                raise Refused(
                    f"step {number} was not what it should be",
                    "It stays on the bench. Look at the driver.",
                )
            # The gentlest level's stop is seen to work before anything stronger, and twice in a row.
            await self._off(2 if number == numbers[0] else 1)

    async def _on(self, number: int) -> None:
        levels = self._levels_at(number)
        await self._person.press(f"step {number}, {max(levels):g} %, is sent")
        await self._driver.arm(WEAK_CAP, ARMED_S)
        self._begin(Setpoint(levels), LONGEST_S)
        await asyncio.sleep(SETTLE_S)
        self._shown_levels += 1
        latest = self._driver.newest if self._driver.tells else None
        if latest is not None and latest.levels == levels:
            self._reported_levels += 1

    def _levels_at(self, number: int) -> Levels:
        """Each channel at that step, or at its highest within WEAK_CAP; percent by zone."""
        channels = self._driver.spec.channels
        return self._steps.levels([min(number, _usable(one)) for one in channels])

    async def _off(self, times: int) -> None:
        for time in range(times):
            await self._person.press(
                "the stop is sent" if not time else "the stop is sent once more"
            )
            confirmed = await self._stop()
            if not await self._person.sees("Is it at rest?"):
                raise StopUnconfirmed(  # it is sent again on the way out
                    "a person sees that the stop does not stop it",
                    "Switch it off at its own switch. It is not driven.",
                )
            self._driver.seen_at_rest()
            if confirmed and not time:
                self._reported_zeros += 1

    async def _stop(self) -> bool:
        """Whether the device reported that it is at zero."""
        self._hold_still()
        try:
            await self._stops.stop_now(Cause.PERSON)
        except StopUnconfirmed:
            return False
        finally:
            self._stops.clear()
        return True

    async def _left(self, number: int) -> bool:
        declared = self._driver.spec.assurance
        if declared.dead_man is DeadMan.NONE and declared.on_disconnect is not OnDisconnect.STOPS:
            return False
        self._person.say(
            f"Next the link is dropped while it runs at step {number}. It should come to rest on its own."
        )
        await self._change_to(self._unguarded)
        await self._on(number)
        await self._person.press("the link is dropped")
        self._hold_still()
        await self._driver.close()
        rests = await self._person.sees(
            f"Look at it for {LEFT_S:g} s. Did it come to rest on its own?"
        )
        await self._driver.open(self)
        await self._stop()
        await self._change_to(self._guarded)
        return rests

    async def _change_to(self, driver: PlainDriver) -> None:
        if driver is not self._driver:
            await self._driver.close()
            self._driver, self._stops = driver, StopPath(driver)
            self._pacer = Pacer(driver, self._scheduler, self._turn)
            await driver.open(self)

    async def _timer(self, number: int) -> bool:
        spec = self._driver.spec
        if not (spec.assurance.own_timer and spec.timer_min):
            return False
        minutes = min(spec.timer_min)
        if not await self._person.sees(
            f"Do you want to wait {minutes:g} minutes to see its own timer end it?"
        ):
            return False
        await self._person.press(f"step {number} is sent, with its timer at {minutes:g} min")
        await self._driver.arm(WEAK_CAP, int(minutes * 60 / 0.9) + 11)
        self._begin(Setpoint(self._levels_at(number)), minutes * 60 + 30)
        await asyncio.sleep(minutes * 60 + 10)
        ended = await self._person.sees("Did it come to rest on its own?")
        await self._stop()
        return ended

    async def _in_time(self, answer: Awaitable[bool]) -> bool:
        """The answer; a level that no one judges has been stopped after LONGEST_S, by the heartbeat."""
        asked = asyncio.ensure_future(answer)
        done, _ = await asyncio.wait({asked}, timeout=LONGEST_S)
        if not done:
            self._person.say(f"No one answered for {LONGEST_S:g} s: it was stopped.")
        return await asked

    def _begin(self, setpoint: Setpoint, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        self._setpoint, self._until = setpoint, now + seconds
        self._pacer.begin(now)

    def _turn(self, now: float, late: float) -> None:
        """The heartbeat: it ends with its time, and with a loop that is late (R24)."""
        if now < self._until and late <= STOP_LATE_S:
            try:
                self._pacer.send(self._setpoint, now)
            except DriverFault as error:
                self._fault = error
            else:
                return
        self._pacer.end()
        self._stops.stop_now(Cause.PERSON)

    def _hold_still(self) -> None:
        self._pacer.end()
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    async def _leave(self) -> None:
        """On every way out it is stopped, whatever was seen."""
        with contextlib.suppress(MassagerError):
            self._hold_still()
        with contextlib.suppress(LinkError, StopUnconfirmed):
            await self._stops.stop_now(Cause.HOST_CLOSING)
        await self._driver.close()


def _usable(channel: Channel) -> int:
    """The highest of its steps that a device of such a class may ever be sent, 0 for none (R25)."""
    return sum(percent <= WEAK_CAP for percent in channel.percents)


def in_words(shown: Shown) -> list[str]:
    """What was seen, a line each."""
    said = {
        "levels_seen": ("every level and two stops in a row were seen to work", ""),
        "stops_when_left": (
            "it came to rest on its own when the link was dropped",
            "it was not seen to come to rest when the link is dropped: for the bench only",
        ),
        "ends_by_timer": ("its own timer was seen to end it", ""),
        "reads_back": (
            "it reported its level each time",
            "it did not tell its level each time: a stop is not confirmed",
        ),
        "no_remote": ("nothing else can raise it", "something else can raise it: at most 15 %"),
    }
    values = msgspec.structs.asdict(shown)
    return [text for name, pair in said.items() if (text := pair[0 if values[name] else 1])]
