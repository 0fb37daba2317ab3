"""The firmware without the simulator's layer over it, as a real board has it."""

from __future__ import annotations

from firmware_sim.config import DeviceConfig
from firmware_sim.nvm import MemoryNvm
from firmware_sim.physics.plant import Plant
from massager_fw import codec
from massager_fw.board import Board
from massager_fw.config import LinkKind
from massager_fw.firmware import Firmware
from massager_fw.links import MTU_FOR_ALL


class Wired(Plant):
    """A board that keeps what goes out."""

    def __init__(self) -> None:
        super().__init__(DeviceConfig(), MemoryNvm(), 1)
        self.sent: list[int] = []

    def send(self, link: int, data: bytearray, length: int) -> None:
        """Only who was notified matters here."""
        self.sent.append(link)


def test_a_link_that_carries_no_telemetry_gets_none() -> None:
    board = Wired()
    firmware = Firmware(board, DeviceConfig())
    firmware.connect(1, LinkKind.BLE, 0, bonded=True, mtu=MTU_FOR_ALL - 1)
    firmware.connect(2, LinkKind.BLE, 0, bonded=True, mtu=MTU_FOR_ALL)
    firmware.advance(1000)
    assert set(board.sent) == {2}
    assert firmware.at_rest
    assert not firmware.pairing_open


def test_a_board_adds_up_its_currents_and_is_never_known_to_be_settled() -> None:
    class Bare(Board):
        """Nothing but what the interface brings."""

        def __init__(self) -> None:
            self.current_ma = [20, 30] + [0] * 10

    board = Bare()
    assert board.total_ma() == 50
    assert not board.is_settled()


def test_r16_without_a_zero_the_search_ends_at_the_end() -> None:
    assert codec.find_zero_viper(bytearray(b"\1\2"), 0, 2) == 2
    assert codec.find_zero_viper(bytearray(b"\1\0\2"), 0, 3) == 1
