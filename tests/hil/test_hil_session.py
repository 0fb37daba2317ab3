"""What the oracle knows while little is certain, as on a computer that is late."""

from __future__ import annotations

from massager_hil import wire
from massager_hil.oracle.motion import MotionJudge
from massager_hil.oracle.session import Session
from massager_hil.oracle.sheet import Sheet

CAPS = (70, 70, 50, 50, 35, 35)
INFO = wire.Info(
    *(0, 1, "SIM-00000001", (1, 0, 0), 1, 0, 63, 63, 63, 63, 63),
    *(CAPS, 200, 20, 500, 1800, 2700, 1800, 255),
)


def told(counter: int, uptime: int) -> wire.Telemetry:
    rest = (0,) * 6
    return wire.Telemetry(
        *(counter, 1, 7, uptime, 0, 0, 0, 0, 0, 0, 8, 86),
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
            motion.look(told(number, uptime), traverses=False)
        assert len(sheet.breaches) == breaches
