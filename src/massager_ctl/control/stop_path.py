"""Stops a device (R6): the stop is sent at once, sent again, and never called done unless confirmed.

A device without a dead-man can only be stopped over its link, so that is never dropped: the stop is sent again until
level 0 is read back, or GIVEN_UP_S have passed (R25).

Only this module calls a driver's `stop` and `abort`, for the controller and for a stop without an owner.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections.abc import Callable
from typing import Final

from massager_ctl.aio.faults import report
from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.drivers.base import Driver
from massager_ctl.errors import LinkError, StopUnconfirmed
from massager_ctl.model.device import Cause, Telemetry
from massager_ctl.safety.assurance import DeadMan

RESENDS: Final = 3
"""How often a stop is sent again before the link is dropped (R6)."""

AGAIN_S: Final = 0.5
"""Seconds between two stops to a device without a dead-man (R25)."""

GIVEN_UP_S: Final = 10.0
"""Seconds after which it is not sent again (R25)."""

READ_BACK_S: Final = 3.0
SENT_S: Final = 0.6
"""Seconds after which the stop is reported as not confirmed: for a device that can report its level, and for one that
cannot. It is still sent after that."""

RUNS_ON_S: Final = 0.6
"""Seconds between two looks at a device that has confirmed a stop: its reports may be as old as that."""

LOOKS: Final = 5
"""How often it is looked at. Two looks in a row at reports of a level contradict the confirmation."""

RUNS_ON: Final = "the device confirmed the stop, and reports that it runs all the same"

LOOK: Final = "Look at it. If it still runs, switch it off or unplug it. The stop is sent again for some seconds."

UNPLUG: Final = (
    "Take the device off and unplug it. The link was dropped, so a working device stops on its own"
    " within a second or so; do not use it again before you have seen it stop."
)


class StopPath:
    """Every stop to one device. `unconfirmed`: the last stop that was not confirmed, until `clear`."""

    __slots__ = (
        "_again",
        "_alarm",
        "_deaf_s",
        "_driver",
        "_looking",
        "_stopped",
        "_tasks",
        "unconfirmed",
    )

    def __init__(
        self,
        driver: Driver,
        tasks: TaskBag | None = None,
        alarm: Callable[[str], None] | None = None,
        *,
        deaf_s: float = 0.0,
    ) -> None:
        """`tasks` holds what waits for a confirmation; `alarm` is called at once if there is none.

        `deaf_s`: seconds for which a silent device may still be booting. The stop is sent again meanwhile; dropping
        the link would restart a board that restarts with its port.
        """
        self._deaf_s = deaf_s
        self._driver = driver
        self._tasks = TaskBag() if tasks is None else tasks
        self._alarm = alarm
        self._again: Task[None] | None = None
        """The task that goes on sending an unconfirmed stop."""
        self._looking: asyncio.TimerHandle | None = None
        """The next look at a device that has confirmed a stop."""
        self.unconfirmed: StopUnconfirmed | None = None

    def stop_now(self, cause: Cause) -> Task[None]:
        """Send a stop before this returns, ahead of all that waits; the task ends when it is confirmed.

        The task raises StopUnconfirmed after RESENDS, or at once if the link is gone.
        """
        self._hold()
        self._stopped = self._driver.newest
        """The newest report from before the stop."""
        try:
            first = self._driver.stop(cause)
        except Exception as error:  # noqa: BLE001  it confirms nothing, and is sent again
            first = _failed(error)
        return self._tasks.start(self._confirmed(first, cause))

    def drop(self) -> None:
        """Drop the link, so that the device's dead-man acts (R4)."""
        self._driver.abort()

    def close(self) -> None:
        """Look no more at the device: its link is closed in order."""
        if self._looking is not None:
            self._looking.cancel()

    def clear(self) -> None:
        """Clear `unconfirmed`: a person has seen that the device has stopped, and it is not latched (R7)."""
        self.unconfirmed = None
        self._hold()

    async def settled(self) -> None:
        """Wait until no stop is sent any more: every one is confirmed, or given up."""
        await self._tasks.settled()

    @property
    def latches(self) -> bool:
        """Whether a stop that was not confirmed latches; without a dead-man the next start asks instead (R25)."""
        return self._driver.assurance.dead_man is DeadMan.FULL

    def seen_off(self) -> None:
        """A person at this machine has seen that the device is off: it may be started again (R25)."""
        if not self.latches:
            self.clear()

    def _hold(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self.close()

    def _send(self, cause: Cause) -> Future[None]:
        """Send it once more."""
        try:
            return self._driver.stop(cause)
        except Exception as error:  # noqa: BLE001  whatever a driver does wrong
            return _failed(error)

    async def _confirmed(self, first: Future[None], cause: Cause) -> None:
        try:
            await (self._confirm if self.latches else self._read_back)(first, cause)
        except StopUnconfirmed as error:
            self._tell(error)
            raise
        except Exception as error:
            fault = StopUnconfirmed(
                f"the stop is not confirmed: a fault in this program: {error!r}", LOOK
            )
            self._tell(fault)
            raise fault from error
        self._look_again(self._driver.newest, cause, LOOKS, ran=False)

    def _tell(self, error: StopUnconfirmed) -> None:
        self.unconfirmed = error
        if self._alarm is not None:
            self._alarm(str(error))

    def _look_again(self, seen: Telemetry | None, cause: Cause, left: int, *, ran: bool) -> None:
        """`seen`: the report at the confirmation. `ran`: whether the last look found that it runs on."""
        self.close()
        if left:
            self._looking = asyncio.get_running_loop().call_later(
                RUNS_ON_S, self._look, seen, cause, left, ran
            )

    def _look(self, seen: Telemetry | None, cause: Cause, left: int, ran: bool) -> None:
        """What came after the confirmation must not contradict it, as a lie or as an answer to something older."""
        newest = self._driver.newest
        runs = newest is not None and newest is not seen and self._runs_on(newest)
        if not (runs and ran):
            self._look_again(seen, cause, left - 1, ran=runs)
            return
        sent = _Sent({self._send(cause)})
        self._tell(StopUnconfirmed(RUNS_ON, UNPLUG if self.latches else LOOK))
        if self.latches:
            sent.forget()
            self.drop()
        else:
            until = asyncio.get_running_loop().time() + GIVEN_UP_S
            self._again = self._tasks.start(self._go_on(sent, cause, until))

    def _runs_on(self, report: Telemetry) -> bool:
        """Whether it reports a level, and not in a session that was begun after the stop, by whomever."""
        before = self._stopped
        another = report.state.in_session and (before is None or report.epoch != before.epoch)
        return not another and any(map(any, (report.levels, report.vibration, report.kneading)))

    async def _confirm(self, first: Future[None], cause: Cause) -> None:
        attempts = {first}
        loop = asyncio.get_running_loop()
        deaf_until = loop.time() + self._deaf_s
        sent = 0
        try:
            while sent <= RESENDS or (loop.time() < deaf_until and self._driver.newest is None):
                if sent:
                    attempts.add(self._send(cause))
                sent += 1
                await _first_of(attempts, self._driver.kind.stop_wait_s)
                for attempt in [attempt for attempt in attempts if attempt.done()]:
                    attempts.discard(attempt)
                    if attempt.cancelled():
                        continue  # answered, but not with ok
                    error = attempt.exception()
                    if error is None:
                        return
                    if isinstance(error, LinkError):
                        raise StopUnconfirmed(
                            f"the stop could not be confirmed: {error.message}", UNPLUG
                        )
        finally:
            for attempt in attempts:
                attempt.cancel()  # one that failed, too: asyncio then does not warn of it
        self.drop()
        raise StopUnconfirmed(
            f"the device did not confirm the stop, though it was sent {sent} times", UNPLUG
        )

    async def _read_back(self, first: Future[None], cause: Cause) -> None:
        """For a device without a dead-man: raise once a person has to look, and go on sending behind that."""
        loop = asyncio.get_running_loop()
        tells = self._driver.assurance.stop.confirms
        began = loop.time()
        sent = _Sent({first})
        while loop.time() - began < (READ_BACK_S if tells else SENT_S):
            await _first_of(sent.waiting, AGAIN_S if tells else SENT_S / 2)
            if sent.confirmed():
                return
            sent.waiting.add(self._send(cause))
        self._again = self._tasks.start(self._go_on(sent, cause, began + GIVEN_UP_S))
        raise StopUnconfirmed(
            "the stop was sent, not confirmed: "
            + (
                "the device does not report level 0"
                if tells
                else "nothing on this device can confirm it"
            ),
            LOOK,
        )

    async def _go_on(self, sent: _Sent, cause: Cause, until: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            while loop.time() < until:
                await _first_of(sent.waiting, AGAIN_S)
                if sent.confirmed():
                    self.unconfirmed = None
                    if self._alarm is not None:
                        self._alarm("the device has reported level 0 after all: it is stopped")
                    return
                sent.waiting.add(self._send(cause))
        except StopUnconfirmed:
            pass  # The link is gone; that the stop is not confirmed was already reported.
        finally:
            sent.forget()


class _Sent:
    """The stops that wait for a confirmation."""

    def __init__(self, waiting: set[Future[None]]) -> None:
        self.waiting = waiting

    def confirmed(self) -> bool:
        """Whether one of them is confirmed. Raises StopUnconfirmed if the link is gone."""
        for attempt in [attempt for attempt in self.waiting if attempt.done()]:
            self.waiting.discard(attempt)
            if attempt.cancelled():
                continue
            error = attempt.exception()
            if error is None:
                self.forget()
                return True
            if isinstance(error, LinkError):
                self.forget()
                raise StopUnconfirmed(f"the stop is not confirmed: {error.message}", LOOK)
        return False

    def forget(self) -> None:
        """Stop waiting for them."""
        for attempt in self.waiting:
            attempt.cancel()  # one that failed, too: asyncio then does not warn of it


def _failed(error: Exception) -> Future[None]:
    """A stop at which the driver itself failed: reported, and as one that was not confirmed (R6)."""
    report("a driver's stop", error)
    failed: Future[None] = asyncio.get_running_loop().create_future()
    failed.cancel()
    return failed


async def _first_of(attempts: set[Future[None]], seconds: float) -> None:
    """Wait until one of them is done or the time is over: `asyncio.wait`, cheaper."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()

    def end(_: object = None) -> None:
        if not turn.done():
            turn.set_result(None)

    timer = loop.call_later(seconds, end)
    for attempt in attempts:
        attempt.add_done_callback(end)
    try:
        await turn
    finally:
        timer.cancel()
        for attempt in attempts:
            attempt.remove_done_callback(end)
