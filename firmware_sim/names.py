"""The numbers of the wire by their names in docs/protocol.md, for traces, tests and people."""

from __future__ import annotations

from typing import Final

from massager_fw import states
from massager_fw.states import Cause, Event, State


def names(table: type) -> dict[int, str]:
    """What a class of numbers calls each of them, in lower case."""
    return {value: name.lower() for name, value in vars(table).items() if name.isupper()}


_STATES: Final = names(State)
_CAUSES: Final = names(Cause)
EVENTS: Final = {
    Event.ARM: "ARM taken",
    Event.MOVE: "a level above zero",
    Event.REST: "all levels at zero",
    Event.PAUSE: "SETPOINT asks for pause",
    Event.RUN: "SETPOINT asks to run",
    Event.FADE: "SETPOINT asks to fade, or the battery is low",
    Event.END: "STOP, dead-man, limit, link lost",
    Event.LATCH: "button",
    Event.TRIP: "a protection trips",
    Event.CLEAR: "RESET taken, or button held",
}
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


def state_name(state: int) -> str:
    """`idle`, `armed`, ..."""
    return _STATES.get(state, str(state))


def cause_name(cause: int) -> str:
    """`none`, `person`, ..."""
    return _CAUSES.get(cause, str(cause))


def trace_event(cause: int) -> str:
    """The event of the trace format for the end of a session by `cause`."""
    return _TRACE_EVENTS.get(cause, "stop")


def mermaid() -> str:
    """The firmware's table of states as a Mermaid diagram, one arrow for each change of state."""
    labels: dict[tuple[int, int], list[str]] = {}
    for row in states.TRANSITIONS:
        state, event, after = row >> 8, row >> 4 & 15, row & 15
        if after != state:
            labels.setdefault((state, after), []).append(EVENTS[event])
    lines = [
        "stateDiagram-v2",
        "    [*] --> idle : boot",
        "    [*] --> fault : boot, with a fault in NVM",
    ]
    for (state, after), events in labels.items():
        lines.append(f"    {state_name(state)} --> {state_name(after)} : {'; '.join(events)}")
    return "\n".join(lines)
