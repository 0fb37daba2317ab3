"""Which way a motor of the pico_w turns: at its pins, where R3 is a matter of the motor and not of a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from massager_ctl.wire import messages
from tests.firmware.pico import Pico, wired
from tests.firmware.plain_host import PlainHost
from tests.firmware.running_pico import BROWN_OUT, LEVELS
from tests.firmware.unix_board import needs_micropython

pytestmark = needs_micropython

HOLD = (5, 5, 1, 1, 1, 1)
CW, CCW = ((way, way, 1, 1, 1, 1) for way in (0x12, 0x22))
PWM, DIRECTION = 4, 5
"""Of the left zone's kneading motor."""
REST_MS = 300
ONLY_KNEADING = tuple(
    (
        f'    {{"zone": "trapezius_{side}", "kind": "vibration", "pwm": {pwm}, '
        f'"sense": "mux{pwm - 2}", "sense_ohms": 2.5}},\n',
        "",
    )
    for side, pwm in (("left", 2), ("right", 3))
)


def turns(board: Pico) -> list[float]:
    """For how many milliseconds the motor's duty had been zero each time that its direction changed."""
    found: list[float] = []
    duty, zero_since, way = 0, 0, 0
    for at, word, *values in board.log():
        if word == "pwm" and values[0] == PWM:
            if duty and not values[1]:
                zero_since = at
            duty = values[1]
        elif word == "pin" and values[0] == DIRECTION and values[1] != way:
            way = values[1]
            found.append(0 if duty else at - zero_since)
    return found


@pytest.mark.parametrize("changes", [(), ONLY_KNEADING], ids=["both kinds", "only kneading"])
def test_r3_a_motor_that_turned_back_is_not_reversed_by_a_motion_without_a_way(
    tmp_path: Path, changes: tuple[tuple[str, str], ...]
) -> None:
    with wired(tmp_path, *changes) as board:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.arm()
        for pattern, seconds in ((HOLD, 6.0), (CCW, 7.0), (HOLD, 1.0), (CW, 2.0)):
            host.drive(seconds, LEVELS, pattern)
        assert all(rest >= REST_MS for rest in turns(board)), turns(board)
        assert len(turns(board)) == 2


def test_r3_after_a_brown_out_a_motor_turns_the_way_that_the_rules_say(tmp_path: Path) -> None:
    """The firmware begins again while the processor runs on: the motors follow the rules of now."""
    one_cell = '"mains": False, "empty_mv": 3300, "full_mv": 4200, "lowest_mv": 3000'
    with wired(tmp_path, ('"mains": True, "lowest_mv": 9000', one_cell), supply=3900) as board:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.arm()
        host.drive(1.0, LEVELS, HOLD)
        board.hand("supply", 2900)
        host.wait(messages.TelemetryFrame, lambda one: one.cause == BROWN_OUT)
        board.hand("supply", 3900)
        host.listen(0.3)
        assert host.arm().result == 0
        host.drive(6.5, LEVELS, CCW)
        assert [values for _, _, *values in board.noted("pin") if values[0] == DIRECTION][-1][1]
