"""Builds the status that every front end shows; pure, and the only place that makes one."""

from __future__ import annotations

from massager_ctl.control.run import Run
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.model.device import OFF, DeviceInfo, Telemetry
from massager_ctl.model.status import LinkState, Phase, Status
from massager_ctl.model.units import ZERO


def build_status(  # noqa: PLR0913
    *,
    address: str,
    link: LinkState,
    info: DeviceInfo | None,
    telemetry: Telemetry | None,
    run: Run | None,
    unconfirmed: StopUnconfirmed | None,
    dose_left_s: float | None,
    now: float,
    presence_due_in_s: float | None,
) -> Status:
    """The current status; `now` is on the loop's clock.

    `run`: the session that is open, or the last one. `presence_due_in_s`: seconds until presence is due (R23).
    """
    alarm = str(unconfirmed or "")
    if run is None:
        return Status(address=address, link=link, info=info, telemetry=telemetry, message=alarm)
    session, governor, source, outcome = run.session, run.governor, run.source, run.outcome
    played, ended = session.played_s, session.ended
    live = ended is None
    stopping = outcome is None and ended is not None
    return Status(
        address=address,
        link=link,
        info=info,
        telemetry=telemetry,
        phase=Phase.STOPPING if stopping else session.phase,
        title=source.title,
        profile=source.id,
        step=source.phase_at(played),
        elapsed_s=played,
        remaining_s=session.remaining_s if live else 0.0,
        duration_s=source.duration_s,
        target=run.wanted.levels if live else ZERO,
        sent=run.sent if live else OFF,
        allowed=governor.allowed(),
        caps=governor.limits.caps,
        held=governor.held(run.wanted.levels) if live else (),
        eased=session.eased,
        guided=source.guided_at(played) if live else None,
        presence_due_in_s=presence_due_in_s if live else None,
        motors_in_s=session.motors_in_s(now) if live else None,
        pause_left_s=session.pause_left_s(now) if live else None,
        dose_left_s=dose_left_s,
        notes=run.notes,
        end_reason="" if outcome is None else outcome.cause,
        exit_code=None if outcome is None else outcome.exit_code,
        message=alarm or (ended.text if ended is not None else ""),
    )
