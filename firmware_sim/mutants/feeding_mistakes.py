"""Devices whose dead-man is fed by what must not feed it, or that do not watch for silence in some state (R4)."""

# A mistake reaches into what it breaks.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Final

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw.codec_cpython import Buffer
from massager_fw.field_validation import setpoint_in_range
from massager_fw.frames import Arm, FrameType, Setpoint, check, same
from massager_fw.links import Port
from massager_fw.session import Session
from massager_fw.states import State


class _FedByFrames(Rules):
    """Some frames of the owner's link feed, whatever becomes of them."""

    kinds: frozenset[int] = frozenset()

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        session = self.core.session
        kind = check(body, size) if size > 0 else size
        if session is not None and session.link == port.link and kind in self.kinds:
            session.feed(now)
        super()._frame(port, body, size, now)


class QuestionFeeds(_FedByFrames):
    """R4: a GET_INFO of the owner's link feeds the dead-man."""

    kinds = frozenset((FrameType.GET_INFO,))


class ResetFeeds(_FedByFrames):
    """R4: a RESET that is refused feeds the dead-man."""

    kinds = frozenset((FrameType.RESET,))


class RefusedArmFeeds(_FedByFrames):
    """R4: an ARM feeds the dead-man, even if it is refused."""

    kinds = frozenset((FrameType.ARM,))


class BadFrameFeeds(_FedByFrames):
    """R4: a frame feeds the dead-man before its CRC is looked at."""

    kinds = frozenset(range(-7, 0))


class AnyByteFeeds(Rules):
    """R4: any byte on the owner's link feeds the dead-man."""

    def feed(self, link: int, data: Buffer, size: int, now: int) -> None:
        session = self.core.session
        if session is not None and session.link == link:
            session.feed(now)
        super().feed(link, data, size, now)


class _FedBySetpoints(Rules):
    """Some SETPOINTs feed, although they are refused."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        raise NotImplementedError

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        session = self.core.session
        if session is not None and self.feeds(session, port, setpoint):
            session.feed(now)
        super()._setpoint(port, setpoint, now)


class OldEpochFeeds(_FedBySetpoints):
    """R4: a SETPOINT of another epoch feeds the dead-man."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        newer = session.newer(setpoint.seq_high, setpoint.seq_low)
        return session.link == port.link and same(setpoint.owner, 0, session.owner) and newer


class OtherOwnerFeeds(_FedBySetpoints):
    """R4: a SETPOINT of another owner feeds the dead-man."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        same_epoch = same(setpoint.epoch, 0, self.core.announcer.epoch)
        return session.link == port.link and same_epoch


class OtherLinkFeeds(_FedBySetpoints):
    """R4: the owner's SETPOINT feeds the dead-man from any link."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        return same(setpoint.owner, 0, session.owner) and session.link != port.link


class OldSequenceFeeds(_FedBySetpoints):
    """R4: a SETPOINT that is older than the last one feeds the dead-man, and no more."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        older = not session.newer(setpoint.seq_high, setpoint.seq_low)
        return session.link == port.link and same(setpoint.owner, 0, session.owner) and older


class OldEchoFeeds(_FedBySetpoints):
    """R4: a SETPOINT whose echo is too old feeds the dead-man, and no more."""

    def feeds(self, session: Session, port: Port, setpoint: Setpoint) -> bool:
        mine = same(setpoint.owner, 0, session.owner)
        return mine and session.newer(setpoint.seq_high, setpoint.seq_low)


class RepeatedArmFeeds(Rules):
    """R4: the same ARM again feeds the dead-man."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            session.feed(now)
        super()._arm(port, arm, body, now)


class MalformedDoesNotFeed(Core):
    """R4: a malformed SETPOINT that was taken does not feed the dead-man."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        if not setpoint_in_range(setpoint):
            fed = (session._deadman_tick, session.rise_until, session.cut_tick)
            super().take(setpoint, session, now)
            session._deadman_tick, session.rise_until, session.cut_tick = fed
        else:
            super().take(setpoint, session, now)


class _Unwatched(Core):
    """Silence is not noticed in some states."""

    states: frozenset[int] = frozenset()

    def run(self, goal: int) -> bool:
        if self.session is not None and self.unwatched(self.session):
            self.session.feed(self.now_ms)
        return super().run(goal)

    def unwatched(self, session: Session) -> bool:
        """Whether no one looks for silence now."""
        return self.state in self.states


class SilenceWhileArmed(_Unwatched):
    """R4: while nothing moves, silence does not end the session."""

    states = frozenset((State.ARMED,))


class SilenceInPause(_Unwatched):
    """R4: in a pause silence does not end the session."""

    states = frozenset((State.PAUSED,))


class SilenceInFade(_Unwatched):
    """R4: in a fade silence does not end the session."""

    states = frozenset((State.FADING,))


class SilenceAfterMalformed(_Unwatched):
    """R4: after a malformed SETPOINT silence does not end the session."""

    def unwatched(self, session: Session) -> bool:
        return not session.wished and session.seq != session._arm.seq


class DeadManOnceASecond(Core):
    """R4: the dead-man is looked at once a second."""

    def run(self, goal: int) -> bool:
        session = self.session
        if session is not None and session.cut_tick % 50:
            session.cut_tick += 50 - session.cut_tick % 50
        return super().run(goal)


class _LongerLater(Core):
    """T doubles in some sessions."""

    def longer(self, session: Session) -> bool:
        raise NotImplementedError

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        deadman_ms = session.deadman_ms
        if self.longer(session):
            session.deadman_ms = 2 * deadman_ms
        super().take(setpoint, session, now)
        session.deadman_ms = deadman_ms


class LongerAfterPause(_LongerLater):
    """R4: after a pause the dead-man waits twice as long."""

    def longer(self, session: Session) -> bool:
        return session._paused_ticks > 0


class LongerAfterHalfAMinute(_LongerLater):
    """R4: after half a minute the dead-man waits twice as long."""

    def longer(self, session: Session) -> bool:
        return self.tick - session._armed_tick > 1500


FEEDING: Final[dict[str, type[Core | Rules]]] = {
    "question-feeds": QuestionFeeds,
    "reset-feeds": ResetFeeds,
    "refused-arm-feeds": RefusedArmFeeds,
    "bad-frame-feeds": BadFrameFeeds,
    "any-byte-feeds": AnyByteFeeds,
    "old-epoch-feeds": OldEpochFeeds,
    "other-owner-feeds": OtherOwnerFeeds,
    "other-link-feeds": OtherLinkFeeds,
    "old-sequence-feeds": OldSequenceFeeds,
    "old-echo-feeds": OldEchoFeeds,
    "repeated-arm-feeds": RepeatedArmFeeds,
    "malformed-does-not-feed": MalformedDoesNotFeed,
    "silence-while-armed": SilenceWhileArmed,
    "silence-in-pause": SilenceInPause,
    "silence-in-fade": SilenceInFade,
    "silence-after-malformed": SilenceAfterMalformed,
    "deadman-longer-after-pause": LongerAfterPause,
    "deadman-longer-after-half-a-minute": LongerAfterHalfAMinute,
    "deadman-once-a-second": DeadManOnceASecond,
}
