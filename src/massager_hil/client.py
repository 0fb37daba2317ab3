"""A host that may say anything, in its own words: one link, spoken with this package's own codec."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import msgspec

from massager_hil import wire
from massager_hil.device_clock import DeviceClock
from massager_hil.gentle import gentle
from massager_hil.lateness import Lateness
from massager_hil.model import CannotMeasure, Frame, Mark
from massager_hil.oracle.oracle import Oracle
from massager_hil.tables import ANSWER_S, OPEN, SETPOINT_S, Result, State

VIBRATE: Final = 0x01
REST: Final = (0,) * 6
OWNER: Final = 0x0A0B0C0D
_WORD: Final = 0xFFFFFFFF


class Pipe(Protocol):
    """What a client writes to; both kinds of transport can do this."""

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...


class Client:
    """One link. Levels are tenths of a percent, as on the wire; times are seconds of `clock`."""

    def __init__(self, *, framed_by_link: bool, slack_s: float) -> None:
        self.pipe: Pipe | None = None
        self.link = 0
        """The number by which the oracle knows this link."""
        self.watch: Oracle | None = None
        self.log: list[Frame] | None = None
        self.lateness: Lateness | None = None
        self.most: int | None = None
        """No level above this is asked for."""
        self.owner = OWNER
        self.seq = 1000
        self.token = 0
        self.epoch = 0
        """The epoch of the session that is open, or was."""
        self.heard: list[tuple[float, wire.Telemetry]] = []
        self.marks: list[Mark] = []
        self.acks: list[tuple[float, wire.Ack]] = []
        self.infos: list[wire.Info] = []
        self._before_ack = 0
        """How much of `heard` came before the last ACK, or before this link: what it tells may be over."""
        self.alone = True
        """No other link may change the epoch meanwhile."""
        self.garbled = 0
        """Frames from the device that are no frames."""
        self.lost: Exception | None = None
        self._framed_by_link = framed_by_link
        self._slack_s = slack_s
        self._splitter = wire.Splitter()
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self.clock = DeviceClock()
        self._loop = asyncio.get_running_loop()

    # --- hearing

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
    def told(self) -> wire.Telemetry:
        """The newest TELEMETRY."""
        if not self.heard:
            raise CannotMeasure("the device sends no TELEMETRY", "R24")
        return self.heard[-1][1]

    async def next(self, count: int = 1) -> wire.Telemetry:
        """The newest TELEMETRY after `count` more of them."""
        before = len(self.heard)
        if not await self.until(lambda: len(self.heard) >= before + count, 1.0 + 0.2 * count):
            raise CannotMeasure("the device sends no TELEMETRY any more", "R24")
        return self.told

    async def see(
        self, test: Callable[[wire.Telemetry], bool], seconds: float, start: int | None = None
    ) -> wire.Telemetry | None:
        """The first TELEMETRY that fits `test`, from now or from number `start` on; None if none comes in time."""
        start = len(self.heard) if start is None else start
        found: list[wire.Telemetry] = []

        def look() -> bool:
            nonlocal start
            for _, told in self.heard[start:]:
                if test(told):
                    found.append(told)
                    return True
            start = len(self.heard)
            return False

        await self.until(look, seconds)
        return found[0] if found else None

    def since(self, index: int) -> list[wire.Telemetry]:
        """Every TELEMETRY from number `index` of `heard` on."""
        return [told for _, told in self.heard[index:]]

    # --- speaking

    def raw(self, data: bytes) -> None:
        """Bytes as they are, or on BLE one body."""
        if self.pipe is None or self.lost is not None:
            raise CannotMeasure(f"the link is down: {self.lost}")
        if self.watch is not None:
            self.watch.sent(self.link, data, self.clock.now())
        if self.log is not None:
            self.log.append(Frame(self.clock.now(), self.link, to_device=True, data=data))
        self.pipe.write(data)

    def framed(self, body: bytes) -> bytes:
        """`body` as it travels on this link."""
        return body if self._framed_by_link else wire.frame(body)

    @property
    def is_stream(self) -> bool:
        """The link carries a stream of bytes, and not whole bodies."""
        return not self._framed_by_link

    def send(self, message: wire.Message) -> bytes:
        """One frame; what was written comes back, to be replayed."""
        if self.most is not None:
            message = gentle(message, self.most)
        data = self.framed(wire.pack(message))
        self.raw(data)
        return data

    def forget(self) -> None:
        """Start a new sheet: what was heard before belongs to another check, but for the newest TELEMETRY."""
        self._before_ack = 0 if self._is_settled else 1
        del self.heard[:-1]
        self.marks.clear()
        self.acks.clear()
        self.infos.clear()
        self.garbled = 0

    def goes_on_from(self, old: Client) -> None:
        """This link takes the place of `old`, whose waveform it goes on with."""
        self.heard[:0] = old.heard
        self.marks[:0] = old.marks
        self._before_ack += len(old.heard)
        self.alone = old.alone
        self.token = old.token + 100

    def mark(self, text: str) -> None:
        """Name the present moment in the waveform."""
        self.marks.append(Mark(self.clock.now(), text))

    def next_token(self) -> int:
        """A token that was not used before on this link."""
        self.token += 1
        return self.token

    async def answer(self, token: int, seconds: float | None = None) -> wire.Ack | None:
        """The ACK with `token`, if it comes in time."""

        def found() -> wire.Ack | None:
            return next((ack for _, ack in reversed(self.acks) if ack.token == token), None)

        limit = ANSWER_S + self._slack_s if seconds is None else seconds
        await self.until(lambda: found() is not None, limit)
        return found()

    async def info(self) -> wire.Info:
        """Ask for INFO."""
        token = self.next_token()
        self.send(wire.GetInfo(token))
        if not await self.until(
            lambda: any(info.token == token for info in self.infos), ANSWER_S + self._slack_s
        ):
            raise CannotMeasure("GET_INFO is not answered within 0.3 s", "R15")
        return next(info for info in self.infos if info.token == token)

    def arm_message(self, *, cap: int = 1000, limit_s: int = 2700) -> wire.Arm:
        """ARM with the newest epoch and challenge."""
        told = self.told
        token = self.next_token()
        return wire.Arm(token, self.owner, told.epoch, told.challenge, self.seq, cap, limit_s)

    async def try_arm(self, arm: wire.Arm) -> Result | None:
        """Send an ARM as it is; the result, or None where no ACK comes."""
        self.mark("ARM")
        self.send(arm)
        ack = await self.answer(arm.token)
        if ack is not None and ack.result == Result.OK:
            self.epoch = arm.epoch
        return _result(ack)

    async def arm(self, *, cap: int = 1000, limit_s: int = 2700) -> None:
        """Open a session; it is a failure if the device does not."""
        if not self._is_settled or not self.alone:
            await self.next()
        result = await self.try_arm(self.arm_message(cap=cap, limit_s=limit_s))
        if result is not Result.OK:
            said = "nothing" if result is None else result.name.lower()
            raise CannotMeasure(f"the device does not take a fresh ARM: it answers {said}")

    def setpoint(
        self,
        level: Sequence[int] = REST,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        mode: int = 0,
        heat: int = 0,
        period: int = 4000,
    ) -> wire.Setpoint:
        """The next SETPOINT of the session."""
        self.seq = (self.seq + 1) & _WORD
        echo = self.told.counter
        return wire.Setpoint(
            self.epoch,
            self.owner,
            self.seq,
            echo,
            mode,
            heat,
            period,
            tuple(level),
            tuple(pattern),
        )

    def put(
        self,
        level: Sequence[int] = REST,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        mode: int = 0,
        heat: int = 0,
        period: int = 4000,
    ) -> bytes:
        """Send the next SETPOINT."""
        return self.send(self.setpoint(level, pattern=pattern, mode=mode, heat=heat, period=period))

    async def drive(
        self,
        seconds: float,
        level: Sequence[int] = REST,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        mode: int = 0,
        heat: int = 0,
        period: int = 4000,
    ) -> None:
        """A SETPOINT every 200 ms for so long, or until the session is over."""
        end = self.clock.now() + seconds
        started = len(self.heard)
        while (left := end - self.clock.now()) > 1e-6:
            if len(self.heard) > started and self.told.epoch != self.epoch:
                return
            self.put(level, pattern=pattern, mode=mode, heat=heat, period=period)
            await self.clock.sleep(min(SETPOINT_S, left))

    async def drive_until(
        self,
        test: Callable[[wire.Telemetry], bool],
        seconds: float,
        level: Sequence[int] = REST,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        heat: int = 0,
    ) -> bool:
        """A SETPOINT every 200 ms until a TELEMETRY fits `test`, for so long at most; whether one did."""
        start = len(self.heard)
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 1e-6:
            self.put(level, pattern=pattern, heat=heat)
            if await self.see(test, min(SETPOINT_S, left), start) is not None:
                return True
        return False

    @asynccontextmanager
    async def kept(
        self,
        level: Sequence[int] = REST,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        period: int = 4000,
    ) -> AsyncGenerator[None]:
        """Keep the session fed in the background."""

        async def feed() -> None:
            while self.lost is None:
                self.put(level, pattern=pattern, period=period)
                await self.clock.sleep(SETPOINT_S)

        task = asyncio.ensure_future(feed())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def running(self, level: int = 20, seconds: float = 0.5) -> wire.Telemetry:
        """Open a session and let both trapezius zones run, at `level` at most."""
        await self.arm()
        asked = (level, level, 0, 0, 0, 0)
        self.put(asked)
        told = await self.see(lambda t: any(t.level) and t.state == State.RUNNING, 0.4)
        if told is None:
            raise CannotMeasure("no level rises after a SETPOINT, or the state is not 'running'")
        await self.drive(seconds, asked)
        return self.told

    async def stop(self, reason: int = 1) -> wire.Ack:
        """STOP; it is a failure of R6 if nothing answers."""
        token = self.next_token()
        self.mark("STOP")
        self.send(wire.Stop(token, reason))
        ack = await self.answer(token)
        if ack is None:
            raise CannotMeasure("STOP is not acknowledged", "R6")
        return ack

    @property
    def _is_settled(self) -> bool:
        """The newest TELEMETRY came after the last ACK, and its epoch is that one's."""
        last = self.acks[-1][1].epoch if self.acks else None
        return len(self.heard) > self._before_ack and last in (None, self.told.epoch)

    async def settle(self) -> wire.Telemetry:
        """TELEMETRY from after the last ACK: the newest one, or the next."""
        if self.acks and self._is_settled:
            return self.told
        last = self.acks[-1][1] if self.acks else None
        told = await self.next()
        if last is not None and told.epoch != last.epoch:
            told = await self.next()
        return told

    async def reset(self, **changes: int) -> Result | None:
        """RESET with the newest challenge and latch counter, or with `changes` of its fields."""
        told = await self.next()
        reset = wire.Reset(self.next_token(), told.challenge, told.latch)
        reset = msgspec.structs.replace(reset, **changes)
        self.mark("RESET")
        self.send(reset)
        ack = await self.answer(reset.token)
        return _result(ack)

    @property
    def is_open(self) -> bool:
        """The device's newest TELEMETRY says that this client's session is open."""
        told = self.told
        return told.state in OPEN and told.owner == self.owner and told.epoch == self.epoch

    def close(self) -> None:
        """Drop the link."""
        pipe, self.pipe = self.pipe, None
        if pipe is not None:
            if self.watch is not None:
                self.watch.closed(self.link, self.clock.now())
            pipe.abort()


def _result(ack: wire.Ack | None) -> Result | None:
    try:
        return None if ack is None else Result(ack.result)
    except ValueError:
        return None
