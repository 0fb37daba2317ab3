"""What the oracle knows while little is certain, as on a computer that is late."""

from __future__ import annotations

import msgspec
import pytest

from massager_hil import wire
from massager_hil.oracle.ends import EndJudge
from massager_hil.oracle.motion import MotionJudge
from massager_hil.oracle.oracle import Oracle
from massager_hil.oracle.session import Session
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import Flag

CAPS = (70, 70, 50, 50, 35, 35)
INFO = wire.Info(
    *(0, 1, "SIM-00000001", (1, 0, 0), 1, 0, 63, 63, 63, 63, 63),
    *(CAPS, 200, 20, 500, 1800, 2700, 1800, 255),
)


def telemetry(counter: int, uptime: int, epoch: int = 1) -> wire.Telemetry:
    rest = (0,) * 6
    return wire.Telemetry(
        *(counter, epoch, 7, uptime, 0, 0, 0, 0, 0, 0, 8, 86),
        *(rest, rest, rest, 1, 240, 240, 1620, 0),
    )


def test_the_order_of_setpoints_is_open_while_none_was_surely_taken() -> None:
    session = Session(1, wire.Arm(1, 2, 3, 4, 100, 1000, 60), 0.0)

    def take(number: int, *, sure: bool) -> None:
        ask = wire.Setpoint(3, 2, number, 1, 0, 0, 4000, (20,) * 6, (1,) * 6)
        session.take(ask, 0.2 * number, sure=sure)

    for number in range(101, 300):
        take(number, sure=False)
        assert session.newer(number + 1) is not False
    take(300, sure=True)
    assert session.newer(301) is True


def test_a_time_without_any_link_is_no_gap_between_two_telemetry() -> None:
    for opened, breaches in ((True, 0), (False, 1)):
        sheet = Sheet()
        motion = MotionJudge(sheet, INFO)
        for number, uptime in enumerate((100, 200, 600)):
            motion.unheard = opened and number == 2
            motion.look(telemetry(number, uptime), traverses=False)
        assert len(sheet.breaches) == breaches


@pytest.mark.parametrize(
    ("slack_s", "late_s", "breaches"), [(0.15, 0.01, 0), (0.15, 1.0, 1), (0.0, 0.01, 1)]
)
def test_two_stops_may_be_under_way_before_the_first_is_told(
    slack_s: float, late_s: float, breaches: int
) -> None:
    """In real time, for as long as both may be; an epoch that changes later does so on its own."""
    oracle = Oracle(INFO, kind="serial", slack_s=slack_s, late=lambda: 0.0)
    oracle.opened(1)
    oracle.heard(1, telemetry(1, 100), 0.1)
    for token in (1, 2):
        oracle.sent(1, wire.frame(wire.pack(wire.Stop(token, 1))), 0.11)
    oracle.heard(1, telemetry(2, 120, epoch=2), 0.12)
    oracle.heard(1, telemetry(3, 140, epoch=3), 0.12 + late_s)
    changes = [what for _, what in oracle.sheet.breaches if what == "the epoch changes"]
    assert len(changes) == breaches


def test_telemetry_that_comes_late_on_another_link_is_no_boot() -> None:
    """Two links do not keep step on a computer that is late; a device that boots tells another epoch."""
    oracle = Oracle(INFO, kind="tcp", slack_s=0.15, late=lambda: 0.0)
    for link in (1, 2):
        oracle.opened(link)
    for number in (1, 2, 3):
        oracle.heard(1, telemetry(number, 100 * number), 0.1 * number)
    for number in (1, 2, 3):
        oracle.heard(2, telemetry(number, 100 * number), 0.31)
    assert not oracle.sheet.breaches
    oracle.heard(2, telemetry(4, 150), 0.4)
    assert {rule for rule, _ in oracle.sheet.breaches} >= {"R24"}


@pytest.mark.parametrize(
    ("before", "breaches"),
    [
        (101, 0),  # asked for heat: the heater had no tick yet to follow 102
        (102, 1),  # did not
    ],
)
def test_heat_may_last_until_the_telemetry_after_the_one_that_names_the_setpoint(
    before: int, breaches: int
) -> None:
    """R11, on a computer that is late: the TELEMETRY before came after 102 was sent, and does not know of it."""
    world = Oracle(INFO, kind="serial", slack_s=0.15, late=lambda: 0.0).world
    session = Session(1, wire.Arm(1, 2, 3, 4, 100, 1000, 60), 0.0)
    for seq, heat in ((101, 360), (102, 0)):
        ask = wire.Setpoint(3, 2, seq, 1, 0, heat, 4000, (20,) * 6, (1,) * 6)
        session.take(ask, 0.01 * seq, sure=True)
    warm = {"owner": session.arm.owner, "state": 1, "flags": 8 | Flag.HEAT}
    world.latest = msgspec.structs.replace(telemetry(9, 100), seq=before, **warm)
    world.latest_at = 1.1
    EndJudge(world).in_session(
        session, msgspec.structs.replace(telemetry(10, 120), seq=102, **warm)
    )
    assert [rule for rule, _ in world.sheet.breaches] == ["R11"] * breaches
