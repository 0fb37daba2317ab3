"""A session to draw, and the sizes at which everything is looked at."""

from __future__ import annotations

from typing import Final

from tests.devices import device_info, telemetry

from massager_ctl.model.device import DeviceState, Pattern, Setpoint
from massager_ctl.model.status import GuidedStep, Held, LinkState, Phase, Status
from massager_ctl.model.units import Direction, Motion, Zone

SIZES: Final = ((1, 1), (40, 12), (60, 20), (80, 24), (120, 40))

KNEAD = Pattern(Motion.KNEAD, Direction.ALTERNATE)

INFO = device_info(serial="SIM-00000001", dead_man_s=0.5, sensing=frozenset())
TELEMETRY = telemetry(
    epoch=2,
    challenge=3,
    uptime_s=10.0,
    running_s=9.0,
    owner=1,
    seq=1,
    state=DeviceState.RUNNING,
    battery=87,
    levels=(18.2, 18.2, 12.0, 12.0, 0.0, 0.0),
    current_ma=300,
    pad_c=31.2,
    motor_c=33.4,
    allowance_s=900,
)
STATUS = Status(
    address="sim:",
    link=LinkState.UP,
    info=INFO,
    telemetry=TELEMETRY,
    phase=Phase.RUNNING,
    title="Restorative session",
    profile="restorative",
    step="ramp",
    elapsed_s=151.0,
    remaining_s=449.0,
    duration_s=600.0,
    target=(25.0, 25.0, 12.0, 15.0, 0.0, 0.0),
    sent=Setpoint((18.2, 18.2, 12.0, 12.0, 0.0, 0.0), (KNEAD,) * 6),  # type: ignore[arg-type]
    allowed=(18.0,) * 6,  # type: ignore[arg-type]
    caps=(25.0,) * 6,  # type: ignore[arg-type]
    held=(
        Held(Zone.TRAPEZIUS_LEFT, 25.0, 18.0, "R2", 170.0),
        Held(Zone.NECK_RIGHT, 15.0, 12.0, "R3", 3.0),
    ),
    guided=GuidedStep("Lean in gently and let your shoulders drop.", 12.0, 30.0),
    notes=("session 1 of 3: capped at 25",),
    eased=5.0,
)
