"""The firmware without the simulator's layer over it, as a real board has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_sim import firmware as simulated
from firmware_sim.config import DeviceConfig
from firmware_sim.firmware import Rules
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer
from firmware_sim.physics.plant import Plant
from massager_fw import codec
from massager_fw.board import Board
from massager_fw.config import LinkKind
from massager_fw.firmware import Firmware
from massager_fw.links import MTU_FOR_ALL
from massager_fw.states import Cause

LOW = (50, 50, 0, 0, 0, 0)


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


class Plain(Rules):
    """Its entries as a board calls them, without what a simulator puts before them."""

    disconnect = Firmware.disconnect
    feed = Firmware.feed
    sense_button = Firmware.sense_button


@pytest.mark.parametrize(
    ("after_s", "act", "cause"),
    [
        (0.4, lambda peer: peer.send(peer.setpoint(LOW)), Cause.DEAD_MAN),
        (0.4, lambda peer: peer.firmware.disconnect(1, peer.now), Cause.DEAD_MAN),
        (0.2, lambda peer: peer.firmware.disconnect(1, peer.now), Cause.LINK_LOST),
        (0.2, lambda peer: peer.firmware.press(peer.now), Cause.BUTTON),
    ],
)
def test_r4_r8_what_passed_before_a_frame_a_lost_link_or_a_press_counts_first_and_is_told(
    after_s: float, act: Callable[[Peer], object], cause: int
) -> None:
    peer = Peer(simulated.Firmware(DeviceConfig(), MemoryNvm(), 1, rules=Plain))
    peer.arm()
    peer.drive(1.0, LOW)
    core = peer.firmware.core
    before, peer.now = core.running, peer.now + after_s
    act(peer)
    assert core.cause == cause
    assert core.memory.life_ticks == before + (16 if cause == Cause.DEAD_MAN else 10)
    assert not core.changed, "whoever listens has heard of it"


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
