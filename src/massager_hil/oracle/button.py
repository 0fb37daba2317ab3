"""What the button means: pressed, released, held; what a hold may clear and open (R7, section 8)."""

from __future__ import annotations

from typing import Final

from massager_hil import wire
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import (
    ATTENDED_S,
    BUTTON_S,
    COUNTED,
    HOLD_S,
    PAIRING_HOLD_S,
    PAIRING_S,
    RELEASE_S,
    Flag,
    State,
)

_LATCHES: Final = (State.LATCHED, State.FAULT)
_NEVER: Final = -1e9


class ButtonJudge:
    """Knows what the finger did; exact only where the finger is this program's own."""

    def __init__(self, sheet: Sheet, *, exact: bool) -> None:
        self._sheet = sheet
        self._exact = exact
        self.pressed_at = _NEVER
        self.released_at = _NEVER
        self.down = False
        self.presses = 0
        """Since the last TELEMETRY that reported a latch."""
        self._while_latched = False
        self.cleared_at = _NEVER
        """When a hold that may clear a latch was let go."""
        self._must_clear = False
        self._pairing_at = _NEVER
        self._attended_at = _NEVER

    def press(self, now: float, state: int) -> bool:
        """The contact closes; whether that is a new press, and no bounce."""
        again = now - self.released_at < RELEASE_S
        self.down = True
        if again:
            return False
        self.pressed_at = now
        self.presses += 1
        self._must_clear = False
        self._while_latched = state in _LATCHES
        self._attended_at = self.cleared_at = _NEVER
        return True

    def release(self, now: float, state: int) -> None:
        """The contact opens."""
        self.down = False
        self.released_at = now
        held = now - self.pressed_at
        if held >= PAIRING_HOLD_S - 0.06:
            self._pairing_at = now
        if self._while_latched and held >= HOLD_S - 0.06:
            self.cleared_at = now
            self._attended_at = now
            self._must_clear = state == State.LATCHED and held >= HOLD_S + 0.06

    def ends_attendance(self) -> None:
        """An ARM was taken, something latched, or it booted."""
        self._attended_at = _NEVER

    def boot(self) -> None:
        """The device restarts."""
        self.presses = 0
        self.cleared_at = self._pairing_at = self._attended_at = _NEVER
        self._must_clear = False

    def may_have_cleared(self, now: float) -> bool:
        """A hold that clears was let go a moment ago."""
        return now - self.cleared_at < 1.0

    def look(self, t: wire.Telemetry, now: float) -> None:
        """Flags and latch against what the finger did."""
        if not self._exact:
            return
        breach = self._sheet.breach
        reported = bool(t.flags & Flag.BUTTON)
        if self.down and now - self.pressed_at > BUTTON_S + 0.001 and not reported:
            breach("R7", "button reported as pressed while it is", "released", "pressed")
        if not self.down and now - self.released_at > RELEASE_S + 0.041 and reported:
            breach("R7", "button reported as released 50 ms after it was", "pressed", "released")
        if reported and not self.down and 0.001 < now - self.released_at < 0.0:
            breach("R7", "button reported as released too soon", "released", "pressed")
        self._must_clear &= t.state in _LATCHES
        if self._must_clear and now - self.released_at > RELEASE_S + 0.15:
            self._must_clear = False
            if t.state in _LATCHES:
                breach(
                    "R7",
                    "a hold of 2 s, by a second press, clears the latch",
                    "it does not",
                    "it does",
                )
        pairing = now - self._pairing_at
        if t.flags & Flag.PAIRING and pairing > PAIRING_S + 0.2:
            breach("R17", "pairing open", "open", "for 60 s after a hold of 5 s")
        if not t.flags & Flag.PAIRING and 0.2 < pairing < PAIRING_S - 0.5:
            breach("R17", "pairing open after a hold of 5 s", "closed", "open for 60 s")
        if t.flags & Flag.ATTENDED and now - self._attended_at > ATTENDED_S * COUNTED + 0.3:
            breach("R7", "attended", "set", "only after a hold that cleared a latch, for 540 s")
