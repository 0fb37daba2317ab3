"""Broken frames, owners and numbers (R16, R17, R19)."""

from tests.second_device import codec
from tests.second_device.outputs import PAUSE, Session
from tests.second_device.sound import OK, SecondDevice


class CrcHighByteUnchecked(SecondDevice):
    """R16: only the low byte of the CRC is compared."""

    def crc_fits(self, body: bytes) -> bool:
        return codec.crc16(body[:-2]) & 0xFF == body[-2]


class CrcUncheckedOnSetpoint(SecondDevice):
    """R16: a SETPOINT is taken with any CRC."""

    def crc_fits(self, body: bytes) -> bool:
        return body[1] == codec.SETPOINT or super().crc_fits(body)


class VersionUnchecked(SecondDevice):
    """R16: the version byte is not looked at."""

    def is_bad(self, body: bytes | None) -> bool:
        if body and len(body) >= 4 and self.crc_fits(body) and body[0] != codec.VERSION:
            body = codec.body(body[1], body[2:-2])
        return super().is_bad(body)


class NoiseNotWatched(SecondDevice):
    """R16: frame noise ends no session."""

    def noise(self, session: Session) -> int:
        return 0


class NoiseAtTwoSlots(SecondDevice):
    """R16: one second of noise ends the session."""

    def noise(self, session: Session) -> int:
        cause = super().noise(session)
        return 21 if session.noisy >= 2 else cause


class NoiseCountsRefused(SecondDevice):
    """R16: what is refused but good counts as noise."""

    def reject(self) -> None:
        super().reject()
        if self.session is not None:
            self.session.bad += 1


class OwnerLinkIgnored(SecondDevice):
    """R17: a SETPOINT with the owner's number is taken from any link."""

    def owns(self, link: int, session: Session, ask: codec.Setpoint) -> bool:
        return session.owner == ask.owner


class OwnerNumberIgnored(SecondDevice):
    """R17: any owner number on the owner's link is taken."""

    def owns(self, link: int, session: Session, ask: codec.Setpoint) -> bool:
        return session.link == link


class ArmTakesOver(SecondDevice):
    """R17: a second ARM ends the first one's session and takes the device."""

    def arm_result(self, link: int, ask: codec.Arm) -> int:
        held, self.session = self.session, None
        result = super().arm_result(link, ask)
        if result != OK:
            self.session = held
        return result


class CommandsWithoutBond(SecondDevice):
    """R17: a link that is encrypted and not bonded commands."""

    def link_up(self, link: int, now: float, kind: str) -> None:
        super().link_up(link, now, "ble" if kind == "ble_unbonded" else kind)


class OverRangeClamped(SecondDevice):
    """R19: a level over 1000 is clamped, not malformed."""

    def setpoint(self, link: int, ask: codec.Setpoint) -> None:
        level = tuple(min(value, 1000) for value in ask.level)
        head = (ask.epoch, ask.owner, ask.seq, ask.echo, ask.mode, ask.heat, ask.period)
        super().setpoint(link, codec.Setpoint(*head, level, ask.pattern))


class MalformedChangesNothing(SecondDevice):
    """R19: a malformed SETPOINT feeds and leaves the levels as they are."""

    def on_malformed(self, session: Session) -> None:
        self.force = True


class MalformedFeedsNothing(SecondDevice):
    """Section 8, Malformed: a malformed SETPOINT is not taken."""

    def setpoint(self, link: int, ask: codec.Setpoint) -> None:
        if self.malformed(ask):
            self.reject()
        else:
            super().setpoint(link, ask)


class MalformedEndsPause(SecondDevice):
    """R19: a malformed SETPOINT takes a paused session back to run."""

    def on_malformed(self, session: Session) -> None:
        super().on_malformed(session)
        session.mode = 0 if session.mode == PAUSE else session.mode


class DirectionUnchecked(SecondDevice):
    """R19: a motion goes with any direction."""

    def bad_zone(self, level: int, pattern: int) -> bool:
        return pattern & 15 > 5 or pattern >> 4 > 5 or level > 1000


class MalformedLastZoneUnchecked(SecondDevice):
    """R19: the last zone's level and pattern are not checked."""

    def malformed(self, ask: codec.Setpoint) -> bool:
        head = (ask.epoch, ask.owner, ask.seq, ask.echo, ask.mode, ask.heat, ask.period)
        level, pattern = (*ask.level[:5], 0), (*ask.pattern[:5], 0)
        return super().malformed(codec.Setpoint(*head, level, pattern))


VARIANTS: tuple[type[SecondDevice], ...] = (
    CrcHighByteUnchecked,
    CrcUncheckedOnSetpoint,
    VersionUnchecked,
    NoiseNotWatched,
    NoiseAtTwoSlots,
    NoiseCountsRefused,
    OwnerLinkIgnored,
    OwnerNumberIgnored,
    ArmTakesOver,
    CommandsWithoutBond,
    OverRangeClamped,
    MalformedChangesNothing,
    MalformedFeedsNothing,
    MalformedEndsPause,
    DirectionUnchecked,
    MalformedLastZoneUnchecked,
)
