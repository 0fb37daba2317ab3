"""The dialect of docs/protocol.md: it fills in epoch, owner, sequence, echo and challenge (R4, R16, R17)."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from massager_ctl.aio.futures import fail
from massager_ctl.drivers import reference_tables as tables
from massager_ctl.drivers.base import DriverListener, not_connected
from massager_ctl.errors import (
    DeviceBusy,
    DeviceRefused,
    LinkError,
    LinkLost,
    LinkTimeout,
    ProtocolError,
)
from massager_ctl.model.device import Cause, DeviceInfo, Setpoint, Telemetry
from massager_ctl.safety.assurance import FULL
from massager_ctl.transports.base import LinkKind, Transport
from massager_ctl.wire.codec import (
    VERSION,
    Splitter,
    decode_body,
    decode_run,
    encode_body,
    encode_frame,
)
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Message,
    Reset,
    Result,
    SetpointFrame,
    Stop,
    TelemetryFrame,
    Type,
)

_T = TypeVar("_T")

ANSWER_S: Final = 0.3
"""Seconds to wait for INFO and for the ACK of ARM and RESET (R15)."""

OPEN_TRIES: Final = 3
_RESULT_NAMES: Final = {int(result): result.name.lower() for result in Result}
EXPIRY_MARGIN_S: Final = 0.2
"""A setpoint that could not be sent is given up this long before T (R4)."""


class ReferenceDriver:
    """Speaks protocol version 2 over any transport."""

    assurance = FULL
    guarded = False

    def __init__(self, transport: Transport) -> None:
        self.transport = self._transport = transport
        self._listener: DriverListener | None = None
        self._splitter = Splitter()
        self._token = secrets.randbits(32)
        self._answers: dict[int, tuple[Type, Future[Any]]] = {}
        """By token: the type of the question, and where its answer goes; a STOP's has no content."""
        self._info_token = 0
        self._unawaited: tuple[int, Callable[[DeviceInfo], None]] | None = None
        """A question for INFO that no one waits for: its token, and who is notified."""
        self._first_telemetry: Future[None] | None = None
        self._owner = self._arming = 0
        """The claim of the session that is open, and of the one that is being armed; a stop voids both (R6)."""
        self.epoch = 0
        self._info_epoch: int | None = None
        self._outdated_epoch: int | None = None
        self._news: Future[None] | None = None
        self._seq = 0
        self._unsent: tuple[Setpoint, float] | None = None
        self._lost: LinkError | None = not_connected(self.address)
        self._last_garbage: ProtocolError | None = None
        self.newest: Telemetry | None = None
        self.bad_frames = 0
        """Frames from the device that made no sense, since the link was opened."""

    @property
    def kind(self) -> LinkKind:
        return self._transport.kind

    @property
    def address(self) -> str:
        return self._transport.address

    @property
    def boot_s(self) -> float:
        """Seconds for which the device may be deaf after the link was opened."""
        return getattr(self._transport, "boot_s", 0.0)

    async def open_link(self, listener: DriverListener) -> None:
        self._listener = listener
        self._splitter = Splitter()
        self._lost = self._last_garbage = self.newest = self._info_epoch = self._outdated_epoch = (
            None
        )
        self.bad_frames = 0
        self._first_telemetry = asyncio.get_running_loop().create_future()
        self._transport.on_drained(self._send_unsent)
        try:
            await self._transport.open(self)
        except BaseException:
            self._fail(not_connected(self.address))
            raise

    async def open(self, listener: DriverListener) -> DeviceInfo:
        await self.open_link(listener)
        assert self._first_telemetry is not None
        try:
            info = await self._ask_info(self.boot_s)
            await self._within(asyncio.shield(self._first_telemetry), 1.0, "telemetry")
            if self._lost is not None:
                raise self._lost
        except BaseException:
            await self._transport.close()
            self._fail(not_connected(self.address))
            raise
        return info

    async def _ask_info(self, wait_s: float = 0.0) -> DeviceInfo:
        """`wait_s`: for so long a board that has just been opened may still be starting, and say nothing or noise."""
        tries = max(OPEN_TRIES, math.ceil(wait_s / ANSWER_S))
        for _ in range(tries):
            with contextlib.suppress(LinkTimeout):
                frame = await self._ask(GetInfo(self._next_token()))
                assert isinstance(frame, Info)
                return tables.device_info(frame, self.kind)
        if self._last_garbage is not None:
            raise ProtocolError(
                f"{self.address} sends {self.bad_frames} frames that make no sense"
                f" ({self._last_garbage.message})",
                f"Is this a massager that speaks protocol version {VERSION}, and is the baud rate 115200?",
            )
        raise LinkTimeout(
            f"{self.address} is open, but nothing answered within {tries * ANSWER_S:.1f} s",
            "Is the device switched on, and is this the right port? `massager-ctl scan` lists what is there.",
        )

    async def read_info(self) -> DeviceInfo:
        await self._catch_up()
        self._info_epoch = self._require_telemetry().epoch
        return await self._ask_info()

    def ask_info(self, tell: Callable[[DeviceInfo], None]) -> None:
        if self._lost is None and not self._transport.backlog:
            self._info_token = self._next_token()
            self._unawaited = self._info_token, tell
            self._write(GetInfo(self._info_token))

    async def _catch_up(self) -> None:
        """Right after an ACK, the telemetry that names the new epoch's challenge may still be on its way."""
        loop = asyncio.get_running_loop()
        until = loop.time() + ANSWER_S
        while self._require_telemetry().epoch == self._outdated_epoch and loop.time() < until:
            self._news = loop.create_future()
            await asyncio.wait({self._news}, timeout=until - loop.time())

    async def arm(self, cap: float, limit_s: int) -> None:
        newest = self._require_telemetry()
        epoch = newest.epoch if self._info_epoch is None else self._info_epoch
        owner, seq = secrets.randbits(31) | 1, secrets.randbits(32)
        request = Arm(
            self._next_token(),
            owner,
            epoch,
            newest.challenge,
            seq,
            max(1, int(cap * 10)),
            limit_s,
        )
        self._arming = owner
        ack = await self._ask(request)
        assert isinstance(ack, Ack)
        if ack.result != Result.OK:
            raise _refusal(ack.result, "start", newest.cause)
        if self._arming != owner:
            raise DeviceRefused("a stop came before the session began", "Start again.", "stopped")
        self._owner, self.epoch, self._seq = owner, request.epoch, seq

    def send(self, setpoint: Setpoint) -> None:
        if not self._owner:
            return
        if self._transport.backlog:
            self._unsent = (setpoint, asyncio.get_running_loop().time())
            return
        self._unsent = None
        newest = self.newest
        self._seq = (self._seq + 1) & 0xFFFFFFFF
        self._write(
            SetpointFrame(
                self.epoch,
                self._owner,
                self._seq,
                newest.counter if newest else 0,
                *tables.setpoint_fields(setpoint),
            )
        )

    def _send_unsent(self) -> None:
        if self._unsent is not None:
            setpoint, since = self._unsent
            age = asyncio.get_running_loop().time() - since
            if age <= self.kind.dead_man_s - EXPIRY_MARGIN_S:
                self.send(setpoint)

    def disarm(self) -> None:
        self._owner = self._arming = 0
        self._unsent = None

    def stop(self, cause: Cause) -> Future[None]:
        self.disarm()
        loop = asyncio.get_running_loop()
        if self._lost is not None:
            done: Future[None] = loop.create_future()
            fail(done, LinkLost(self._lost.message, self._lost.remedy))
            return done
        token = self._next_token()
        frame = Stop(token, tables.stop_reason(cause))
        if self.kind.framed:
            self._transport.preempt(encode_body(frame))
        else:
            # The 00 before it ends whatever frame was half written (protocol section 2).
            self._transport.preempt(b"\0" + encode_frame(frame))
        # Nothing is received from within `preempt`, so that the bytes need not wait for this.
        self._answers = {of: asked for of, asked in self._answers.items() if not asked[1].done()}
        done = loop.create_future()
        self._answers[token] = Type.STOP, done
        return done

    async def reset(self) -> None:
        newest = self._require_telemetry()
        ack = await self._ask(Reset(self._next_token(), newest.challenge, newest.latch))
        assert isinstance(ack, Ack)
        if ack.result != Result.OK:
            raise _refusal(ack.result, "clear its latch", newest.cause)

    def abort(self) -> None:
        self._transport.abort()
        if self._lost is None:
            self.link_lost(
                LinkLost(
                    f"{self.address} was given up",
                    "The device stops on its own when it receives nothing; check that it does.",
                )
            )

    async def close(self) -> None:
        self.disarm()
        self._transport.on_drained(None)
        await self._transport.close()
        self._fail(LinkLost(f"{self.address} was closed"))

    # What comes from the transport.

    def data_received(self, data: bytes) -> None:
        if self.kind.framed:
            self._take(decode_body, data)
        else:
            for run in self._splitter.feed(data):
                self._take(decode_run, run)

    def link_lost(self, error: LinkLost) -> None:
        self.disarm()
        self._fail(error)
        if self._listener is not None:
            self._listener.driver_lost(error)

    def _take(self, decode: tables.Decode, data: bytes) -> None:
        try:
            message = decode(data)
            if isinstance(message, TelemetryFrame):
                telemetry = tables.telemetry(message)
                if not _is_news(telemetry, self.newest):
                    self.bad_frames += 1
                    return
                self.newest = telemetry
                if self._news is not None and not self._news.done():
                    self._news.set_result(None)
            elif isinstance(message, (Ack, Info)):
                self._answered(message)
                return
            else:
                raise ProtocolError(f"{type(message).__name__} never comes from a device")
        except ProtocolError as error:
            self.bad_frames += 1
            self._last_garbage = error
            return
        if self._first_telemetry is not None and not self._first_telemetry.done():
            self._first_telemetry.set_result(None)
        elif self._listener is not None:
            self._listener.telemetry_received(self.newest)

    def _answered(self, message: Info | Ack) -> None:
        """To whom it was for; an answer of another kind confirms nothing, nor does an ACK of GET_INFO (R6)."""
        # INFO that was read, not asked for by a frame, has token 0 (protocol section 2).
        info = isinstance(message, Info)
        token = self._info_token if info and message.token == 0 else message.token
        if info and self._unawaited and self._unawaited[0] == token:
            (_, tell), self._unawaited = self._unawaited, None
            tell(tables.device_info(message, self.kind))
            return
        asked, answer = self._answers.get(token, (None, None))
        if not (asked is Type.GET_INFO if info else asked == message.of != Type.GET_INFO):
            self.bad_frames += asked is not None
        elif answer is not None and not answer.done():
            if asked is not Type.STOP:
                answer.set_result(message)  # whoever asked takes it off the list
            elif isinstance(message, Ack) and message.result == Result.OK:
                answer.set_result(None)
            else:
                answer.cancel()
            newest = self.newest
            if isinstance(message, Ack) and newest is not None and newest.epoch != message.epoch:
                self._outdated_epoch = newest.epoch

    # What goes to it.

    def _next_token(self) -> int:
        """Counted from a random start: the system's random numbers cost a call that a stop need not wait for."""
        self._token = (self._token + 1) & 0xFFFFFFFF
        return self._token

    def _write(self, message: Message) -> None:
        self._transport.write(encode_body(message) if self.kind.framed else encode_frame(message))

    async def _ask(self, message: GetInfo | Arm | Reset) -> Info | Ack:
        """Send a question and wait for its answer, ANSWER_S at most."""
        answer: Future[Info | Ack] = asyncio.get_running_loop().create_future()
        if self._lost is not None:
            raise LinkLost(self._lost.message, self._lost.remedy)
        match message:
            case GetInfo():
                asked, wanted = Type.GET_INFO, Type.INFO.name
                self._info_token = message.token
            case Arm():
                asked, wanted = Type.ARM, "an ACK"
            case Reset():
                asked, wanted = Type.RESET, "an ACK"
        self._answers[message.token] = asked, answer
        self._write(message)
        try:
            return await self._within(answer, ANSWER_S, wanted)
        finally:
            self._answers.pop(message.token, None)

    async def _within(self, answer: Awaitable[_T], seconds: float, what: str) -> _T:
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            raise LinkTimeout(
                f"{self.address} sent no {what} within {seconds:g} s",
                "Check the device and the cable, then try again.",
            ) from None

    def _require_telemetry(self) -> Telemetry:
        if self.newest is None or self._lost is not None:
            raise self._lost or not_connected(self.address)
        return self.newest

    def _fail(self, error: LinkError) -> None:
        self._lost = error
        waiting, self._answers = self._answers, {}
        for _, answer in waiting.values():
            if not answer.done():
                fail(answer, error)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        first = self._first_telemetry
        if first is not None and not first.done():
            fail(first, error)


def _is_news(telemetry: Telemetry, newest: Telemetry | None) -> bool:
    """Whether it was sent after the newest: one that comes twice or late tells nothing (R16, fault 54).

    A counter that went back in a new epoch is a device that restarted.
    """
    if newest is None or telemetry.epoch != newest.epoch:
        return True
    return 0 < (telemetry.counter - newest.counter) & 0xFFFFFFFF < 0x80000000


def _refusal(result: int, what: str, cause: Cause) -> DeviceRefused | DeviceBusy:
    if result == Result.BUSY:
        return DeviceBusy(
            "another controller is driving this device",
            "Stop it there first, or with `massager-ctl stop`; its claim ends a second after it falls silent.",
        )
    name = _RESULT_NAMES.get(result, f"result {result}")
    why, remedy = tables.REFUSALS.get(name, (name, "See docs/protocol.md, section 7."))
    if name in ("latched", "fault"):
        why = f"{why} ({cause})"
    return DeviceRefused(f"the device refuses to {what}: {why}", remedy, name)
