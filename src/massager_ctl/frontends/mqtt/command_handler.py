"""Passes MQTT commands to the controller, after the gate; a stop goes first and always (R6, R18)."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import structs

from massager_ctl.aio.clock import Clock
from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import hindrance
from massager_ctl.control.session import Ended
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import InputError, LinkError, MassagerError
from massager_ctl.frontends.mqtt.choices import RemoteState
from massager_ctl.frontends.mqtt.commands import (
    ChooseDirection,
    ChooseDuration,
    ChooseHeat,
    ChooseProfile,
    Order,
    need_of,
    read_command,
)
from massager_ctl.frontends.mqtt.publisher import Publisher
from massager_ctl.frontends.mqtt.state import clip, with_remedy
from massager_ctl.frontends.mqtt.topics import EventType
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    MANUAL,
    Change,
    Origin,
    Pain,
    SetHeat,
    SetLevel,
    SetMotion,
    Start,
    Stop,
)
from massager_ctl.model.units import Direction, Motion
from massager_ctl.safety.remote_start import LOST_FADE_S, Need, RemoteGate, Why

BAD_INPUT: Final = "bad_input"
BROKER: Final = "broker"
"""Why a command was rejected, in addition to the gate's own reasons."""


class CommandHandler:
    """Takes the commands for one device. The rules are in the gate and the controller."""

    def __init__(
        self,
        controller: Controller,
        gate: RemoteGate,
        clock: Clock,
        state: RemoteState,
        publisher: Publisher,
        broker_trouble: Callable[[], str],
    ) -> None:
        """`broker_trouble`: why nothing may be started over this broker now; empty if it may."""
        self._controller = controller
        self._gate = gate
        self._clock = clock
        self._state = state
        self._publisher = publisher
        self._broker_trouble = broker_trouble
        self._tasks = TaskBag()
        self._ending: Task[Any] | None = None
        self._reporting: Task[Any] | None = None

    def take(self, named: str, payload: bytes, *, retained: bool, received_at: float) -> None:
        """Act at once on a message at `cmd/<named>`; what takes time runs as a task.

        `received_at`: the loop's time at which the operating system received it (R5).
        """
        try:
            titles = self._state.profiles
            command = read_command(named, payload, retained=retained, titles=titles)
            need = need_of(command.order, self._controller.aims)
            trouble = self._broker_trouble() if need is Need.START and not retained else ""
            if trouble:
                self._reject(named, BROKER, trouble)
                return
            rejected = self._gate.judge(
                need, command.stamp, now=self._now(), wall=self._clock.wall()
            )
            if rejected is not None:
                if rejected.why is Why.SKEW:
                    self._state.skew_s = rejected.skew_s
                self._reject(named, rejected.why, rejected.text, skew_s=rejected.skew_s)
                return
            if need is not Need.FREE:
                self._state.skew_s = None
            # What can only lower is never too old (R18).
            self._act(command.order, self._now() if need is Need.FREE else received_at)
        except MassagerError as error:
            why = BAD_INPUT if isinstance(error, InputError) else error.code
            self._reject(named, why, error.message, remedy=error.remedy)

    def broker_lost(self) -> None:
        """The broker is lost: a session that was started over it fades, a local one goes on (R18)."""
        attempt = self._state.attempt
        if attempt is not None and self._controller.open_attempt is attempt:
            ended = Ended(Cause.SAFETY, "the MQTT broker was lost, which had started it (R18)")
            self._controller.fade(ended, LOST_FADE_S)

    async def settled(self) -> None:
        """Wait for all tasks."""
        await self._tasks.settled()

    def _act(self, order: Order, received_at: float) -> None:
        match order:
            case Stop():
                self._stop(Cause.PERSON, "stopped over MQTT")
            case Pain():
                self._pain(order)
            case Start():
                self._start(self._chosen(order), received_at)
            case ChooseProfile(profile=profile):
                self._choose(profile=profile)
            case ChooseDuration(minutes=minutes):
                self._choose(minutes=minutes)
            case ChooseDirection(direction=direction):
                if self._by_hand:
                    self._turn(direction, received_at)
                self._choose(direction=direction)
            case ChooseHeat(celsius=celsius):
                if self._by_hand:
                    self._request(SetHeat(celsius), received_at)
                self._choose(heat=celsius)
            case SetLevel():
                self._request(order, received_at)
                self._report_clamped(order)
            case _:
                self._request(order, received_at)

    def _request(self, change: Change, received_at: float) -> None:
        self._controller.request(change, received_at=received_at, origin=Origin.REMOTE)

    def _stop(self, cause: Cause, text: str) -> None:
        idle = not self._controller.status.phase.in_session
        self._confirmed(self._controller.stop_now(cause, text), cause, text, idle=idle)

    def _pain(self, pain: Pain) -> None:
        text = "pain was reported over MQTT"
        if self._reporting is not None and not self._reporting.done():
            self._stop(
                Cause.PAIN, text
            )  # one report is being written already; every one of them stops
            return
        idle = not self._controller.status.phase.in_session
        self._reporting = self._controller.pain(pain.kind, Origin.REMOTE)
        self._confirmed(self._reporting, Cause.PAIN, text, idle=idle)

    def _confirmed(self, ending: Task[Any], cause: Cause, text: str, *, idle: bool) -> None:
        """`ending` is a stop that is already sent.

        A new nonce follows: what was sent before the stop and arrives after it, over another connection or from a
        queue, is void (R6). If nothing ran, only this reports the confirmation.
        """
        self._publisher.renew_nonce()

        async def confirmed() -> None:
            await asyncio.shield(ending)
            if idle:
                fields = {"reason": cause.value, "text": text, "confirmed": True}
                self._publisher.event(EventType.STOPPED, fields)

        if self._ending is None or self._ending.done() or cause is Cause.PAIN:
            self._ending = self._run(confirmed())
        else:
            self._run(ending)  # its confirmation is reported with the one before

    def _chosen(self, start: Start) -> Start:
        """Start with the choices made before, unless it names a profile itself."""
        profile = start.profile or self._state.choices.profile
        seconds = self._state.choices.minutes * 60 if profile == MANUAL else None
        return structs.replace(start, profile=profile, duration_s=seconds)

    def _start(self, start: Start, received_at: float) -> None:
        self._publisher.renew_nonce()
        found = hindrance(self._controller)
        if found is not None:
            self._gate.give_back()
            raise found.error
        attempt = self._controller.receive(start, origin=Origin.REMOTE, received_at=received_at)
        self._state.attempt = attempt
        self._run(self._begin(attempt), EventType.REJECTED)

    async def _begin(self, attempt: StartAttempt) -> None:
        """The nonce is already used; readiness is used once the session has begun, or was stopped."""
        try:
            await self._controller.begin(attempt)
        except LinkError:
            raise  # it may have been armed
        except MassagerError:
            if not attempt.cancelled:
                self._gate.give_back()
                self._publisher.changed()
            raise
        notes = list(self._controller.status.notes)
        if attempt.request.profile == MANUAL:
            try:
                self._apply_choices()
            except MassagerError as error:
                notes.append(error.message)  # it runs, though not as chosen
        if notes:
            self._publisher.event(EventType.CLAMPED, {"text": clip("; ".join(notes))})

    def _apply_choices(self) -> None:
        """Manual control starts as chosen, with every level at zero."""
        choices = self._state.choices
        if choices.direction is not Direction.NONE:
            self._turn(choices.direction, self._now())
        if choices.heat is not None:
            self._request(SetHeat(choices.heat), self._now())

    def _turn(self, direction: Direction, received_at: float) -> None:
        info = self._controller.info
        for zone in () if info is None else sorted(info.kneading):
            if direction is Direction.NONE:
                change = SetMotion(Motion.VIBRATE, Direction.NONE, zone)
            else:
                change = SetMotion(Motion.KNEAD, direction, zone)
            self._request(change, received_at)

    @property
    def _by_hand(self) -> bool:
        status = self._controller.status
        return status.phase.in_session and status.profile == MANUAL

    def _choose(self, **choice: Any) -> None:
        self._state.choices = structs.replace(self._state.choices, **choice)
        self._publisher.changed()

    def _report_clamped(self, order: SetLevel) -> None:
        caps = self._publisher.caps
        cap = max(caps) if order.zone is None else caps[order.zone.index]
        if order.percent > cap:
            where = order.zone or "all zones"
            text = f"{where}: {order.percent:g} % was asked for, {cap:g} % is the cap (R1)"
            self._publisher.event(
                EventType.CLAMPED, {"text": text, "cap": float(cap), "zone": where}
            )

    def _reject(
        self, named: str, why: str, text: str, *, remedy: str = "", skew_s: float | None = None
    ) -> None:
        fields: dict[str, Any] = {"command": named[:60], "why": str(why), "text": clip(text)}
        if remedy:
            fields["remedy"] = clip(remedy)
        if skew_s is not None:
            fields["skew_s"] = round(skew_s, 1)
        self._publisher.event(EventType.REJECTED, fields)
        self._publisher.changed()

    def _run(self, work: Awaitable[Any], kind: EventType = EventType.PROBLEM) -> Task[Any]:
        async def guarded() -> None:
            try:
                await work
            except MassagerError as error:
                self._publisher.event(kind, {"why": error.code, **with_remedy(error)})

        return self._tasks.start(guarded())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
