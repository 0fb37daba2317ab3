"""Devices that mistake which ARM, RESET or SETPOINT is a new one: challenges, repetitions, echoes (R16, R17)."""

# A mistake reaches into what it breaks.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Final

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw.announce import Announcer
from massager_fw.config import UNIT
from massager_fw.frames import Arm, Setpoint, get32, put32
from massager_fw.links import Port
from massager_fw.session import Session
from massager_fw.states import Result


class _Announces(Core):
    """Another way to issue challenges."""

    announcer_type: type[Announcer] = Announcer

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.announcer = self.announcer_type(self.memory, self.board)


class _Reusing(Announcer):
    def use(self, challenge: bytearray, now: int) -> bool:
        return challenge == self.challenge or (self._old_is_good and challenge == self._old)


class ChallengeReused(_Announces):
    """R16: a challenge that was used is taken again."""

    announcer_type = _Reusing


class _Generous(Announcer):
    """Knows all that it ever drew in this epoch."""

    def __init__(self, *args: object) -> None:
        self.drawn: list[bytes] = []
        super().__init__(*args)  # pyright: ignore[reportArgumentType]

    def _draw(self, now: int) -> None:
        super()._draw(now)
        self.drawn.append(bytes(self.challenge))

    def void_challenges(self, now: int) -> None:
        self.drawn.clear()
        super().void_challenges(now)

    def use(self, challenge: bytearray, now: int) -> bool:
        if bytes(challenge) in self.drawn and bytes(challenge) != bytes(self.challenge):
            self.drawn.remove(bytes(challenge))
            return True
        return super().use(challenge, now)


class ChallengeForEver(_Announces):
    """R16: a challenge stays good as long as the epoch does."""

    announcer_type = _Generous


class _Counting(Announcer):
    def _draw(self, now: int) -> None:
        put32(self.challenge, 0, get32(self.challenge, 0) + 1 & 0xFFFFFFFF)
        self._since = now


class ChallengeCounts(_Announces):
    """R16: the next challenge is the last one and one more."""

    announcer_type = _Counting


class _Lasting(Announcer):
    def renew_if_due(self, now: int) -> None:
        pass


class ChallengeNotRenewed(_Announces):
    """R16: a challenge that no one uses is never renewed."""

    announcer_type = _Lasting


class _Strict(Announcer):
    def _keep_old(self) -> None:
        super()._keep_old()
        self._old_is_good = False


class NewestChallengeOnly(_Announces):
    """R16: the challenge before the newest one is refused."""

    announcer_type = _Strict


class _Seeded(Announcer):
    """Draws from a generator that every boot sets up alike."""

    __slots__ = ("_drawn",)

    def __init__(self, *args: object) -> None:
        self._drawn = 0
        super().__init__(*args)  # pyright: ignore[reportArgumentType]

    def _draw(self, now: int) -> None:
        self._drawn += 1
        put32(self.challenge, 0, self._drawn * 2654435761 & 0xFFFFFFFF)
        self._since = now


class ChallengesAgainAfterBoot(_Announces):
    """R16: each boot draws the same challenges."""

    announcer_type = _Seeded


class RefusedArmKeepsChallenge(Rules):
    """R16: an ARM that is refused after the check of its challenge has not used it."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        announcer = self.core.announcer
        before, since = bytes(announcer.challenge), announcer._since
        result = super()._may_arm(port, arm, now)
        if result != Result.OK:
            announcer.challenge[:], announcer._since = before, since
        return result


class StaleEpochUsesChallenge(Rules):
    """R16: an ARM of another epoch uses up its challenge."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        result = super()._may_arm(port, arm, now)
        if result == Result.STALE_EPOCH:
            self.core.announcer.use(arm.challenge, now)
        return result


class ResetStaleChallenge(Rules):
    """R7: a RESET needs the latch counter, and no fresh challenge."""

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        right = bytearray(reset)
        right[6:10] = self.core.announcer.challenge
        return super()._may_reset(port, right, now)


class ResetOldLatch(Rules):
    """R7: a RESET needs a fresh challenge, and any latch counter."""

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        right = bytearray(reset)
        right[10:12] = self.core.latch.to_bytes(2, "little")
        return super()._may_reset(port, right, now)


class ResetNewEpoch(Core):
    """R16: a RESET that is taken changes the epoch."""

    def clear(self, reason: str) -> None:
        super().clear(reason)
        self.announcer.new_epoch()
        self.changed = True


class RepeatedArmTakesCap(Rules):
    """R1: the same ARM again with another cap is obeyed."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            levels = self.core.levels
            levels._ceilings = [min(cap * UNIT, arm.cap * 10) for cap in levels._caps]
            session.wished = False
        super()._arm(port, arm, body, now)


class RepeatedArmTakesLimit(Rules):
    """R8: the same ARM again with another limit is obeyed."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            session._limit_ticks = arm.limit_s * 45
            session._plan()
        super()._arm(port, arm, body, now)


class RepeatedArmTakesSeq(Rules):
    """R16: the same ARM again with another seq is obeyed."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        if session is not None and session.repeats(arm, port.link):
            session.count(arm.seq >> 16, arm.seq & 0xFFFF)
        super()._arm(port, arm, body, now)


class RepeatedArmByToken(Rules):
    """R17: an ARM of another owner with the same token is taken for a repetition, and answered with ok."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        session = self.core.session
        mine = None if session is None else session._arm
        if session is not None and mine is not None and arm.token == mine.token:
            arm.owner = mine.owner
        super()._arm(port, arm, body, now)


class RepeatedArmRefused(Rules):
    """R17: the same ARM again is busy, so that a host whose ACK was lost cannot know that it holds the device."""

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        if self.core.session is not None:
            self._answer(port, body, Result.BUSY)
        else:
            super()._arm(port, arm, body, now)


class NewestEchoOnly(Rules):
    """R16: only the newest counter counts as fresh, so that a SETPOINT that crosses a TELEMETRY is lost."""

    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        echo = setpoint.echo_high << 16 | setpoint.echo_low
        if echo == self.core.announcer.counter:
            super()._setpoint(port, setpoint, now)
        else:
            self._reject()


class _NoSeq(Session):
    """Its seq is 0 until the first SETPOINT."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # pyright: ignore[reportArgumentType]
        self.seq_low = self.seq_high = 0


class ArmSeqIgnored(Core):
    """R16: the seq of the ARM is forgotten: the first SETPOINT may have any, and 0 is reported before it."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self.session = _NoSeq(arm, link, deadman_ms, self.limits, now)


class AnyOwnerMayBeNobody(Rules):
    """R19: an ARM whose owner is 0 opens a session."""

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        nobody = bytes(arm.owner) == bytes(4)
        if nobody:
            arm.owner = bytearray(b"\x01\x00\x00\x00")
        return super()._may_arm(port, arm, now)


NUMBERS: Final[dict[str, type[Core | Rules]]] = {
    "challenge-reused": ChallengeReused,
    "challenge-for-ever": ChallengeForEver,
    "challenge-counts": ChallengeCounts,
    "challenge-not-renewed": ChallengeNotRenewed,
    "newest-challenge-only": NewestChallengeOnly,
    "challenges-again-after-boot": ChallengesAgainAfterBoot,
    "refused-arm-keeps-challenge": RefusedArmKeepsChallenge,
    "stale-epoch-uses-challenge": StaleEpochUsesChallenge,
    "reset-stale-challenge": ResetStaleChallenge,
    "reset-old-latch": ResetOldLatch,
    "reset-new-epoch": ResetNewEpoch,
    "repeated-arm-takes-cap": RepeatedArmTakesCap,
    "repeated-arm-takes-limit": RepeatedArmTakesLimit,
    "repeated-arm-takes-seq": RepeatedArmTakesSeq,
    "repeated-arm-by-token": RepeatedArmByToken,
    "repeated-arm-refused": RepeatedArmRefused,
    "newest-echo-only": NewestEchoOnly,
    "arm-seq-ignored": ArmSeqIgnored,
    "arm-of-nobody": AnyOwnerMayBeNobody,
}
