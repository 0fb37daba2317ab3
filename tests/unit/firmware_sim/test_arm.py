"""ARM: what refuses it, what a repeated one does, and who owns the session."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, changed

from firmware_sim.peer import Peer
from massager_fw.states import Cause, Result

ARM_REFUSALS: list[tuple[int, dict[str, int]]] = [
    (Result.STALE_EPOCH, {"epoch": 5}),
    (Result.STALE_CHALLENGE, {"challenge": 5}),
    (Result.MALFORMED, {"owner": 0}),
    (Result.MALFORMED, {"cap": 0}),
    (Result.MALFORMED, {"cap": 1001}),
    (Result.MALFORMED, {"limit_s": 0}),
    (Result.MALFORMED, {"limit_s": 2701}),
]


@pytest.mark.parametrize(("result", "fields"), ARM_REFUSALS)
def test_arm_is_refused_with_the_reason(peer: Peer, result: int, fields: dict[str, int]) -> None:
    peer.run(0.2)
    assert peer.ask(changed(peer.arm_message(), **fields)).result == result
    assert peer.firmware.core.session is None
    assert peer.firmware.rejected == 1


@pytest.mark.parametrize("fields", [{"cap": 1}, {"cap": 1000, "limit_s": 1}, {"limit_s": 2700}])
def test_arm_at_the_edges_of_its_range_is_taken(peer: Peer, fields: dict[str, int]) -> None:
    peer.run(0.2)
    assert peer.ask(changed(peer.arm_message(), **fields)).result == Result.OK


def test_a_challenge_is_used_up_even_by_a_refused_arm(peer: Peer) -> None:
    peer.run(0.2)
    arm = peer.arm_message()
    assert peer.ask(changed(arm, cap=0)).result == Result.MALFORMED
    assert peer.ask(arm).result == Result.STALE_CHALLENGE


def test_the_challenge_before_the_newest_is_good_until_it_is_ten_seconds_old(peer: Peer) -> None:
    peer.run(0.2)
    arm = peer.arm_message()
    peer.run(9.6)
    assert peer.ask(arm).result == Result.OK


def test_a_challenge_of_more_than_ten_seconds_ago_is_stale(peer: Peer) -> None:
    peer.run(0.2)
    arm = peer.arm_message()
    peer.run(10.2)
    assert peer.ask(arm).result == Result.STALE_CHALLENGE


def test_a_repeated_arm_is_answered_and_changes_nothing(peer: Peer) -> None:
    peer.run(0.2)
    arm = peer.arm_message()
    assert peer.ask(arm).result == Result.OK
    peer.drive(3.0, LOW)
    running = peer.firmware.core.running
    assert peer.ask(arm).result == Result.OK
    assert peer.firmware.core.running == running
    assert peer.firmware.core.levels.level[0] == 500
    # It does not feed the dead-man either.
    for _ in range(10):
        peer.run(0.1)
        peer.ask(arm)
    assert peer.firmware.core.cause is Cause.DEAD_MAN


def test_a_second_owner_is_busy_and_may_still_stop(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    other.now = peer.now
    assert other.arm().result == Result.BUSY
    peer.now = other.now
    peer.drive(1.0, LOW)
    other.now = peer.now
    assert other.stop().result == Result.OK
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.firmware.core.session is None


def test_r2_a_new_arm_starts_over_from_no_running_time(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW)
    peer.stop()
    peer.arm()
    peer.run(0.1)
    assert peer.telemetry.running == 0
    peer.drive(1.0, LOW)
    assert 900 <= peer.telemetry.running <= 1000


def test_a_cap_in_arm_is_kept(peer: Peer) -> None:
    peer.arm(cap=30)
    peer.drive(4.0, (100,) * 6)
    assert peer.firmware.core.levels.level == [300] * 6


def test_a_button_that_reads_as_pressed_refuses_to_arm(peer: Peer) -> None:
    peer.run(0.2)
    peer.firmware.core.button.pressed = True
    assert peer.ask(peer.arm_message()).result == Result.BUTTON


def test_an_arm_is_answered_once_be_it_new_repeated_or_refused(peer: Peer) -> None:
    peer.run(0.2)
    arm = peer.arm_message()
    others = [
        changed(arm, **{field: getattr(arm, field) + 1}) for field in ("token", "owner", "epoch")
    ]
    for message in (arm, arm, *others):
        before = len(peer.acks())
        peer.send(message)
        assert len(peer.acks()) == before + 1
    assert [ack.result for ack in peer.acks()] == [Result.OK] * 2 + [Result.BUSY] * 3
    assert peer.firmware.rejected == 3
