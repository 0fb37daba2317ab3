"""What the firmware asks of a board, and when."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_sim.config import DeviceConfig
from firmware_sim.nvm import MemoryNvm
from firmware_sim.physics.plant import Plant
from massager_fw.board import Board
from massager_fw.core_state import _duties
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


class Told(Counting):
    """It keeps what it is asked for while the firmware boots."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        super().__init__()

    def booted(self, count: int) -> None:
        """Entropy for what is drawn next."""
        self.told.append(("booted", count))

    def random(self, into: bytearray) -> None:
        """The first challenge."""
        self.told.append(("random", len(into)))
        super().random(into)

    def drive(self, duty: list[int]) -> None:
        """Every actuator."""
        self.told.append(("drive", list(duty)))
        super().drive(duty)

    def power(self, on: bool) -> None:
        """The motors' supply."""
        self.told.append(("power", on))
        super().power(on)


def test_r24_a_boot_mixes_its_number_into_chance_and_drives_nothing_before_there_is_power() -> None:
    board = Told()
    board.told.clear()
    Firmware(board, DeviceConfig())
    assert board.told == [("booted", 1), ("random", 4), ("drive", [0] * 12), ("power", True)]


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


def test_a_drive_is_a_duty_from_that_at_which_a_motor_of_its_kind_just_turns_to_full() -> None:
    drives, duty = [0, 0, 1, 1, 100, 100, 5_050, 5_050, 10_000, 10_000, 0, 0], [-1] * 12
    _duties(drives, duty, 2_000, 3_000)
    assert duty == [0, 0, 2_000, 3_000, 2_000, 3_000, 6_000, 6_500, 10_000, 10_000, 0, 0]


def test_r3_an_actuator_gives_way_only_as_far_as_the_other_has_come_and_never_rises_for_it() -> (
    None
):
    for gains in (0, 1):
        level, direction, kept = [100] * 6, [0] * 6, [0] * 24
        goals, actuators, drive = [0] * 12, [20] * 12, [20] * 6
        goals[gains::2], actuators[gains::2] = [10] * 6, [0] * 6
        settled = _hand_over(level, direction, [100] * 6, goals, drive, actuators, kept, 1)
        assert actuators[gains::2] == [10] * 6
        assert actuators[1 - gains :: 2] == [20] * 6  # 90 would be let, and it has 20
        assert not settled
