"""What holds within one TELEMETRY, whatever came before: caps, sum, states, drives, claims (R1, R12, R14)."""

from __future__ import annotations

from massager_hil import wire
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import (
    ALLOWANCE_S,
    CAPS,
    COUNTED,
    E_STOP,
    FAULTS,
    MAINS,
    OPEN,
    SUM_CAP,
    Cause,
    Feature,
    Flag,
    State,
)

_MOST_ALLOWANCE = ALLOWANCE_S * COUNTED
_KNOWN_STATES = frozenset(State)
_KNOWN_CAUSES = frozenset(Cause)
_FLAGS = (1 << 7) - 1


class FrameJudge:
    """Holds each TELEMETRY to INFO and to itself."""

    def __init__(self, sheet: Sheet, info: wire.Info) -> None:
        self._sheet = sheet
        self.learn(info)

    def learn(self, info: wire.Info) -> None:
        """The claims that hold from now on."""
        self._info = info
        self._caps = tuple(
            min(bound, own * 10) if info.zones >> zone & 1 else 0
            for zone, (bound, own) in enumerate(zip(CAPS, info.caps, strict=True))
        )
        self._sum = min(SUM_CAP, info.sum_cap * 10)

    def look(self, t: wire.Telemetry) -> None:
        """Judge one."""
        breach = self._sheet.breach
        level = t.level
        if any(level) or any(t.vibration) or any(t.kneading):
            self._moving(t)
        if t.state not in _KNOWN_STATES:
            breach("R16", "the state is one of section 5", t.state, "0 to 6")
            return
        if t.cause not in _KNOWN_CAUSES:
            breach("R16", "the cause is one of section 7", t.cause, "a cause of the list")
        self._session(t)
        self._state(t)
        if t.allowance > _MOST_ALLOWANCE:
            breach("R8", "seconds of running left", t.allowance, f"≤ {_MOST_ALLOWANCE:.0f}")
        if t.flags & ~_FLAGS:
            breach("R16", "unused flags are 0", f"{t.flags:08b}", "bits 0 to 6")
        if t.flags & Flag.UNREADABLE and t.allowance:
            breach("R8", "an unreadable hour counts as spent: seconds left", t.allowance, 0)
        self._supply(t)

    def _moving(self, t: wire.Telemetry) -> None:
        breach = self._sheet.breach
        level, vibration, kneading = t.level, t.vibration, t.kneading
        for zone in range(6):
            most = level[zone]
            if most > self._caps[zone]:
                breach("R1", f"level of zone {zone}", most / 10, f"≤ {self._caps[zone] / 10} %")
            if vibration[zone] + kneading[zone] > most + 1 or (not most and vibration[zone]):
                both = (vibration[zone] + kneading[zone]) / 10
                breach("R3", f"drives of zone {zone} within its level", both, f"≤ {most / 10} %")
            if not most and kneading[zone]:
                breach("R3", f"kneading of zone {zone} at level 0", kneading[zone] / 10, "0 %")
            if vibration[zone] and not self._info.vibration >> zone & 1:
                breach("R12", f"vibration reported where zone {zone} has none", vibration[zone], 0)
            if kneading[zone] and not self._info.kneading >> zone & 1:
                breach("R12", f"kneading reported where zone {zone} has none", kneading[zone], 0)
        if sum(level) > self._sum:
            breach("R1", "sum of all levels", sum(level) / 10, f"≤ {self._sum / 10} %")

    def _session(self, t: wire.Telemetry) -> None:
        breach = self._sheet.breach
        if t.state in OPEN:
            if not t.owner:
                breach("R17", "an open session has an owner", t.owner, "not 0")
            if t.cause:
                breach("R16", "cause while a session is open", t.cause, 0)
        elif t.owner or t.seq:
            what = "owner and seq without a session"
            breach("R17", what, f"{t.owner:08x}, {t.seq}", "0, 0")

    def _state(self, t: wire.Telemetry) -> None:
        breach = self._sheet.breach
        moves = any(t.level)
        if t.state == State.RUNNING and not moves:
            breach("R16", "state running with every level at zero", "running", "armed")
        if t.state not in (State.RUNNING, State.FADING) and moves:
            rule = "R7" if t.state in (State.LATCHED, State.FAULT) else "R6"
            name = State(t.state).name.lower()
            breach(rule, f"highest level while {name}", max(t.level) / 10, "0 %")
        if t.state == State.LATCHED and t.cause not in E_STOP:
            breach("R7", "cause while latched", t.cause, "32 or 33")
        if t.state == State.FAULT and t.cause not in FAULTS:
            breach("R7", "cause in a fault", t.cause, "48 to 53")
        if t.flags & Flag.HEAT and t.state not in (State.ARMED, State.RUNNING):
            name = State(t.state).name.lower()
            breach("R11", f"heat while {name}", "on", "off")
        if t.flags & Flag.ATTENDED and t.state in (State.LATCHED, State.FAULT, *OPEN):
            breach("R7", "attended while latched or in a session", "set", "clear")
        if t.flags & Flag.PAIRING and t.uptime < 5000:
            breach("R17", "pairing open without a hold of 5 s", "open", "closed")
        if moves and not t.flags & Flag.SWITCH:
            breach("R14", "a level above 0 with the power switch open", max(t.level) / 10, "0 %")

    def _supply(self, t: wire.Telemetry) -> None:
        breach = self._sheet.breach
        if self._info.flags & Feature.MAINS:
            if t.battery != MAINS:
                breach("R13", "battery of a mains device", t.battery, MAINS)
        elif self._info.sensing & Feature.BATTERY and t.battery > 100:
            breach("R13", "battery", t.battery, "≤ 100 %")
        if t.flags & Flag.CHARGING and t.state in OPEN:
            breach("R13", "a session while charging", State(t.state).name.lower(), "none")
