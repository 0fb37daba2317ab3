"""R18: a replayed, retained, queued or stale request from elsewhere never starts or raises; a stop always works."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Final

from msgspec import Struct

AHEAD_S: Final = 2.0
BEHIND_S: Final = 3.0
"""Seconds that a request's time stamp may lie ahead of and behind this computer's clock (R18)."""

READY_S: Final = 600.0
"""Seconds for which somebody at the machine lets one remote start happen (R18)."""

ECHO_EVERY_S: Final = 1.0
ECHO_LOST_S: Final = 4.0
"""Seconds between two echoes through the broker, and without one until the broker counts as lost (R18)."""

LOST_FADE_S: Final = 3.0
"""Seconds of the fade after that (R18)."""


class Need(StrEnum):
    """What a request could do, and so what it needs."""

    FREE = "free"
    """It can only lower or end: stop, pause, ease, lower, pain."""
    RAISE = "raise"
    """It could raise something, or keep it going: fresh and not seen before."""
    START = "start"
    """It turns motors on: fresh, not seen before, and somebody at the machine is ready."""


class Why(StrEnum):
    """Why a request was rejected."""

    RETAINED = "retained"
    NONCE = "nonce"
    STAMP = "stamp"
    SKEW = "skew"
    REPLAYED = "replayed"
    NOT_READY = "not_ready"


class Stamp(Struct, frozen=True):
    """What came with a request, as it came: `nonce` and `t` (unix seconds) may be anything."""

    nonce: object = None
    t: object = None
    retained: bool = False


class Rejected(Struct, frozen=True):
    """The request has no effect. `skew_s`: seconds that its sender's clock seems to be behind, where that is known."""

    why: Why
    text: str
    skew_s: float | None = None


_SKEW_REMEDY: Final = "set both clocks by NTP, or the message waited on its way"


class RemoteGate:
    """One for each device, asked before any request from elsewhere. `now` is monotonic, `wall` unix seconds.

    Until `renew` was called once, nothing but free requests passes.
    """

    __slots__ = ("_button_until", "_button_was_on", "_last_t", "_nonce", "_terminal_until")

    def __init__(self) -> None:
        self._nonce: str | None = None
        self._last_t = -math.inf
        self._terminal_until = -math.inf
        self._button_until = -math.inf
        self._button_was_on = False

    @property
    def nonce(self) -> str | None:
        """The one that the next start or raise has to carry; None once a start has used it up."""
        return self._nonce

    def renew(self, nonce: str, wall: float) -> None:
        """At start-up, reconnect, a status change of Home Assistant, ARM and end: what was sent before is void.

        `nonce` has never been used before. Where the clock was set back, time stamps of the future no longer bar
        the way: they belonged to older nonces.
        """
        self._nonce = nonce
        self._last_t = min(self._last_t, wall + AHEAD_S)

    def let(self, now: float) -> None:
        """Somebody at the machine answered that they have no symptom: one start within READY_S."""
        self._terminal_until = now + READY_S

    def revoke(self) -> None:
        """Whatever made it ready no longer counts."""
        self._terminal_until = self._button_until = -math.inf

    def attended(self, now: float, *, flag: bool) -> None:
        """What telemetry says of the device's button, each time. A flag that stays on counts once, for READY_S."""
        if flag and not self._button_was_on:
            self._button_until = now + READY_S
        elif not flag:
            self._button_until = -math.inf
        self._button_was_on = flag

    def ready_for_s(self, now: float) -> float:
        """Seconds for which a start may still come; 0 where it may not."""
        return max(0.0, self._terminal_until - now, self._button_until - now)

    def judge(self, need: Need, stamp: Stamp, *, now: float, wall: float) -> Rejected | None:
        """None where the request may go on; what it was allowed with is then used up."""
        if need is Need.FREE:
            return None
        rejected, t = self._fresh(stamp, wall)
        if rejected is not None:
            return rejected
        if need is Need.START:
            if self.ready_for_s(now) <= 0:
                return Rejected(
                    Why.NOT_READY,
                    "nobody at the machine is ready: run `massager-ctl ready` there, or press the device's button and"
                    " then hold it",
                )
            self._nonce = None
            self.revoke()
        self._last_t = t
        return None

    def _fresh(self, stamp: Stamp, wall: float) -> tuple[Rejected | None, float]:
        if stamp.retained:
            return Rejected(Why.RETAINED, "it was retained by the broker; it is cleared there"), 0.0
        if self._nonce is None or not isinstance(stamp.nonce, str) or stamp.nonce != self._nonce:
            return Rejected(Why.NONCE, "its nonce is not the current one"), 0.0
        t = stamp.t
        if isinstance(t, bool) or not isinstance(t, (int, float)) or not math.isfinite(t):
            return Rejected(Why.STAMP, "it carries no time"), 0.0
        skew = wall - t
        if not -AHEAD_S <= skew <= BEHIND_S:
            side = "behind" if skew > 0 else "ahead"
            text = f"its time is {abs(skew):.1f} s {side} this computer's clock; {_SKEW_REMEDY}"
            return Rejected(Why.SKEW, text, skew), 0.0
        if t <= self._last_t:
            return Rejected(Why.REPLAYED, "one with this time or a later one was taken before"), 0.0
        return None, float(t)


class EchoWatch:
    """Whether the broker still passes on what is said to it; a half-open link looks alive. Monotonic seconds."""

    __slots__ = ("_heard_at",)

    def __init__(self, now: float) -> None:
        self._heard_at = now

    def heard(self, now: float) -> None:
        """An echo of this process's own came back."""
        self._heard_at = now

    def lost(self, now: float) -> bool:
        return now - self._heard_at >= ECHO_LOST_S
