"""Prepares a start up to ARM: admitted, planned and proved (R1, R9, R20, R21), then reserved by `reserve`."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from msgspec import Struct

from massager_ctl.control.admission import AdmissionPolicy
from massager_ctl.control.device_link import DeviceLink
from massager_ctl.control.ledger_entry import LedgerEntry
from massager_ctl.control.run import Run
from massager_ctl.control.setpoint_source import UNNAMED_MAX_S, ManualSource, ProfilePlayer
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.control.stop_path import GIVEN_UP_S
from massager_ctl.errors import InputError
from massager_ctl.model.requests import MANUAL, Origin, Start
from massager_ctl.model.units import Intensity
from massager_ctl.profile.plan.make import ProvedProfile, fit_plan, prove_profile
from massager_ctl.profile.plan.timeline import rows
from massager_ctl.safety.assurance import WEAK_DEAD_MAN_S
from massager_ctl.safety.presence import Watcher
from massager_ctl.safety.steps import Steps


class Prepared(Struct, frozen=True):
    """A run that may be reserved. `running_s`: seconds with any level above zero, from the plan."""

    run: Run
    running_s: float
    heat: bool


async def requested_profile(start: Start) -> ProvedProfile | None:
    """The profile that a start asks for, None for manual control. Raises InputError, ProfileError.

    It is read and proved in a thread: another device's session in this process must not wait for it (R24).
    """
    profile = start.profile
    if profile is None or profile == MANUAL:
        checked_duration(UNNAMED_MAX_S if start.duration_s is None else start.duration_s)
        return None
    return await asyncio.to_thread(_read_and_prove, profile)


def _read_and_prove(profile: str | dict[str, Any]) -> ProvedProfile:
    from massager_ctl.profile.format.load import load_requested

    return prove_profile(load_requested(profile))


async def prepare(
    attempt: StartAttempt,
    profile: ProvedProfile | None,
    link: DeviceLink,
    admission: AdmissionPolicy,
) -> Prepared:
    """Ask device and ledger, and plan. Raises Refused and its subclasses, ProfileError, StoreError, LinkError."""
    start = attempt.request
    cap = None if start.cap is None else float(Intensity(start.cap))
    info = await link.fresh_info()
    driver = link.driver
    allowed = admission.assure(driver.assurance, info, guarded=driver.guarded)
    weak = allowed.limit_s is not None
    dead_man_s = WEAK_DEAD_MAN_S if weak else driver.kind.dead_man_s
    limits = await admission.limits(info, cap=cap)
    attempt.require_valid(link.now(), link.drift())
    notes = admission.notes
    if profile is None:
        longest_s = allowed.limit_s or UNNAMED_MAX_S
        source = ManualSource(longest_s if start.duration_s is None else start.duration_s)
        run = Run(attempt, source, limits, info, dead_man_s=dead_man_s, notes=notes)
        if weak:
            run.unconfirmed_s = GIVEN_UP_S
        return Prepared(run, source.duration_s, heat=False)
    plan = fit_plan(profile, limits, info)
    Steps(info.channels).require_worth([levels for _, _, levels in rows(plan.zones)], plan.title)
    heat = any(segment.heat_c is not None for segment in plan.motions)
    notes = (*notes, *plan.notes)
    watched = admission.watcher(info) is Watcher.PERSON and attempt.origin is Origin.LOCAL
    run = Run(
        attempt,
        ProfilePlayer(plan),
        plan.limits,
        info,
        dead_man_s=dead_man_s,
        notes=notes,
        waits=start.waits and watched,
    )
    if weak:
        run.unconfirmed_s = GIVEN_UP_S
    return Prepared(run, plan.running_s, heat)


async def reserve(prepared: Prepared, admission: AdmissionPolicy) -> LedgerEntry:
    """Put the whole session into the ledger, fsynced, before ARM (R9). Raises Refused, DoseSpent, StoreError."""
    run = prepared.run
    return await admission.reserve(
        run.info,
        profile=run.source.id,
        running_s=prepared.running_s,
        origin=run.attempt.origin,
        duration_s=run.source.duration_s,
        heat=prepared.heat,
    )


def checked_duration(duration_s: object) -> float:
    """Seconds of manual control. Raises InputError (R8, R19)."""
    if isinstance(duration_s, bool) or not isinstance(duration_s, (int, float)):
        raise InputError(f"a duration of {duration_s!r} is not a number of seconds")
    if not 0 < duration_s < math.inf:  # also false for NaN
        raise InputError("manual control lasts more than 0 and at most 900 seconds (R8)")
    return duration_s
