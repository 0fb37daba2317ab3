"""What a device says over one link, and how to wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from massager_hil import wire
from massager_hil.device_clock import DeviceClock
from massager_hil.lateness import Lateness
from massager_hil.model import CannotMeasure, Frame
from massager_hil.oracle.oracle import Oracle
from massager_hil.tables import ANSWER_S


class Heard:
    """The receiving half of a link. Times are seconds of `clock`."""

    def __init__(self, *, framed_by_link: bool, slack_s: float) -> None:
        self.link = 0
        """The number by which the oracle knows this link."""
        self.watch: Oracle | None = None
        self.log: list[Frame] | None = None
        self.lateness: Lateness | None = None
        self.heard: list[tuple[float, wire.Telemetry]] = []
        self.acks: list[tuple[float, wire.Ack]] = []
        self.infos: list[wire.Info] = []
        self.garbled = 0
        """Frames from the device that are not frames."""
        self.lost: Exception | None = None
        self.clock = DeviceClock()
        self._before_ack = 0
        """How much of `heard` came before the last ACK, or before this link: what it tells may be over."""
        self._framed_by_link = framed_by_link
        self._slack_s = slack_s
        self._splitter = wire.Splitter()
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Bytes from the transport."""
        if self.log is not None:
            self.log.append(Frame(self.clock.now(), self.link, to_device=False, data=data))
        bodies = [data] if self._framed_by_link else self._splitter.feed(data)
        for body in bodies:
            try:
                self._take(wire.parse(body if self._framed_by_link else wire.unstuff(body)))
            except wire.BadFrame as why:
                self.garbled += 1
                if self.watch is not None:
                    self.watch.garbled(str(why))
        self._wake()

    def link_lost(self, error: Exception) -> None:
        """The link is gone."""
        self.lost = error
        if self.watch is not None:
            self.watch.closed(self.link, self.clock.now())
        self._wake()

    def _take(self, message: wire.Message) -> None:
        now = self.clock.now()
        if self.lateness is not None and isinstance(message, wire.Telemetry) and self.heard:
            then, before = self.heard[-1]
            if message.uptime >= before.uptime:
                self.lateness.note(now - then - (message.uptime - before.uptime) / 1000.0)
        if self.watch is not None:
            self.watch.heard(self.link, message, now)
        match message:
            case wire.Telemetry():
                self.heard.append((now, message))
            case wire.Ack():
                self.acks.append((now, message))
                self._before_ack = len(self.heard)
            case wire.Info():
                self.infos.append(message)
            case _:
                self.garbled += 1

    def _wake(self) -> None:
        for entry in list(self._waiting):
            test, future = entry
            if not future.done() and (self.lost is not None or test()):
                future.set_result(None)

    async def until(self, test: Callable[[], bool], seconds: float) -> bool:
        """Wait until `test` holds, for so long at most; whether it came to hold."""
        if test():
            return True
        if self.lost is not None:
            raise CannotMeasure(f"the link was lost: {self.lost}")
        future: asyncio.Future[None] = self._loop.create_future()
        entry = (test, future)
        self._waiting.append(entry)
        try:
            async with self.clock.timeout(seconds):
                await future
        except TimeoutError:
            return test()
        finally:
            self._waiting.remove(entry)
        if self.lost is not None and not test():
            raise CannotMeasure(f"the link was lost: {self.lost}")
        return True

    @property
    def latest(self) -> wire.Telemetry:
        """The newest TELEMETRY."""
        if not self.heard:
            raise CannotMeasure("the device sends no TELEMETRY", "R24")
        return self.heard[-1][1]

    async def next(self, count: int = 1) -> wire.Telemetry:
        """The newest TELEMETRY after `count` more of them."""
        before = len(self.heard)
        if not await self.until(lambda: len(self.heard) >= before + count, 1.0 + 0.2 * count):
            raise CannotMeasure("the device sends no TELEMETRY any more", "R24")
        return self.latest

    async def see(
        self, test: Callable[[wire.Telemetry], bool], seconds: float, start: int | None = None
    ) -> wire.Telemetry | None:
        """The first TELEMETRY that fits `test`, from now or from number `start` on; None if none comes in time."""
        start = len(self.heard) if start is None else start
        found: list[wire.Telemetry] = []

        def look() -> bool:
            nonlocal start
            for _, telemetry in self.heard[start:]:
                if test(telemetry):
                    found.append(telemetry)
                    return True
            start = len(self.heard)
            return False

        await self.until(look, seconds)
        return found[0] if found else None

    def since(self, index: int) -> list[wire.Telemetry]:
        """Every TELEMETRY from number `index` of `heard` on."""
        return [telemetry for _, telemetry in self.heard[index:]]

    async def answer(self, token: int, seconds: float | None = None) -> wire.Ack | None:
        """The ACK with `token`, if it comes in time."""

        def found() -> wire.Ack | None:
            return next((ack for _, ack in reversed(self.acks) if ack.token == token), None)

        limit = ANSWER_S + self._slack_s if seconds is None else seconds
        await self.until(lambda: found() is not None, limit)
        return found()

    @property
    def _is_settled(self) -> bool:
        """The newest TELEMETRY came after the last ACK, and its epoch is that one's."""
        last = self.acks[-1][1].epoch if self.acks else None
        return len(self.heard) > self._before_ack and last in (None, self.latest.epoch)

    async def settle(self) -> wire.Telemetry:
        """TELEMETRY from after the last ACK: the newest one, or the next."""
        if self.acks and self._is_settled:
            return self.latest
        last = self.acks[-1][1] if self.acks else None
        telemetry = await self.next()
        if last is not None and telemetry.epoch != last.epoch:
            telemetry = await self.next()
        return telemetry
