"""Every fault that the simulator knows, with the rows of the fault list that it serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from firmware_sim.config import DeviceConfig
from firmware_sim.faults import actions as act
from firmware_sim.faults import links as line
from firmware_sim.faults.plan import Start, Step

_T = TypeVar("_T")

EVENTS: Final = frozenset(
    (
        "boot",
        "arm",
        "pause",
        "resume",
        "fade",
        "end",
        "stop",
        "latch",
        "reset",
        "trip",
        "fault",
        "dead_man",
        "disarm",
        "pain",
    )
)
"""The events of the trace format."""
_SPEC: Final = re.compile(
    r"(?P<name>[a-z_]+)(=(?P<value>[^@]*))?(@(?P<when>[^:]+)(:(?P<lasts>[0-9.]+))?)?"
)
_WHEN: Final = re.compile(r"(?P<event>[a-z_]+)?\+?(?P<at>[0-9.]+)?")


class FaultError(ValueError):
    """A fault that cannot be read; the message says what is possible."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens to a device at some time."""

    rows: str
    about: str
    begin: Callable[[str], Start]
    value: str = ""
    """What `=` takes, for the list; empty if nothing."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A fault that a device has from the start."""

    rows: str
    about: str
    change: Callable[[DeviceConfig, str], DeviceConfig]
    value: str = ""


FLAWS: Final[dict[str, Flaw]] = {
    "clock": Flaw("47", "the device's clock runs fast or slow", act.clock, "+10% or -10%"),
    "battery": Flaw("44", "the battery is as full as this at power-on", act.battery, "percent"),
    "lie_cap": Flaw(
        "56", "INFO claims these caps; the device keeps its own", act.lie_cap, "percent, 0 to 255"
    ),
    "lie_simulated": Flaw("56", "INFO says that the device is a real one", act.lie_real),
    "no_sensing": Flaw("R12", "no current and speed sensing, so no kneading", act.no_sensing),
}

FAULTS: Final[dict[str, Fault]] = {
    "stall": Fault("41", "the load holds a motor fast", act.stall, "zone or all"),
    "over_current": Fault("42", "a winding is shorted", act.over_current, "zone or all"),
    "pwm_stuck": Fault("43", "a power stage stays on at full duty", act.pwm_stuck, "zone or all"),
    "overheat": Fault("39", "the pad gets external heat", act.overheat, "watts, 20 if not said"),
    "motor_hot": Fault(
        "39", "the motors get external heat", act.motor_hot, "watts, 40 if not said"
    ),
    "sensor_open": Fault(
        "40", "a temperature sensor's wire is open", act.sensor_open, "pad or motor"
    ),
    "sensor_short": Fault(
        "40", "a temperature sensor is shorted", act.sensor_short, "pad or motor"
    ),
    "sensor_frozen": Fault(
        "40", "a temperature reading stays as it is", act.sensor_frozen, "pad or motor"
    ),
    "sensor_stopped": Fault("40", "a sensor converts no more", act.sensor_stopped, "pad or motor"),
    "battery_sag": Fault(
        "44", "the battery's voltage sags", act.battery_sag, "volts, 1.8 if not said"
    ),
    "brown_out": Fault("45", "the supply breaks down", act.brown_out),
    "charging": Fault("R13", "the charger is plugged in", act.charging),
    "hang": Fault("46", "the firmware hangs until its watchdog resets it", act.hang),
    "reboot": Fault("20", "the device is reset", act.reboot),
    "nvm_flip": Fault("48", "a bit of NVM flips, and the device reboots", act.nvm_flip, "record"),
    "nvm_stuck": Fault("48", "NVM takes no writes any more", act.nvm_stuck),
    "button": Fault(
        "R7", "the button is pressed, and let go", act.button, "seconds, 0.2 if not said"
    ),
    "button_stuck": Fault("49", "the button sticks", act.button_stuck),
    "button_bounce": Fault("49", "the button bounces", act.button_bounce),
    "button_open": Fault("50", "the button's cable is open", act.button_open),
    "telemetry_silent": Fault("54", "no TELEMETRY is sent", line.telemetry_silent),
    "telemetry_freeze": Fault(
        "54", "the same TELEMETRY is sent again and again", line.telemetry_freeze
    ),
    "lie_level": Fault("55", "TELEMETRY says that all levels are zero", line.lie_level),
    "lie_later": Fault(
        "R15",
        "INFO claims other caps than before",
        act.lie_later,
        "percent, 0 to 255, 30 if not said",
    ),
    "used": Fault("59", "another host has run the device", act.used, "seconds, 600 if not said"),
    "ack_lost": Fault("25", "the next ACKs are lost", line.ack_lost, "how many, 1 if not said"),
    "drop": Fault("25", "pieces of the stream are lost", line.share("drop"), "share, 0 to 1"),
    "corrupt": Fault("16", "bits flip on the line", line.share("corrupt"), "share, 0 to 1"),
    "duplicate": Fault("18", "pieces come twice", line.share("duplicate"), "share, 0 to 1"),
    "reorder": Fault("19", "pieces change places", line.share("reorder"), "share, 0 to 1"),
    "truncate": Fault("15", "half of a piece is lost", line.share("truncate"), "share, 0 to 1"),
    "delay": Fault("58", "everything is late, both ways", line.delay, "seconds"),
    "fragment": Fault("24", "the stream comes in pieces", line.fragment, "bytes, 1 if not said"),
    "silent": Fault("12, 13", "the link hangs, and no one is notified", line.silent),
    "unplug": Fault("14", "the device is pulled out, and stays out", line.unplug),
    "flap": Fault("11", "the link breaks, and can be opened again at once", line.flap),
    "garbage": Fault("16, 23", "the device sends noise", line.garbage, "bytes, 200 if not said"),
}


def apply_fault(config: DeviceConfig, spec: str) -> tuple[DeviceConfig, list[Step]]:
    """Read one `NAME[=VALUE][@WHEN[:SECONDS]]`; WHEN is seconds, an event, or `event+seconds`."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise FaultError(f"cannot read the fault {spec!r}: it is NAME[=VALUE][@WHEN[:SECONDS]]")
    name, value = match["name"], match["value"] or ""
    if name in FLAWS:
        if match["when"]:
            raise FaultError(f"the fault {name} is there from the start: it takes no '@'")
        return _wrong_value(spec, lambda: FLAWS[name].change(config, value)), []
    if name not in FAULTS:
        known = ", ".join(sorted((*FAULTS, *FLAWS)))
        raise FaultError(f"there is no fault {name!r}. There are: {known}")
    at, event = _when(match["when"] or "0")
    lasts = None if match["lasts"] is None else float(match["lasts"])
    start = _wrong_value(spec, lambda: FAULTS[name].begin(value))
    return config, [Step(label=spec, start=start, at=at, event=event, lasts=lasts)]


def _when(text: str) -> tuple[float, str | None]:
    match = _WHEN.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        at = float(match["at"] or 0)
    except ValueError:
        raise FaultError(
            f"{text!r} is not a time: give seconds, an event, or event+seconds"
        ) from None
    event = match["event"]
    if event is not None and event not in EVENTS:
        raise FaultError(f"there is no event {event!r}. There are: {', '.join(sorted(EVENTS))}")
    return at, event


def _wrong_value(spec: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except ValueError as error:
        raise FaultError(f"the fault {spec!r} has a wrong value: {error}") from error
