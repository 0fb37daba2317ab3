"""Statuses as JSON, and back (R19)."""

from __future__ import annotations

import json

import pytest

from massager_ctl.errors import InputError
from massager_ctl.frontends.status_document import status_document, status_from
from massager_ctl.model.device import Pattern, Setpoint
from massager_ctl.model.status import GuidedStep, Held, Phase, Status
from massager_ctl.model.units import Direction, Motion, Zone

KNEAD = Pattern(Motion.KNEAD, Direction.CW)
PATTERNS = (KNEAD, KNEAD, KNEAD, KNEAD, KNEAD, KNEAD)


def test_a_status_survives_as_json() -> None:
    status = Status(
        address="sim:",
        phase=Phase.RUNNING,
        target=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
        sent=Setpoint((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), PATTERNS),
        held=(Held(Zone.NECK_LEFT, 40.0, 18.0, "R2", 170.0),),
        guided=GuidedStep("Breathe.", 3.0, 10.0),
    )
    plain = json.loads(json.dumps(status_document(status)))
    assert plain["target"]["neck_left"] == 3.0
    assert plain["sent"]["levels"]["suboccipital_right"] == 6.0
    assert status_from(plain) == status


@pytest.mark.parametrize("broken", [{}, {"target": 5}, {"target": {"neck_left": 1}}])
def test_a_status_that_makes_no_sense_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InputError):
        status_from(broken)
