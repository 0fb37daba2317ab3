"""Epochs and challenges: which ends void them, and that none comes back with a reboot."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, make, noisy

from firmware_sim import wire
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer
from massager_fw.announce import EPOCHS_PER_BOOT, Announcer, number
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


def test_a_challenge_before_the_newest_is_good_for_ten_seconds_at_any_time() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    announcer.renew_if_due(20_000)
    named = bytearray(announcer.challenge)
    announcer.renew_if_due(25_000)
    assert announcer.use(named, 30_000)
    named = bytearray(announcer.challenge)
    announcer.renew_if_due(35_000)
    assert announcer.use(bytearray(announcer.challenge), 39_000)
    assert not announcer.use(named, 40_100), "it is 10.1 s old, and was not used up"


def test_r7_a_stop_voids_the_challenge_before_the_newest_too() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    named = bytearray(announcer.challenge)
    announcer.renew_if_due(5_000)
    announcer.void_challenges(6_000)
    assert not announcer.use(named, 6_000)


def test_once_the_epochs_of_a_boot_are_spent_it_takes_those_of_another() -> None:
    nvm = MemoryNvm()
    core = make(nvm).firmware.core
    announcer = Announcer(core.memory, core.board)
    announcer._changes = EPOCHS_PER_BOOT - 2
    epochs: list[int] = []
    for _ in range(3):
        announcer.new_epoch()
        epochs.append(number(announcer.epoch))
    assert epochs == [2 * EPOCHS_PER_BOOT - 1, 2 * EPOCHS_PER_BOOT, 2 * EPOCHS_PER_BOOT + 1]
    assert core.memory.boot == 2
    assert make(nvm).firmware.core.memory.boot == 3


def test_r4_only_the_newest_128_counters_are_known_also_over_a_wrap_of_their_lower_half() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    announcer.counter = 0xFFFF - 200
    for _ in range(206):
        announcer.count(0)
    assert announcer.counter == 0x10005
    for back, fresh in ((0, True), (7, True), (127, True), (128, False), (200, False), (-1, False)):
        echo = announcer.counter - back
        assert announcer.fresh(echo >> 16, echo & 0xFFFF, 0, 500) is fresh, back
    assert not announcer.fresh(0, 5, 0, 500)
    assert not announcer.fresh(2, 5, 0, 500)


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
