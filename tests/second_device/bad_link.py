"""Broken dead-man, stop and epochs (R4, R6, R15)."""

from tests.second_device import codec
from tests.second_device.outputs import DEAD_MAN, LINK_LOST, PAUSE, TIME_LIMIT, Session
from tests.second_device.sound import OK, SecondDevice


class DeadManLate(SecondDevice):
    """R4: T on a serial link is 1 s, while INFO says 500 ms."""

    def age(self, session: Session) -> float:
        return super().age(session) / 2


class DeadManNotOnSecondLink(SecondDevice):
    """R4: the dead-man of any link but the first is 5 s."""

    def age(self, session: Session) -> float:
        first = min(self.links, default=session.link)
        return super().age(session) / (1 if session.link == first else 5)


class NoDeadManInPause(SecondDevice):
    """R4: a paused session waits for its host."""

    def age(self, session: Session) -> float:
        return 0.0 if session.mode == PAUSE else super().age(session)


class NoDeadManAtZero(SecondDevice):
    """R4: with all levels at zero the dead-man rests."""

    def age(self, session: Session) -> float:
        return super().age(session) if self.any_level() else 0.0


class FedByGetInfo(SecondDevice):
    """R4: a GET_INFO of the owner's link feeds."""

    def take(self, link: int, body: bytes | None) -> None:
        super().take(link, body)
        if self.session is not None and body is not None and body[1:2] == b"\1":
            self.session.fed = self.now


class FedByRepeatedArm(SecondDevice):
    """R4: a repeated ARM feeds."""

    def repeat(self, session: Session, ask: codec.Arm) -> None:
        session.fed = self.now


class FedByRefused(SecondDevice):
    """R4: a duplicate of the owner feeds."""

    def setpoint(self, link: int, ask: codec.Setpoint) -> None:
        if self.session is not None and self.owns(link, self.session, ask):
            self.session.fed = self.now
        super().setpoint(link, ask)


class FedByBadFrame(SecondDevice):
    """R4, R16: anything that arrives on the owner's link feeds."""

    def feed(self, link: int, data: bytes, now: float) -> None:
        super().feed(link, data, now)
        if self.session is not None and self.session.link == link:
            self.session.fed = self.now


class EchoIgnored(SecondDevice):
    """R4: the echo is not looked at."""

    def echo_fresh(self, session: Session, ask: codec.Setpoint) -> bool:
        return True


class EchoOfAnyAge(SecondDevice):
    """R4: an echo of any counter that was ever sent is fresh."""

    def echo_fresh(self, session: Session, ask: codec.Setpoint) -> bool:
        return 0 < ask.echo <= self.counter


class EchoOfTheFuture(SecondDevice):
    """R4: a counter that was never sent passes, since it is newer."""

    def echo_fresh(self, session: Session, ask: codec.Setpoint) -> bool:
        return ask.echo > self.counter or super().echo_fresh(session, ask)


class RisesWhenOld(SecondDevice):
    """R4: levels rise on though the last SETPOINT is older than T/2."""

    def rise(self, session: Session) -> float:
        return 0.4


class SequenceWithoutWrap(SecondDevice):
    """Section 4: seq is compared as a plain number."""

    def newer(self, session: Session, ask: codec.Setpoint) -> bool:
        return ask.seq > session.seq


class SequenceOnlyDifferent(SecondDevice):
    """R16: an older seq is taken."""

    def newer(self, session: Session, ask: codec.Setpoint) -> bool:
        return ask.seq != session.seq


class SequenceEqual(SecondDevice):
    """R16: a duplicate is taken."""

    def newer(self, session: Session, ask: codec.Setpoint) -> bool:
        return (ask.seq - session.seq) % 2**32 < 2**31


class EpochKeptAtDeadMan(SecondDevice):
    """R6, section 6: the dead-man ends the session in the old epoch."""

    def finish(self, cause: int) -> None:
        changes = self.changes
        super().finish(cause)
        if cause == DEAD_MAN:
            self.changes = changes


class EpochKeptAtLinkLost(SecondDevice):
    """R15, section 6: a lost link ends the session in the old epoch."""

    def finish(self, cause: int) -> None:
        changes = self.changes
        super().finish(cause)
        if cause == LINK_LOST:
            self.changes = changes


class EpochKeptAtTimeLimit(SecondDevice):
    """R8, section 6: the time limit ends the session in the old epoch."""

    def finish(self, cause: int) -> None:
        changes = self.changes
        super().finish(cause)
        if cause == TIME_LIMIT:
            self.changes = changes


class EpochKeptAtIdleStop(SecondDevice):
    """R6: a STOP without a session changes no epoch."""

    def stop(self, link: int, payload: bytes) -> None:
        idle, changes = self.session is None, self.changes
        if idle:
            self.changes -= 1
        super().stop(link, payload)
        if idle:
            self.changes = changes


class EpochWithoutBoot(SecondDevice):
    """R16: the epoch counts from 1 at each boot."""

    @property
    def epoch(self) -> int:
        return 2**20 + self.changes


class EpochOfSetpointIgnored(SecondDevice):
    """R16: the epoch of a SETPOINT is not looked at."""

    def epoch_fits(self, ask: codec.Setpoint) -> bool:
        return True


class ChallengeOutlivesEpoch(SecondDevice):
    """R6: a change of the epoch leaves the challenges as they are."""

    def new_epoch(self) -> None:
        self.changes += 1
        self.draw()


class StopOfOwnerOnly(SecondDevice):
    """R6: another link's STOP is acknowledged and does nothing in a session."""

    def stop(self, link: int, payload: bytes) -> None:
        if self.session is None or self.session.link == link:
            super().stop(link, payload)
        else:
            self.ack(link, int.from_bytes(payload[:4], "little"), codec.STOP, OK)


class StopOfKnownReasonOnly(SecondDevice):
    """R6: a STOP with an unknown reason is not a stop."""

    def stop(self, link: int, payload: bytes) -> None:
        if 1 <= payload[4] <= 7:
            super().stop(link, payload)
        else:
            self.reject()


class StopOfOwnVersionOnly(SecondDevice):
    """Section 3: a STOP of a later version is bad."""

    def is_bad(self, body: bytes | None) -> bool:
        return super().is_bad(body) or body is None or body[0] != codec.VERSION


class StopAckTellsOldEpoch(SecondDevice):
    """Section 4, ACK: the epoch in it is the one before the STOP."""

    def ack(self, link: int, token: int, of: int, result: int) -> None:
        self.changes -= of == codec.STOP
        super().ack(link, token, of, result)
        self.changes += of == codec.STOP


class StopNotAnsweredTwice(SecondDevice):
    """R6: the same token again is taken for a repetition and not answered."""

    last_token = -1

    def stop(self, link: int, payload: bytes) -> None:
        token = int.from_bytes(payload[:4], "little")
        if token != self.last_token:
            super().stop(link, payload)
        self.last_token = token


class StopNotWithoutBond(SecondDevice):
    """R6, R17: a link that may not command cannot stop either."""

    def stop(self, link: int, payload: bytes) -> None:
        if self.links[link].may_command:
            super().stop(link, payload)
        else:
            self.reject()


class LinkDownUnnoticed(SecondDevice):
    """R15: the owner's link going down is left to the dead-man."""

    def link_down(self, link: int, now: float) -> None:
        self.run_to(now)
        if self.session is None or self.session.link != link:
            super().link_down(link, now)


class HalfFrameKept(SecondDevice):
    """Section 2: half a frame outlives its link."""

    def link_up(self, link: int, now: float, kind: str) -> None:
        old = self.halves.pop(link, None)
        super().link_up(link, now, kind)
        if old is not None:
            self.links[link].splitter = old

    def link_down(self, link: int, now: float) -> None:
        if link in self.links:
            self.halves[link] = self.links[link].splitter
        super().link_down(link, now)

    def __init__(self, seed: int = 0, nvm: dict[str, bytes] | None = None) -> None:
        self.halves: dict[int, codec.Splitter] = {}
        super().__init__(seed, nvm)


VARIANTS: tuple[type[SecondDevice], ...] = (
    DeadManLate,
    DeadManNotOnSecondLink,
    NoDeadManInPause,
    NoDeadManAtZero,
    FedByGetInfo,
    FedByRepeatedArm,
    FedByRefused,
    FedByBadFrame,
    EchoIgnored,
    EchoOfAnyAge,
    EchoOfTheFuture,
    RisesWhenOld,
    SequenceWithoutWrap,
    SequenceOnlyDifferent,
    SequenceEqual,
    EpochKeptAtDeadMan,
    EpochKeptAtLinkLost,
    EpochKeptAtTimeLimit,
    EpochKeptAtIdleStop,
    EpochWithoutBoot,
    EpochOfSetpointIgnored,
    ChallengeOutlivesEpoch,
    StopOfOwnerOnly,
    StopOfKnownReasonOnly,
    StopOfOwnVersionOnly,
    StopAckTellsOldEpoch,
    StopNotAnsweredTwice,
    StopNotWithoutBond,
    LinkDownUnnoticed,
    HalfFrameKept,
)
