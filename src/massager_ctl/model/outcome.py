"""How a session ended, and what the process returns for it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.errors import ExitCode, MassagerError
from massager_ctl.model.device import Cause

_EXIT: Final[dict[Cause, ExitCode]] = {
    Cause.PERSON: ExitCode.OK,
    Cause.FINISHED: ExitCode.OK,
    Cause.PAIN: ExitCode.OK,
    Cause.HOST_CLOSING: ExitCode.OK,
    Cause.LINK_LOST: ExitCode.LINK,
    Cause.WATCHDOG: ExitCode.LINK,
}
"""Every other cause is a safety rule: 3."""

DEVICE_SAYS: Final[dict[Cause, str]] = {
    Cause.PERSON: "it was stopped from another program",
    Cause.DEAD_MAN: "the device heard nothing from this program for too long (R4)",
    Cause.LINK_LOST: "the link went down",
    Cause.TIME_LIMIT: "its time is over (R8)",
    Cause.PAUSE_LIMIT: "the pause was too long (R8)",
    Cause.ALLOWANCE: "it has run as long as one hour allows (R8)",
    Cause.FRAME_NOISE: "the link is too noisy (R16)",
    Cause.BATTERY_LOW: "the battery is low (R13)",
    Cause.BROWN_OUT: "its supply voltage broke down (R13)",
    Cause.WATCHDOG: "the device restarted itself (R24)",
    Cause.CHARGING: "its charger was plugged in (R13)",
    Cause.BUTTON: "its button was pressed; it is latched until `massager-ctl reset`",
    Cause.BUTTON_OPEN: "its button's cable is open; it is latched",
    Cause.OVER_TEMPERATURE: "it is too hot (R11); it is latched",
    Cause.TEMPERATURE_SENSOR: "a temperature sensor failed (R11); it is latched",
    Cause.STALL: "a motor was blocked (R12); look for hair or clothing; it is latched",
    Cause.OVER_CURRENT: "a motor drew too much current (R12); it is latched",
    Cause.STUCK_OUTPUT: "an output is stuck (R14); the device cut its power; it is latched",
    Cause.MEMORY: "its memory failed a check (R24); it is latched",
}
"""A cause that the device reports, in plain words."""


class SessionEnd(Struct, frozen=True):
    """The end of a session: the cause, a sentence, seconds played, and the error if any."""

    cause: Cause
    text: str
    played_s: float
    running_s: float
    error: MassagerError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """0 finished or ended by the person, 3 by a rule, 4 link lost, 5 not confirmed."""
        if self.error is not None:
            return self.error.exit_code
        return _EXIT.get(self.cause, ExitCode.REFUSED)
