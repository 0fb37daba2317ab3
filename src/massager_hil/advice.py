"""Where to look in a firmware when a rule is found broken: one line a rule."""

from __future__ import annotations

from typing import Final

LOOK_AT: Final = {
    "R1": "where a level gets its bound: the least of what is asked, the ARM's cap, the zone's own cap and the sum",
    "R2": "the running time: it counts levels above zero since the ARM and nothing else, and the envelope goes by it",
    "R3": "the tick in which a level or a drive rises, and what a change of motion or direction waits for",
    "R4": "the age of the last SETPOINT that was taken: what sets it to zero, and who looks at it, in every state",
    "R6": "the path of a STOP: before all other checks, in every state, from every link; ACK only once all is at zero",
    "R7": "the latch: what sets it, the counter beside it, and that only RESET or a second hold clears it",
    "R8": "the long limits: counted from the ARM at 0.9, pauses apart, and nothing gives time back",
    "R9": "the lifetime: what is added to it, and when it is written",
    "R11": "every way out of heat: pause, fade, malformed SETPOINT, any end; and the trip by each sensor",
    "R12": "the watch over each motor: its blanking after a start, the drive in that time, and what the trip goes by",
    "R13": "the battery and the charger: the look before an ARM, and the one in a session",
    "R14": "what is reported against what is driven, the current at rest, and the power switch",
    "R15": "what a link that goes down leaves behind, and that INFO stays the same",
    "R16": "which frame counts: CRC, length, version, epoch, challenge, seq, echo, each before anything else happens",
    "R17": "who holds the device: owner and link of each frame, and what frees the claim",
    "R19": "the range of each field, before any of them is used",
    "R24": "the tick and the ten TELEMETRY a second: what can hold them up, and what is reported at once",
}


def look_at(rule: str) -> str:
    """What to look at in the firmware; empty if there is nothing to say."""
    return LOOK_AT.get(rule, "")
