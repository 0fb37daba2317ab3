"""Makes the INFO and TELEMETRY that stand in for a device that reports neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.drivers.dialect import Dialect, DriverSpec
from massager_ctl.drivers.foreign import Foreign
from massager_ctl.model.device import Cause, Channel, DeviceInfo, DeviceState, Telemetry
from massager_ctl.model.units import ZERO, ZONES, Direction, Levels, Motion, Zone, per_zone
from massager_ctl.safety.limits import BOUNDS, SUM_BOUND

SESSION_S: Final = 1800
"""Seconds that stand for a limit of its own, which such a device does not have; R25's is what holds."""


def info_of(spec: DriverSpec, serial: str, firmware: str, dead_man_s: float) -> DeviceInfo:
    """The INFO of the device. `serial`: its address if it reports no number of its own."""
    zones = frozenset(zone for channel in spec.channels for zone in channel.zones)
    caps = per_zone(
        min(BOUNDS[zone.index], _most(spec.channels, zone)) if zone in zones else 0.0
        for zone in ZONES
    )
    return DeviceInfo(
        serial=serial,
        firmware=firmware,
        boot=0,
        lifetime_s=0,
        zones=zones,
        vibration=zones,
        kneading=frozenset(),
        motions=frozenset({Motion.VIBRATE}),
        directions=frozenset({Direction.NONE}),
        caps=caps,
        sum_cap=SUM_BOUND,
        rise_per_s=1.0,
        dead_man_s=dead_man_s,
        session_s=SESSION_S,
        with_pauses_s=SESSION_S,
        allowance_s=SESSION_S,
        sensing=frozenset(),
        simulated=False,
        mains=True,
        heat=False,
        channels=spec.channels,
    )


def reported_info(
    foreign: Foreign, spec: DriverSpec, dialect: Dialect, address: str, dead_man_s: float
) -> DeviceInfo:
    """INFO with what the device reported to the dialect; `address` stands for a missing number. Raises DriverFault."""
    serial, firmware = (plain(foreign.read(dialect, name)) for name in ("serial", "firmware"))
    return info_of(spec, serial or address, firmware or "unknown", dead_man_s)


class ReportMaker:
    """Makes a session's reports in place of a device that has none, and counts the seconds for which it ran."""

    __slots__ = ("_counter", "_running_at", "_running_s")

    def __init__(self) -> None:
        self._counter = 0
        self._running_s = 0.0
        self._running_at: float | None = None

    def begin(self) -> None:
        """A session begins."""
        self._running_s, self._running_at = 0.0, None

    def count(self, now: float, *, moving: bool) -> None:
        """Until `now` it was `moving`, or at rest."""
        if moving and self._running_at is not None:
            self._running_s += now - self._running_at
        self._running_at = now

    def report(
        self, now: float, *, epoch: int, armed: bool, moving: bool, levels: Levels
    ) -> Telemetry:
        """The next report. `levels`: percent by zone, as reported or as sent."""
        self.count(now, moving=moving)
        self._counter += 1
        state = DeviceState.ARMED if armed else DeviceState.IDLE
        if armed and moving:
            state = DeviceState.RUNNING
        return telemetry_of(self._counter, epoch, now, self._running_s, state, levels)


def telemetry_of(
    counter: int, epoch: int, now: float, running_s: float, state: DeviceState, levels: Levels
) -> Telemetry:
    """The report of this moment. `now` and `running_s`: seconds of this side's clock."""
    return Telemetry(
        counter=counter,
        epoch=epoch,
        challenge=0,
        uptime_s=now,
        running_s=running_s,
        owner=1 if state.in_session else 0,
        seq=counter,
        state=state,
        cause=Cause.NONE,
        latch=0,
        button_pressed=False,
        heat_on=False,
        charging=False,
        power_on=True,
        pairing_open=False,
        attended=False,
        allowance_unreadable=False,
        battery=None,
        levels=levels,
        vibration=levels,
        kneading=ZERO,
        current_ma=0,
        pad_c=None,
        motor_c=None,
        allowance_s=SESSION_S,
        rejected=0,
    )


def timer_for(minutes: Sequence[float], limit_s: int) -> float | None:
    """The shortest time of the device's own timer that does not end the session early, else its longest; None for none.

    `limit_s`: as ARM has it, which is a tenth and some seconds longer than the session (R8).
    """
    session_min = (limit_s * 0.9 - 10) / 60
    fitting = [one for one in minutes if one >= session_min - 0.0151]
    return min(fitting) if fitting else max(minutes, default=None)


def _most(channels: Sequence[Channel], zone: Zone) -> float:
    return max(channel.percents[-1] for channel in channels if zone in channel.zones)


def plain(text: object) -> str:
    """A serial number or firmware as a device reported it: short and printable, or nothing."""
    return "".join(letter for letter in str(text or "") if letter.isprintable())[:64]
