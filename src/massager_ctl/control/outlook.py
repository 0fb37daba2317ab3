"""What a start would get now: its caps, the minutes left, and the reason if it would be refused."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.control.admission import AdmissionPolicy
from massager_ctl.control.controller import Controller
from massager_ctl.errors import LinkLost, MassagerError, Refused
from massager_ctl.model.device import DeviceState
from massager_ctl.model.requests import Origin
from massager_ctl.model.status import LinkState
from massager_ctl.model.units import Levels
from massager_ctl.safety.limits import Limits

BATTERY_MIN: Final = 15
"""Percent below which the device refuses ARM (R13)."""


class Outlook(Struct, frozen=True):
    """What the host's rules allow. `caps`: percent per zone. `refusal`: None if a start would be admitted.

    `limits` and `notes`: the caps with their reasons, and notes for the person, if requested.
    """

    caps: Levels
    dose_left_s: float | None = None
    refusal: MassagerError | None = None
    limits: Limits | None = None
    notes: tuple[str, ...] = ()


class Hindrance(Struct, frozen=True):
    """Why the device would not start. `locks`: until a person clears it at the machine."""

    error: MassagerError
    locks: bool = False


async def look_ahead(
    controller: Controller, admission: AdmissionPolicy, fallback: Levels
) -> Outlook:
    """Check what a remote start checks; nothing is reserved. `fallback`: caps if no others are known."""
    caps, info = fallback, controller.info
    if info is None or controller.status.phase.in_session:
        return Outlook(caps, admission.dose_left_s)
    limits, notes = None, ()
    try:
        limits = await admission.limits(info, cap=None)
        caps, notes = limits.caps, admission.notes
        admission.require_allowed(info, duration_s=0.0, origin=Origin.REMOTE)
    except MassagerError as error:
        return Outlook(caps, admission.dose_left_s, error, limits, notes)
    return Outlook(caps, admission.dose_left_s, None, limits, notes)


def hindrance(controller: Controller) -> Hindrance | None:
    """Why a start would be refused now because of the last stop, the link or the device; None if it would not."""
    status = controller.status
    telemetry = status.telemetry if status.link is LinkState.UP else None
    if controller.unconfirmed is not None:
        return Hindrance(
            Refused(
                "the last stop was not confirmed by the device: take it off and unplug it",
                "Once it has stopped, clear this at the machine with `massager-ctl reset`.",
            ),
            locks=True,
        )
    if telemetry is None:
        return Hindrance(LinkLost("the device is not connected", "Check its power and its cable."))
    if telemetry.state in (DeviceState.LATCHED, DeviceState.FAULT):
        return Hindrance(
            Refused(
                f"the device is latched ({telemetry.cause.value.replace('_', ' ')})",
                "Check that nothing is wrong, then clear it at the machine with `massager-ctl reset`.",
            ),
            locks=True,
        )
    if telemetry.charging:
        return Hindrance(Refused("the device is charging", "Unplug its charger."))
    if telemetry.battery is None or telemetry.battery >= BATTERY_MIN:
        return None
    return Hindrance(Refused(f"its battery is at {telemetry.battery} %", "Charge it first."))
