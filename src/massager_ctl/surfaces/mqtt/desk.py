"""Orders from elsewhere become requests to the controller, after the gate; a stop goes first and always (R6, R18)."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import structs

from massager_ctl.clock import Clock
from massager_ctl.controller import Controller
from massager_ctl.device import Cause
from massager_ctl.errors import MassagerError, Refused
from massager_ctl.profile.load import load_file
from massager_ctl.requests import Origin, PainKind, SetHeat, SetLevel, SetMotion
from massager_ctl.safety.remote import LOST_FADE_S, Need, RemoteGate, Why
from massager_ctl.session import Ended
from massager_ctl.surfaces.mqtt.commands import (
    MANUAL,
    ChooseDirection,
    ChooseDuration,
    ChooseHeat,
    ChooseProfile,
    Order,
    Pain,
    Start,
    Stop,
    need_of,
    read_command,
)
from massager_ctl.surfaces.mqtt.state import Choices
from massager_ctl.surfaces.mqtt.topics import EventType
from massager_ctl.units import Direction, Levels, Motion

BAD_INPUT: Final = "bad_input"
REFUSED: Final = "refused"
BROKER: Final = "broker"
"""Why a command was rejected, beside the gate's own reasons."""


class Bridge(Protocol):
    """What the desk needs of whatever carries its orders and answers."""

    @property
    def echo_lost(self) -> bool:
        """Whether the carrier has stopped passing things on."""
        ...

    @property
    def caps(self) -> Levels:
        """Percent a zone, in force now or for the next session."""
        ...

    def say(self, kind: EventType, fields: dict[str, Any]) -> None: ...

    def renew(self) -> None:
        """Issue a new nonce."""
        ...

    def changed(self) -> None:
        """What was chosen has changed."""
        ...


class Desk:
    """Takes the orders of one device. It has no rules of its own: the gate and the controller have them."""

    def __init__(
        self, controller: Controller, gate: RemoteGate, clock: Clock, bridge: Bridge
    ) -> None:
        self._controller = controller
        self._gate = gate
        self._clock = clock
        self._bridge = bridge
        self._tasks: set[Task[Any]] = set()
        self.profiles: Mapping[str, Path] = {}
        """The profiles that may be played, by id."""
        self.choices = Choices()
        self.skew_s: float | None = None
        """Of the last fresh command whose time was wrong; None once one was right."""
        self.started_session = False
        """Whether the running session was started from here."""

    def take(self, named: str, payload: bytes, *, retained: bool) -> None:
        """Act on what came at `cmd/<named>`, at once; whatever takes time goes on by itself."""
        try:
            command = read_command(named, payload, retained=retained, profiles=self.profiles)
            need = need_of(command.order, self._controller.aims)
            if need is Need.START and not retained and self._bridge.echo_lost:
                self._reject(named, BROKER, "the broker has not answered for 4 seconds (R18)")
                return
            rejected = self._gate.judge(
                need, command.stamp, now=self._now(), wall=self._clock.wall()
            )
            if rejected is not None:
                if rejected.why is Why.SKEW:
                    self.skew_s = rejected.skew_s
                self._reject(named, rejected.why, rejected.text, skew_s=rejected.skew_s)
                return
            if need is not Need.FREE:
                self.skew_s = None
            self._act(command.order)
        except MassagerError as error:
            why = REFUSED if isinstance(error, Refused) else BAD_INPUT
            self._reject(named, why, error.message)

    def broker_lost(self) -> None:
        """The carrier is gone: what was started from here fades, what was started locally goes on (R18)."""
        if self.started_session:
            ended = Ended(Cause.SAFETY, "the MQTT broker was lost, which had started it (R18)")
            self._controller.fade(ended, LOST_FADE_S)

    def session_over(self) -> None:
        """The session has ended, whoever had started it."""
        self.started_session = False

    async def settled(self) -> None:
        """Wait for what was begun."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _act(self, order: Order) -> None:
        match order:
            case Stop():
                self._stop(Cause.PERSON, "stopped over MQTT")
            case Pain():
                self._stop(Cause.PAIN, "pain was reported over MQTT")
                self._run(self._controller.pain(PainKind.UNCLASSIFIED, Origin.REMOTE))
            case Start():
                self._run(self._start(order, self._controller.stops_asked))
                self._bridge.renew()
            case ChooseProfile(profile=profile):
                self._choose(profile=profile)
            case ChooseDuration(minutes=minutes):
                self._choose(minutes=minutes)
            case ChooseDirection(direction=direction):
                if self._by_hand:
                    self._turn(direction)
                self._choose(direction=direction)
            case ChooseHeat(celsius=celsius):
                if self._by_hand:
                    self._controller.request(
                        SetHeat(celsius), received_at=self._now(), origin=Origin.REMOTE
                    )
                self._choose(heat=celsius)
            case SetLevel():
                self._controller.request(order, received_at=self._now(), origin=Origin.REMOTE)
                self._tell_clamped(order)
            case _:
                self._controller.request(order, received_at=self._now(), origin=Origin.REMOTE)

    def _stop(self, cause: Cause, text: str) -> None:
        idle = not self._controller.status.phase.in_session
        stopping = self._controller.stop_now(cause, text)

        async def confirmed() -> None:
            await asyncio.shield(stopping)
            if idle:
                fields = {"reason": cause.value, "text": text, "confirmed": True}
                self._bridge.say(EventType.STOPPED, fields)

        self._run(confirmed())

    async def _start(self, start: Start, stops: int) -> None:
        """The nonce and the readiness are used up already, whatever comes of it.

        `stops`: how many stops had been asked for when it came; one more, and it is void (R6).
        """
        name = start.profile or self.choices.profile
        try:
            if name == MANUAL:
                self._require_no_stop_since(stops)
                self.started_session = True
                await self._controller.manual(
                    self.choices.minutes * 60, cap=start.cap, origin=Origin.REMOTE
                )
                self._apply_choices()
            else:
                profile = await asyncio.to_thread(load_file, self.profiles[name])
                self._require_no_stop_since(stops)
                self.started_session = True
                await self._controller.play(profile, cap=start.cap, origin=Origin.REMOTE)
        except BaseException:
            self.started_session = False
            raise
        if notes := self._controller.status.notes:
            self._bridge.say(EventType.CLAMPED, {"text": "; ".join(notes)})

    def _require_no_stop_since(self, stops: int) -> None:
        if stops != self._controller.stops_asked:
            raise Refused("it was stopped before it began")

    def _apply_choices(self) -> None:
        """A session by hand begins as it was chosen, with every level at zero."""
        if self.choices.direction is not Direction.NONE:
            self._turn(self.choices.direction)
        if self.choices.heat is not None:
            self._controller.request(SetHeat(self.choices.heat), origin=Origin.REMOTE)

    def _turn(self, direction: Direction) -> None:
        info = self._controller.info
        for zone in () if info is None else sorted(info.kneading):
            if direction is Direction.NONE:
                change = SetMotion(Motion.VIBRATE, Direction.NONE, zone)
            else:
                change = SetMotion(Motion.KNEAD, direction, zone)
            self._controller.request(change, received_at=self._now(), origin=Origin.REMOTE)

    @property
    def _by_hand(self) -> bool:
        status = self._controller.status
        return status.phase.in_session and status.profile == MANUAL

    def _choose(self, **choice: Any) -> None:
        self.choices = structs.replace(self.choices, **choice)
        self._bridge.changed()

    def _tell_clamped(self, order: SetLevel) -> None:
        caps = self._bridge.caps
        cap = max(caps) if order.zone is None else caps[order.zone.index]
        if order.percent > cap:
            where = order.zone or "all zones"
            text = f"{where}: {order.percent:g} % was asked for, {cap:g} % is the cap (R1)"
            self._bridge.say(EventType.CLAMPED, {"text": text, "cap": float(cap), "zone": where})

    def _reject(self, named: str, why: str, text: str, *, skew_s: float | None = None) -> None:
        fields: dict[str, Any] = {"command": named[:60], "why": str(why), "text": text}
        if skew_s is not None:
            fields["skew_s"] = round(skew_s, 1)
        self._bridge.say(EventType.REJECTED, fields)
        self._bridge.changed()

    def _run(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except MassagerError as error:
                kind = EventType.REJECTED if isinstance(error, Refused) else EventType.PROBLEM
                self._bridge.say(kind, {"why": error.code, "text": error.message})

        task = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
