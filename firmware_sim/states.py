"""The device's states and how one follows another: one table, from which the documentation is drawn.

At zero in every state but RUNNING and FADING; only ARM opens a session, and only CLEAR leaves a latch.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final


class State(IntEnum):
    """The `state` byte of TELEMETRY (docs/protocol.md 5)."""

    IDLE = 0
    ARMED = 1
    RUNNING = 2
    PAUSED = 3
    FADING = 4
    LATCHED = 5
    FAULT = 6


class Event(Enum):
    """What moves the device from one state to the next; the value says it in words."""

    ARM = "ARM taken"
    MOVE = "a level above zero"
    REST = "all levels at zero"
    PAUSE = "SETPOINT asks for pause"
    RUN = "SETPOINT asks to run"
    FADE = "SETPOINT asks to fade, or the battery is low"
    END = "STOP, dead-man, limit, link lost"
    LATCH = "button"
    TRIP = "a protection trips"
    CLEAR = "RESET taken, or button held"


class Cause(IntEnum):
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


class Result(IntEnum):
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


_TRACE_EVENTS: Final = {
    Cause.FINISHED: "end",
    Cause.TIME_LIMIT: "end",
    Cause.PAUSE_LIMIT: "end",
    Cause.ALLOWANCE: "end",
    Cause.PAIN: "pain",
    Cause.DEAD_MAN: "dead_man",
    Cause.LINK_LOST: "disarm",
    Cause.FRAME_NOISE: "disarm",
    Cause.BATTERY_LOW: "trip",
    Cause.CHARGING: "trip",
    Cause.BROWN_OUT: "trip",
    Cause.WATCHDOG: "trip",
}


def trace_event(cause: Cause) -> str:
    """The event of the trace format for the end of a session by `cause`."""
    return _TRACE_EVENTS.get(cause, "stop")


_S = State
_E = Event

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (_S.IDLE, _E.ARM): _S.ARMED,
    (_S.IDLE, _E.END): _S.IDLE,
    (_S.IDLE, _E.LATCH): _S.LATCHED,
    (_S.IDLE, _E.TRIP): _S.FAULT,
    (_S.ARMED, _E.MOVE): _S.RUNNING,
    (_S.ARMED, _E.PAUSE): _S.PAUSED,
    (_S.ARMED, _E.FADE): _S.FADING,
    (_S.ARMED, _E.END): _S.IDLE,
    (_S.ARMED, _E.LATCH): _S.LATCHED,
    (_S.ARMED, _E.TRIP): _S.FAULT,
    (_S.RUNNING, _E.REST): _S.ARMED,
    (_S.RUNNING, _E.PAUSE): _S.PAUSED,
    (_S.RUNNING, _E.FADE): _S.FADING,
    (_S.RUNNING, _E.END): _S.IDLE,
    (_S.RUNNING, _E.LATCH): _S.LATCHED,
    (_S.RUNNING, _E.TRIP): _S.FAULT,
    (_S.PAUSED, _E.RUN): _S.ARMED,
    (_S.PAUSED, _E.FADE): _S.FADING,
    (_S.PAUSED, _E.END): _S.IDLE,
    (_S.PAUSED, _E.LATCH): _S.LATCHED,
    (_S.PAUSED, _E.TRIP): _S.FAULT,
    (_S.FADING, _E.END): _S.IDLE,
    (_S.FADING, _E.LATCH): _S.LATCHED,
    (_S.FADING, _E.TRIP): _S.FAULT,
    (_S.LATCHED, _E.END): _S.LATCHED,
    (_S.LATCHED, _E.LATCH): _S.LATCHED,
    (_S.LATCHED, _E.TRIP): _S.FAULT,
    (_S.LATCHED, _E.CLEAR): _S.IDLE,
    (_S.FAULT, _E.END): _S.FAULT,
    (_S.FAULT, _E.LATCH): _S.FAULT,
    (_S.FAULT, _E.TRIP): _S.FAULT,
    (_S.FAULT, _E.CLEAR): _S.IDLE,
}
"""Every pair that is not here leaves the state as it is."""

OPEN: Final = frozenset({State.ARMED, State.RUNNING, State.PAUSED, State.FADING})
"""The states in which a session is open."""


def follow(state: State, event: Event) -> State:
    """The state after `event`; the same one where the table says nothing."""
    return TRANSITIONS.get((state, event), state)


def mermaid() -> str:
    """The table as a Mermaid state diagram, one arrow for each change of state."""
    labels: dict[tuple[State, State], list[str]] = {}
    for (state, event), after in TRANSITIONS.items():
        if after is not state:
            labels.setdefault((state, after), []).append(event.value)
    lines = [
        "stateDiagram-v2",
        "    [*] --> idle : boot",
        "    [*] --> fault : boot, with a fault in NVM",
    ]
    for (state, after), events in labels.items():
        lines.append(f"    {state.name.lower()} --> {after.name.lower()} : {'; '.join(events)}")
    return "\n".join(lines)
