"""What the firmware asks of a board, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_sim.config import DeviceConfig
from firmware_sim.nvm import MemoryNvm
from firmware_sim.physics.plant import Plant
from massager_fw.board import Board
from massager_fw.firmware import Firmware
from massager_fw.pattern import _hand_over


class Counting(Plant):
    """Never known to be settled, as a real board; it counts how often its watchdog is fed."""

    def __init__(self) -> None:
        super().__init__(DeviceConfig(), MemoryNvm(), 1)
        self.fed = 0

    def is_settled(self) -> bool:
        """A real board cannot know."""
        return False

    def feed_watchdog(self) -> None:
        """Once for each tick that was done."""
        self.fed += 1

    def send(self, link: int, data: bytearray, length: int) -> None:
        """No one listens."""


def test_r24_each_tick_feeds_the_watchdog_and_nothing_else_does() -> None:
    board = Counting()
    firmware = Firmware(board, DeviceConfig())
    firmware.advance(1000)
    assert board.fed == 50
    firmware.advance(1019)
    assert board.fed == 50


@pytest.mark.parametrize(
    "call",
    [
        lambda board: board.drive([0] * 12),
        lambda board: board.heat(0),
        lambda board: board.power(on=False),
        lambda board: board.sense(),
        lambda board: board.sense_slow(),
        lambda board: board.output_stuck(),
        lambda board: board.send(1, bytearray(1), 1),
        lambda board: board.load(0, bytearray(1)),
        lambda board: board.store(0, bytearray(1), 1),
        lambda board: board.keep(0),
        lambda board: board.random(bytearray(4)),
        lambda board: board.feed_watchdog(),
    ],
)
def test_a_board_that_lacks_a_part_says_so(call: Callable[[Board], object]) -> None:
    with pytest.raises(NotImplementedError):
        call(Board())


def test_r3_an_actuator_gives_way_only_as_far_as_the_other_has_come_and_never_rises_for_it() -> (
    None
):
    level, direction, kept = [100] * 6, [0] * 6, [0] * 24
    goals, actuators, drive = [10, 0] * 6, [0, 20] * 6, [20] * 6
    settled = _hand_over(level, direction, [100] * 6, goals, drive, actuators, kept, 1)
    assert actuators == [10, 20] * 6  # 90 would be let, and it has 20
    assert not settled
