"""A host that may say anything, in its own words: one link, spoken with this package's own codec."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import msgspec

from massager_hil import wire
from massager_hil.gentle import gentle
from massager_hil.heard import Heard
from massager_hil.model import CannotMeasure, Frame, Mark
from massager_hil.tables import ANSWER_S, OPEN, SETPOINT_S, Result, State

VIBRATE: Final = 0x01
REST: Final = (0,) * 6
OWNER: Final = 0x0A0B0C0D
_WORD: Final = 0xFFFFFFFF


class Pipe(Protocol):
    """What a client writes to; both kinds of transport can do this."""

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None: ...


class Client(Heard):
    """One link, both ways. Levels are tenths of a percent, as on the wire; times are seconds of `clock`."""

    def __init__(self, *, framed_by_link: bool, slack_s: float) -> None:
        super().__init__(framed_by_link=framed_by_link, slack_s=slack_s)
        self.pipe: Pipe | None = None
        self.most: int | None = None
        """No level above this is asked for."""
        self.owner = OWNER
        self.seq = 1000
        self.token = 0
        self.epoch = 0
        """The epoch of the session that is open, or was."""
        self.marks: list[Mark] = []
        self.alone = True
        """No other link may change the epoch meanwhile."""

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
        telemetry = self.latest
        token = self.next_token()
        return wire.Arm(
            token, self.owner, telemetry.epoch, telemetry.challenge, self.seq, cap, limit_s
        )

    async def try_arm(self, arm: wire.Arm) -> Result | None:
        """Send an ARM as it is; the result, or None if no ACK comes."""
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
        echo = self.latest.counter
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
            if len(self.heard) > started and self.latest.epoch != self.epoch:
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
        heat: int = 0,
        period: int = 4000,
    ) -> AsyncGenerator[None]:
        """Keep the session fed in the background: what is done to a device from outside may take a while."""

        async def feed() -> None:
            while self.lost is None:
                self.put(level, pattern=pattern, heat=heat, period=period)
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
        telemetry = await self.see(lambda t: any(t.level) and t.state == State.RUNNING, 0.4)
        if telemetry is None:
            raise CannotMeasure("no level rises after a SETPOINT, or the state is not 'running'")
        await self.drive(seconds, asked)
        return self.latest

    async def stop(self, reason: int = 1) -> wire.Ack:
        """STOP; it is a failure of R6 if nothing answers."""
        token = self.next_token()
        self.mark("STOP")
        self.send(wire.Stop(token, reason))
        ack = await self.answer(token)
        if ack is None:
            raise CannotMeasure("STOP is not acknowledged", "R6")
        return ack

    async def reset(self, **changes: int) -> Result | None:
        """RESET with the newest challenge and latch counter, or with `changes` of its fields."""
        telemetry = await self.next()
        reset = wire.Reset(self.next_token(), telemetry.challenge, telemetry.latch)
        reset = msgspec.structs.replace(reset, **changes)
        self.mark("RESET")
        self.send(reset)
        ack = await self.answer(reset.token)
        return _result(ack)

    @property
    def is_open(self) -> bool:
        """The device's newest TELEMETRY says that this client's session is open."""
        telemetry = self.latest
        return (
            telemetry.state in OPEN
            and telemetry.owner == self.owner
            and telemetry.epoch == self.epoch
        )

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
