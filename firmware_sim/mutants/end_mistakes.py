"""Devices that forget something at one kind of end: epoch, challenges, heat, claim (R6, R11, R16, R17)."""

# A mistake reaches into what it breaks.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Final, cast

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw.frames import Arm
from massager_fw.links import Port
from massager_fw.states import Cause, Event, Result

_BY_STOP: Final = frozenset(range(Cause.PERSON, Cause.TELEMETRY_LOST + 1))
_ENDS: Final[dict[str, frozenset[int]]] = {
    "a STOP": _BY_STOP,
    "the dead-man": frozenset((Cause.DEAD_MAN,)),
    "its link going down": frozenset((Cause.LINK_LOST,)),
    "a time limit": frozenset((Cause.TIME_LIMIT,)),
    "noise": frozenset((Cause.FRAME_NOISE,)),
    "the button": frozenset((Cause.BUTTON,)),
}


class _Forgetful(Core):
    """Leaves something out of an end for one of `causes`."""

    causes: frozenset[int] = frozenset()

    def _close(self, event: int, cause: int) -> None:
        if self.session is not None and cause in self.causes:
            self._carelessly(event, cause)
        else:
            super()._close(event, cause)

    def _carelessly(self, event: int, cause: int) -> None:
        super()._close(event, cause)


class _KeepsEpoch(_Forgetful):
    def _carelessly(self, event: int, cause: int) -> None:
        announcer = self.announcer
        super()._carelessly(event, cause)
        announcer._changes -= 1
        announcer._name_epoch()


class _KeepsChallenge(_Forgetful):
    def _carelessly(self, event: int, cause: int) -> None:
        announcer = self.announcer
        before, since = bytes(announcer.challenge), announcer._since
        super()._carelessly(event, cause)
        # A new one is drawn, as at any other time, and the one before it stays good.
        announcer._old[:] = before
        announcer._old_is_good, announcer._since_old = True, since


class _KeepsHeat(_Forgetful):
    def _carelessly(self, event: int, cause: int) -> None:
        target, power = self.heat.target, self.heat.power
        super()._carelessly(event, cause)
        self.heat.target, self.heat.power = target, power


class _KeepsMoving(_Forgetful):
    """The levels are at zero, and one motor still turns."""

    def _carelessly(self, event: int, cause: int) -> None:
        duty = list(self._duty)
        super()._carelessly(event, cause)
        self.board.drive(duty)


class _KeepsClaim(Rules):
    """After some ends only the same owner may come back."""

    causes: frozenset[int] = frozenset()
    _owner = b""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        result = super()._may_arm(port, arm, now)
        claimed = self.core.cause in self.causes and bytes(arm.owner) != self._owner
        if result == Result.OK and claimed:
            return Result.BUSY
        self._owner = bytes(arm.owner) if result == Result.OK else self._owner
        return result


class StopFades(Core):
    """R6: a STOP fades, over half a second."""

    _stopped_at = -1

    def end(self, cause: int) -> None:
        if self.session is not None and cause in _BY_STOP and self._stopped_at < 0:
            self._stopped_at = self.tick
            self._follow(Event.FADE)
        else:
            super().end(cause)

    def run(self, goal: int) -> bool:
        if self._stopped_at >= 0 and self.tick - self._stopped_at >= 25:
            self._stopped_at = -1
            super().end(Cause.PERSON)
        return super().run(goal)


class UnknownReasonIsReported(Rules):
    """R6: whatever reason a STOP names becomes the cause."""

    def _stop(self, port: Port, stop: bytearray) -> None:
        super()._stop(port, stop)
        if stop[6]:
            self.core.cause = stop[6]


class IdleStopChangesCause(Core):
    """R6: a STOP without a session overwrites why the last one ended."""

    def end(self, cause: int) -> None:
        super().end(cause)
        self.cause = cause


class OtherLinkEnds(Rules):
    """R15: the session ends when any link goes down, not the owner's alone."""

    def disconnect(self, link: int, now: int) -> None:
        super().disconnect(link, now)
        if self.core.session is not None:
            self.core.end(Cause.LINK_LOST)
            self._tell_changes()


def _made(kind: type[Core | Rules], end: str, rule: str, about: str) -> type[Core | Rules]:
    """`kind` for one end, with the docstring that says so."""
    name = f"{kind.__name__.strip('_')}After{end.title().replace(' ', '')}"
    words = f"{rule}: {about.format(end=end)}."
    made = type(name, (kind,), {"causes": _ENDS[end], "__doc__": words})
    return cast("type[Core | Rules]", made)


_SHORT: Final = {
    "a STOP": "stop",
    "the dead-man": "deadman",
    "its link going down": "link",
    "a time limit": "limit",
    "noise": "noise",
    "the button": "button",
}


def _family(
    name: str, kind: type[Core | Rules], rule: str, about: str, *without: str
) -> dict[str, type[Core | Rules]]:
    return {
        f"{name}-after-{short}": _made(kind, end, rule, about)
        for end, short in _SHORT.items()
        if short not in without
    }


ENDS: Final[dict[str, type[Core | Rules]]] = {
    **_family("epoch-kept", _KeepsEpoch, "R6", "the epoch stays the same after {end}"),
    **_family("challenge-good", _KeepsChallenge, "R16", "a challenge stays good after {end}"),
    **_family("heat-on", _KeepsHeat, "R11", "heat stays on after {end}"),
    **_family(
        *("motor-on", _KeepsMoving, "R14", "the motors turn on after {end}"),
        *("link", "noise", "button"),
    ),
    **_family(
        *("claim-kept", _KeepsClaim, "R17", "no one but the last owner may arm after {end}"),
        *("button", "noise"),
    ),
    "stop-fades": StopFades,
    "unknown-reason-is-reported": UnknownReasonIsReported,
    "idle-stop-changes-cause": IdleStopChangesCause,
    "other-link-ends": OtherLinkEnds,
}
