"""The device's states and how one follows another: one table, from which the documentation is drawn.

At zero in every state but RUNNING and FADING; only ARM opens a session, and only CLEAR leaves a latch.
"""

from __future__ import annotations


class State:
    """The `state` byte of TELEMETRY (docs/protocol.md 5)."""

    IDLE = 0
    ARMED = 1
    RUNNING = 2
    PAUSED = 3
    FADING = 4
    LATCHED = 5
    FAULT = 6


class Event:
    """What moves the device from one state to the next."""

    ARM = 0
    MOVE = 1
    """A level above zero."""
    REST = 2
    """All levels at zero."""
    PAUSE = 3
    RUN = 4
    FADE = 5
    END = 6
    """STOP, dead-man, limit, link lost."""
    LATCH = 7
    TRIP = 8
    CLEAR = 9


class Cause:
    """The `cause` byte of TELEMETRY (docs/protocol.md 7); 1 to 15 come from a host."""

    NONE = 0
    PERSON = 1
    FINISHED = 2
    PAIN = 3
    SAFETY = 4
    HOST_LATE = 5
    HOST_CLOSING = 6
    TELEMETRY_LOST = 7
    DEAD_MAN = 16
    LINK_LOST = 17
    TIME_LIMIT = 18
    PAUSE_LIMIT = 19
    ALLOWANCE = 20
    FRAME_NOISE = 21
    BATTERY_LOW = 22
    BROWN_OUT = 23
    WATCHDOG = 24
    CHARGING = 25
    BUTTON = 32
    BUTTON_OPEN = 33
    OVER_TEMPERATURE = 48
    TEMPERATURE_SENSOR = 49
    STALL = 50
    OVER_CURRENT = 51
    STUCK_OUTPUT = 52
    MEMORY = 53


class Result:
    """The `result` byte of ACK (docs/protocol.md 7)."""

    OK = 0
    STALE_EPOCH = 1
    STALE_CHALLENGE = 2
    BUSY = 3
    LATCHED = 4
    FAULT = 5
    MALFORMED = 6
    ALLOWANCE = 7
    BATTERY = 8
    CHARGING = 9
    BUTTON = 10
    CAUSE_PRESENT = 11
    WRONG_LATCH = 12
    NOT_LATCHED = 13
    NOT_ALLOWED = 14


TRANSITIONS = (
    State.IDLE << 8 | Event.ARM << 4 | State.ARMED,
    State.IDLE << 8 | Event.END << 4 | State.IDLE,
    State.IDLE << 8 | Event.LATCH << 4 | State.LATCHED,
    State.IDLE << 8 | Event.TRIP << 4 | State.FAULT,
    State.ARMED << 8 | Event.MOVE << 4 | State.RUNNING,
    State.ARMED << 8 | Event.PAUSE << 4 | State.PAUSED,
    State.ARMED << 8 | Event.FADE << 4 | State.FADING,
    State.ARMED << 8 | Event.END << 4 | State.IDLE,
    State.ARMED << 8 | Event.LATCH << 4 | State.LATCHED,
    State.ARMED << 8 | Event.TRIP << 4 | State.FAULT,
    State.RUNNING << 8 | Event.REST << 4 | State.ARMED,
    State.RUNNING << 8 | Event.PAUSE << 4 | State.PAUSED,
    State.RUNNING << 8 | Event.FADE << 4 | State.FADING,
    State.RUNNING << 8 | Event.END << 4 | State.IDLE,
    State.RUNNING << 8 | Event.LATCH << 4 | State.LATCHED,
    State.RUNNING << 8 | Event.TRIP << 4 | State.FAULT,
    State.PAUSED << 8 | Event.RUN << 4 | State.ARMED,
    State.PAUSED << 8 | Event.FADE << 4 | State.FADING,
    State.PAUSED << 8 | Event.END << 4 | State.IDLE,
    State.PAUSED << 8 | Event.LATCH << 4 | State.LATCHED,
    State.PAUSED << 8 | Event.TRIP << 4 | State.FAULT,
    State.FADING << 8 | Event.END << 4 | State.IDLE,
    State.FADING << 8 | Event.LATCH << 4 | State.LATCHED,
    State.FADING << 8 | Event.TRIP << 4 | State.FAULT,
    State.LATCHED << 8 | Event.END << 4 | State.LATCHED,
    State.LATCHED << 8 | Event.LATCH << 4 | State.LATCHED,
    State.LATCHED << 8 | Event.TRIP << 4 | State.FAULT,
    State.LATCHED << 8 | Event.CLEAR << 4 | State.IDLE,
    State.FAULT << 8 | Event.END << 4 | State.FAULT,
    State.FAULT << 8 | Event.LATCH << 4 | State.FAULT,
    State.FAULT << 8 | Event.TRIP << 4 | State.FAULT,
    State.FAULT << 8 | Event.CLEAR << 4 | State.IDLE,
)
"""State, event, and the state after it, four bits each. Every pair that is not here leaves the state as it is."""

_NEXT = {row >> 4: row & 15 for row in TRANSITIONS}


def follow(state: int, event: int) -> int:
    """The state after `event`; the same one where the table says nothing."""
    return _NEXT.get(state << 4 | event, state)


def is_open(state: int) -> bool:
    """Whether a session is open in `state`."""
    return State.ARMED <= state <= State.FADING
