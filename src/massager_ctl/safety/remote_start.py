"""Remote requests (R18): a replayed, retained, queued or stale one never starts or raises; a stop always works."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.model.requests import Request, SetLevel, Start, only_lowers
from massager_ctl.model.units import Levels

STAMP_AHEAD_S: Final = 2.0
STAMP_BEHIND_S: Final = 3.0
"""Seconds that a request's time stamp may lie ahead of and behind this computer's clock (R18)."""

STAMP_MAX: Final = sys.float_info.max
"""Unix seconds beyond which a time stamp is none: a whole number of hundreds of digits fits no float (R19)."""

READY_S: Final = 600.0
"""Seconds for which `massager-ctl ready` allows one remote start (R18)."""

READY_EARLY_S: Final = 300.0
"""A start planned for a later time may come this many seconds before it."""

READY_AHEAD_S: Final = 43_200.0
"""How far ahead that time may be, seconds: the answer about symptoms is valid for 12 h (R21)."""

ECHO_EVERY_S: Final = 1.0
ECHO_LOST_S: Final = 4.0
"""Seconds between two echoes through the broker, and without one until the broker counts as lost (R18)."""

LOST_FADE_S: Final = 3.0
"""Seconds of the fade after that (R18)."""


class Need(StrEnum):
    """What a request needs, by what it could do."""

    FREE = "free"
    """It can only lower or end: stop, pause, ease, lower, pain."""
    RAISE = "raise"
    """It could raise something, or keep it going: fresh and not seen before."""
    START = "start"
    """It turns motors on: fresh, not seen before, and a person at the machine is ready."""


def need_of(request: Request, aims: Levels) -> Need:
    """What this request needs now: whatever can only lower or end needs nothing.

    `aims`: percent per zone that manual control last aimed at (`Controller.aims`).
    """
    match request:
        case Start():
            return Need.START
        case SetLevel(percent=percent, zone=zone):
            lowest = min(aims) if zone is None else aims[zone.index]
            return Need.FREE if percent <= lowest else Need.RAISE
        case _:
            return Need.FREE if only_lowers(request) else Need.RAISE


class Why(StrEnum):
    """Why a request was rejected."""

    RETAINED = "retained"
    NONCE = "nonce"
    STAMP = "stamp"
    SKEW = "skew"
    REPLAYED = "replayed"
    NOT_READY = "not_ready"


class Stamp(Struct, frozen=True):
    """What came with a request, unchecked: `nonce` and `t` (unix seconds) may be anything."""

    nonce: object = None
    t: object = None
    retained: bool = False


class Rejected(Struct, frozen=True):
    """The request has no effect. `skew_s`: seconds that its sender's clock seems to be behind, if known."""

    why: Why
    text: str
    skew_s: float | None = None


_SKEW_REMEDY: Final = "set both clocks by NTP, or the message waited on its way"


class RemoteGate:
    """One for each device, asked before any remote request. `now` is monotonic, `wall` unix seconds.

    Until the first `renew`, only free requests pass.
    """

    __slots__ = (
        "_button_until",
        "_button_was_on",
        "_claimed",
        "_last_t",
        "_listeners",
        "_nonce",
        "_slept",
        "_terminal_from",
        "_terminal_until",
    )

    def __init__(self, slept: Callable[[], float] = lambda: 0.0) -> None:
        """`slept`: seconds for which this computer was suspended, all told; readiness runs out in them too (R10)."""
        self._slept = slept
        self._listeners: list[Callable[[], None]] = []
        self._nonce: str | None = None
        self._last_t = -math.inf
        self._terminal_from = math.inf
        self._terminal_until = -math.inf
        self._button_until = -math.inf
        self._button_was_on = False
        self._claimed: tuple[float, float, float] | None = None

    @property
    def nonce(self) -> str | None:
        """The nonce that the next start or raise has to carry; None once a start has used it."""
        return self._nonce

    def renew(self, nonce: str, wall: float) -> None:
        """Replace the nonce, so that what was sent before is void: at start-up, reconnect, a status change of Home
        Assistant, ARM and end.

        `nonce` must never have been used before. If the clock was set back, time stamps from the future no longer
        block: they belonged to older nonces.
        """
        self._nonce = nonce
        self._last_t = min(self._last_t, wall + STAMP_AHEAD_S)
        for listener in tuple(self._listeners):
            listener()

    def add_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever there is a new nonce; the result removes the listener."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def let(self, now: float, *, opens_in_s: float = 0.0, lasts_s: float = READY_S) -> None:
        """A person at the machine answered that they have no symptom: allow one start, in a window of their choice."""
        self._terminal_from = now + self._slept() + opens_in_s
        self._terminal_until = self._terminal_from + lasts_s

    def revoke(self) -> None:
        """Withdraw readiness."""
        self._terminal_from, self._terminal_until = math.inf, -math.inf
        self._button_until = -math.inf
        self._claimed = None

    def give_back(self) -> None:
        """The start that was let through was refused before it began: readiness still counts, once."""
        if self._claimed is not None:
            self._terminal_from, self._terminal_until, button_until = self._claimed
            self._button_until = max(self._button_until, button_until)
            self._claimed = None

    def attended(self, now: float, *, flag: bool) -> None:
        """Take the button flag of each telemetry. A flag that stays on counts once, for READY_S."""
        if flag and not self._button_was_on:
            self._button_until = now + self._slept() + READY_S
        elif not flag:
            self._button_until = -math.inf
            if self._claimed is not None:
                self._claimed = *self._claimed[:2], -math.inf
        self._button_was_on = flag

    def ready_for_s(self, now: float) -> float:
        """Seconds for which a start is still allowed; 0 if it is not, or not yet."""
        now += self._slept()
        terminal_s = self._terminal_until - now if now >= self._terminal_from else 0.0
        return max(0.0, terminal_s, self._button_until - now)

    def ready_in_s(self, now: float) -> float | None:
        """Seconds until a start is allowed, if it was planned for later; None otherwise."""
        waits_s = self._terminal_from - now - self._slept()
        return waits_s if 0 < waits_s < math.inf else None

    def judge(self, need: Need, stamp: Stamp, *, now: float, wall: float) -> Rejected | None:
        """None if the request is allowed; its nonce and readiness are then used up."""
        if need is Need.FREE:
            return None
        rejected, t = self._fresh(stamp, wall)
        if rejected is not None:
            return rejected
        if need is Need.START:
            if self.ready_for_s(now) <= 0:
                return Rejected(
                    Why.NOT_READY,
                    "no one at the machine is ready: run `massager-ctl ready` there, or press the device's button and"
                    " then hold it",
                )
            self._nonce = None
            claimed = self._terminal_from, self._terminal_until, self._button_until
            self.revoke()
            self._claimed = claimed
        self._last_t = t
        return None

    def _fresh(self, stamp: Stamp, wall: float) -> tuple[Rejected | None, float]:
        if stamp.retained:
            return Rejected(
                Why.RETAINED, "it was retained by the broker, and was cleared there"
            ), 0.0
        if self._nonce is None or not isinstance(stamp.nonce, str) or stamp.nonce != self._nonce:
            return Rejected(Why.NONCE, "its nonce is not the current one"), 0.0
        t = stamp.t
        if (
            isinstance(t, bool)
            or not isinstance(t, (int, float))
            or not -STAMP_MAX <= t <= STAMP_MAX
        ):
            return Rejected(Why.STAMP, "it has no time stamp"), 0.0
        skew = wall - t
        if not -STAMP_AHEAD_S <= skew <= STAMP_BEHIND_S:
            side = "behind" if skew > 0 else "ahead"
            text = f"its time is {abs(skew):.1f} s {side} this computer's clock; {_SKEW_REMEDY}"
            return Rejected(Why.SKEW, text, skew), 0.0
        if t <= self._last_t:
            return Rejected(
                Why.REPLAYED, "one with this time stamp or a later one was already taken"
            ), 0.0
        return None, float(t)


class EchoWatch:
    """Whether the broker still delivers messages; a half-open link looks alive. Monotonic seconds."""

    __slots__ = ("_heard_at",)

    def __init__(self, now: float) -> None:
        self._heard_at = now

    def heard(self, now: float) -> None:
        """This process's own echo came back."""
        self._heard_at = now

    def lost(self, now: float) -> bool:
        """Whether the broker has delivered nothing for too long (R18)."""
        return now - self._heard_at >= ECHO_LOST_S
