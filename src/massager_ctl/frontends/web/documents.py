"""Builds the API's documents of devices, profiles and history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from massager_ctl.frontends.web.api import (
    Device,
    Devices,
    Dose,
    HistoryRow,
    PainRow,
    ProfileRow,
    Profiles,
    Prospect,
    Sessions,
)
from massager_ctl.frontends.web.offered import History, OfferedDevice
from massager_ctl.frontends.web.problems import problem_of
from massager_ctl.model.device import Cause
from massager_ctl.model.units import ZONES

_T = TypeVar("_T")


def device(offered: OfferedDevice, *, prospect: bool = False) -> Device:
    """One device as it is now. `prospect`: with what a start would get."""
    status = offered.controller.status
    info, telemetry = status.info, status.telemetry
    return Device(
        id=offered.name,
        address=status.address,
        link=status.link.value,
        serial=info.serial if info else "",
        firmware=info.firmware if info else "",
        battery=telemetry.battery if telemetry else None,
        simulated=info.simulated if info else False,
        mains=info.mains if info else False,
        heat=info.heat if info else False,
        latched=telemetry.state.latched if telemetry else False,
        cause=telemetry.cause.value if telemetry else Cause.NONE.value,
        zones=[zone.value for zone in ZONES if info and zone in info.zones],
        motions=sorted(info.motions) if info else [],
        directions=sorted(info.directions) if info else [],
        sensing=sorted(info.sensing) if info else [],
        dead_man_s=info.dead_man_s if info else None,
        prospect=_prospect(offered) if prospect else None,
    )


def _prospect(offered: OfferedDevice) -> Prospect:
    outlook, refusal = offered.outlook, offered.refusal()
    return Prospect(
        caps=None if refusal else {zone.value: float(outlook.caps[zone.index]) for zone in ZONES},
        notes=list(outlook.notes),
        dose_left_s=outlook.dose_left_s,
        refusal=problem_of(refusal, offered.name) if refusal else None,
    )


def devices(offered: Sequence[OfferedDevice], limit: int, offset: int) -> Devices:
    """A page of the list of devices."""
    return Devices([device(one) for one in part(offered, limit, offset)], len(offered))


def profiles(rows: Sequence[dict[str, Any]], limit: int, offset: int) -> Profiles:
    """A page of the list of profiles."""
    chosen = part(rows, limit, offset)
    return Profiles([msgspec.convert(row, ProfileRow) for row in chosen], len(rows))


def sessions(name: str, history: History, limit: int, offset: int) -> Sessions:
    """A page of the ledger's sessions and reports of pain, and the dose left in this day."""
    dose = history.dose
    return Sessions(
        name,
        Dose(dose.left_s, dose.sessions_left, dose.used_s, dose.rest_s, dose.days),
        [
            HistoryRow(
                entry.id,
                entry.kind.value,
                entry.device,
                entry.profile,
                entry.started_at,
                entry.planned_s,
                entry.delivered_s,
                entry.charged_s,
                entry.open,
                entry.end_reason,
            )
            for entry in part(history.entries, limit, offset)
        ],
        [PainRow(report.kind, report.at) for report in part(history.pains, limit, offset)],
    )


def part(whole: Sequence[_T], limit: int, offset: int) -> Sequence[_T]:
    """A page of a list."""
    return whole[offset : offset + limit]
