"""Epochs and challenges: which ends void them, and that none comes back with a reboot."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, make, noisy

from firmware_sim import wire
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer
from massager_fw.announce import EPOCHS_PER_BOOT, Announcer
from massager_fw.states import Result, State


def test_every_end_changes_the_epoch_and_an_arm_does_not(peer: Peer) -> None:
    before = peer.telemetry.epoch
    assert peer.arm().epoch == before
    ack = peer.stop()
    assert ack.epoch == before + 1
    assert peer.stop().epoch == before + 2


def test_each_boot_has_epochs_of_its_own() -> None:
    nvm = MemoryNvm()
    epochs = [make(nvm).telemetry.epoch for _ in range(3)]
    assert epochs == [1 << 20, 2 << 20, 3 << 20]


@pytest.mark.slow
def test_no_epoch_and_no_challenge_comes_back_with_a_reboot() -> None:
    nvm = MemoryNvm()
    one, two = make(nvm), make(nvm)
    assert one.telemetry.challenge != two.telemetry.challenge
    announcer = two.firmware.core.announcer
    seen = {bytes(announcer.epoch)}
    for _ in range(EPOCHS_PER_BOOT):
        announcer.new_epoch()
        seen.add(bytes(announcer.epoch))
    assert len(seen) == EPOCHS_PER_BOOT + 1
    assert bytes(make(nvm).firmware.core.announcer.epoch) not in seen


def test_a_challenge_used_leaves_the_newer_one_good() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    first = bytearray(announcer.challenge)
    announcer.renew_if_due(5000)
    second = bytearray(announcer.challenge)
    assert announcer.use(first, 6000)
    assert not announcer.use(first, 6000)
    assert announcer.use(second, 6000)
    assert not announcer.use(second, 6000)


def test_a_challenge_that_was_never_renewed_grows_old() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    assert not announcer.use(announcer.challenge, 10_100)


def ended(peer: Peer, how: str) -> None:
    match how:
        case "stop":
            peer.stop()
        case "dead_man":
            peer.run(0.7)
        case "limit":
            peer.drive(10.0, LOW)
        case "button":
            peer._take(peer.firmware.press(peer.now))
            peer._take(peer.firmware.release(peer.now))
            peer.run(0.1)
        case _:
            noisy(peer, 3, 2.5)


@pytest.mark.parametrize("how", ["stop", "dead_man", "limit", "button", "noise"])
def test_r7_every_end_voids_the_challenges_so_far(peer: Peer, how: str) -> None:
    peer.arm(limit_s=4 if how == "limit" else 60)
    peer.drive(0.4, LOW)
    named = peer.telemetry.challenge
    ended(peer, how)
    telemetry = peer.telemetry
    assert telemetry.state in (State.IDLE, State.LATCHED)
    assert telemetry.challenge != named
    again = wire.Arm(99, peer.owner, telemetry.epoch, named, 0, 1000, 60)
    expected = Result.LATCHED if how == "button" else Result.STALE_CHALLENGE
    assert peer.ask(again).result == expected
    if how == "button":
        assert peer.ask(wire.Reset(98, named, telemetry.latch)).result == Result.STALE_CHALLENGE


def test_r16_a_challenge_is_drawn_before_anybody_asks_and_nothing_is_none() -> None:
    core = make().firmware.core
    first, second = (Announcer(core.memory, core.board) for _ in range(2))
    assert len({bytes(first.challenge), bytes(second.challenge), bytes(4)}) == 3
    assert not first.use(bytearray(4), 0)
    assert first.use(bytearray(first.challenge), 0)
