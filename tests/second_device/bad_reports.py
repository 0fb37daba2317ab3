"""Broken reports: what the device tells is not what it does (sections 1, 4 and 8)."""

from dataclasses import replace

from tests.second_device import codec
from tests.second_device.sound import SecondDevice


class TelemetryNotAtOnce(SecondDevice):
    """Section 4: TELEMETRY comes with the regular one only."""

    def settle(self) -> None:
        self.force = False


class LevelsRoundedDown(SecondDevice):
    """Section 1: levels and drives are reported rounded down."""

    def up_tenths(self, values: list[float]) -> tuple[int, ...]:
        return tuple(int(value) for value in values)


class DriveReportedIsLevel(SecondDevice):
    """R3: telemetry tells the level as the vibration's drive."""

    def telemetry(self) -> codec.Telemetry:
        telemetry = super().telemetry()
        return replace(telemetry, vibration=telemetry.level)


class RunningByArmedTime(SecondDevice):
    """Section 4: `running` tells the time armed."""

    def telemetry(self) -> codec.Telemetry:
        session = self.session
        telemetry = super().telemetry()
        if session is None:
            return telemetry
        return replace(telemetry, running=round(session.armed * 1000))


class AttendedByAnyHold(SecondDevice):
    """R7, section 8: any hold of 2 s sets `attended`."""

    def button_tick(self) -> None:
        was = self.pressed
        super().button_tick()
        if was and not self.pressed and self.now - self.pressed_at > 2:
            self.attended_until = self.up + 540


class CounterPerLink(SecondDevice):
    """Section 4: the counter goes up once for each link."""

    def tell(self) -> None:
        super().tell()
        self.counter += max(0, len(self.links) - 1)


VARIANTS: tuple[type[SecondDevice], ...] = (
    TelemetryNotAtOnce,
    LevelsRoundedDown,
    DriveReportedIsLevel,
    RunningByArmedTime,
    AttendedByAnyHold,
    CounterPerLink,
)
