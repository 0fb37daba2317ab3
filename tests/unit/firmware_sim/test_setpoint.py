"""SETPOINT: which ones have no effect, and which levels and motions stay at zero."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.firmware_sim.lone_device import LOW, changed, device, rejected

from firmware_sim import wire
from firmware_sim.peer import Peer, Watch
from massager_fw.states import Cause, State


@pytest.mark.parametrize(
    "wrong",
    [
        lambda m: changed(m, epoch=m.epoch + 1),
        lambda m: changed(m, owner=m.owner + 1),
        lambda m: changed(m, seq=m.seq - 1),
        lambda m: changed(m, seq=(m.seq + 0x80000000) & 0xFFFFFFFF),
        lambda m: changed(m, echo=m.echo + 1),
        lambda m: changed(m, echo=(m.echo - 30) & 0xFFFFFFFF),
    ],
    ids=["epoch", "owner", "old seq", "seq half a turn on", "echo of the future", "old echo"],
)
def test_a_foreign_old_or_late_setpoint_has_no_effect(
    peer: Peer, wrong: Callable[[wire.Setpoint], wire.Message]
) -> None:
    peer.run(5.0)
    peer.arm()
    peer.drive(1.0, LOW)
    assert rejected(peer, wrong(peer.setpoint((60, 0, 0, 0, 0, 0))))


def test_a_setpoint_from_another_link_has_no_effect(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(1.0, LOW)
    message = peer.setpoint((60, 0, 0, 0, 0, 0))
    other.now = peer.now
    assert rejected(other, message)
    assert not rejected(peer, message)


def test_a_setpoint_without_a_session_has_no_effect(peer: Peer) -> None:
    peer.run(0.3)
    assert rejected(peer, peer.setpoint(LOW))


def test_a_duplicate_feeds_nothing(peer: Peer) -> None:
    peer.arm()
    peer.drive(0.4, LOW)
    data = peer.send(peer.setpoint(LOW))
    for _ in range(6):
        peer.run(0.1)
        peer.raw(data)
    assert peer.firmware.core.cause is Cause.DEAD_MAN


def test_the_sequence_wraps(peer: Peer) -> None:
    peer.seq = 0xFFFFFFFE
    peer.arm()
    peer.drive(1.0, LOW)
    assert peer.seq == 3
    assert peer.telemetry.seq == 3
    assert peer.firmware.core.state is State.RUNNING


def test_a_sequence_number_may_be_skipped_to_one_whose_lower_half_is_the_same(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    peer.seq += 0xFFFF
    peer.send(peer.setpoint(LOW))
    session = peer.firmware.core.session
    assert session is not None
    assert session.seq == peer.seq == 5 + 0x10000


def test_r3_a_level_that_falls_takes_its_drive_and_its_duty_along_at_once(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW)
    core = peer.firmware.core
    assert core.levels.level[:2] == core.patterns.drive[:2] == [500, 500]
    duty = list(core.plant.motors.duty)
    peer.send(peer.setpoint((20, 50, 0, 0, 0, 0)))
    assert core.levels.level[:2] == core.patterns.drive[:2] == [200, 500]
    assert 0 < core.plant.motors.duty[0] < duty[0]
    assert core.plant.motors.duty[2] == duty[2]
    assert core.state is State.RUNNING
    watch = core.recorder
    assert isinstance(watch, Watch)
    assert watch.looks[-1].level == (200, 500, 0, 0, 0, 0)


def test_each_tick_of_a_rise_drives_the_motor_and_is_in_the_trace(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    risen = [look for look in watch.looks if look.level[0]]
    levels = sorted({look.level[0] for look in risen})
    assert levels == list(range(4, levels[-1] + 1, 4)), "20 ms at 2 points a second"
    assert all(look.drive == look.level for look in risen)


def test_a_motion_goes_on_after_the_part_of_it_in_which_nothing_moves(peer: Peer) -> None:
    peer.run(5.0)
    peer.arm()
    highest: list[int] = []
    for _ in range(8):
        drives: list[int] = []
        for _ in range(5):
            peer.drive(0.1, (50, 0, 0, 0, 0, 0), pattern=(0x43, 1, 1, 1, 1, 1), period=2000)
            drives.append(peer.firmware.core.patterns.drive[0])
        highest.append(max(drives))
    assert min(highest) == 0, "the hill is over the other zones of that side"
    assert max(highest[4:]) > 100, "it has come back"


MALFORMED: list[dict[str, object]] = [
    {"mode": 3},
    {"heat": 299},
    {"heat": 391},
    {"heat": 65535},
    {"period": 999},
    {"period": 60001},
    {"level": (1001, 0, 0, 0, 0, 0)},
    {"level": (65535,) * 6},
    {"mode": 1, "level": LOW},
    {"pattern": (0x06, 1, 1, 1, 1, 1)},
    {"pattern": (0x11, 1, 1, 1, 1, 1)},
    {"pattern": (0x02, 1, 1, 1, 1, 1)},
    {"pattern": (0x42, 1, 1, 1, 1, 1)},
    {"pattern": (0x13, 1, 1, 1, 1, 1)},
    {"pattern": (0x61, 1, 1, 1, 1, 1)},
    {"level": LOW, "pattern": (0, 1, 1, 1, 1, 1)},
]


@pytest.mark.parametrize("fields", MALFORMED, ids=str)
def test_a_malformed_setpoint_means_zero_and_the_session_goes_on(
    peer: Peer, fields: dict[str, object]
) -> None:
    peer.arm()
    peer.drive(2.0, LOW)
    peer.send(changed(peer.setpoint(LOW), **fields))
    core = peer.firmware.core
    assert core.levels.level == core.levels.asked == core.patterns.drive == [0] * 6
    assert core.plant.motors.duty == [0] * 12
    assert core.state is State.ARMED
    assert peer.telemetry.seq == peer.seq
    peer.drive(1.0, LOW)
    assert core.levels.level[0] > 0


def test_a_zone_that_cannot_make_the_motion_stays_at_zero() -> None:
    peer = Peer(device(kneading=0b000011, zones=0b011111))
    peer.arm()
    peer.drive(2.0, (50, 50, 50, 50, 50, 50), pattern=(0x12, 0x12, 0x12, 0x24, 0x01, 0x01))
    assert [level > 0 for level in peer.firmware.core.levels.level] == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_device_that_senses_no_stall_does_not_knead() -> None:
    peer = Peer(device(sensing=0b11111100))
    peer.arm()
    peer.drive(2.0, (50, 50, 0, 0, 0, 0), pattern=(0x12, 0x01, 1, 1, 1, 1))
    assert [level > 0 for level in peer.firmware.core.levels.level[:2]] == [False, True]


def test_a_motion_that_the_device_does_not_have_stays_at_zero() -> None:
    peer = Peer(device(motions=0b000011))
    peer.arm()
    peer.drive(2.0, (50, 50, 0, 0, 0, 0), pattern=(0x05, 0x01, 1, 1, 1, 1))
    assert [level > 0 for level in peer.firmware.core.levels.level[:2]] == [False, True]


def test_six_minutes_at_full_request_end_at_the_sum_cap() -> None:
    peer = Peer(device(mains=True))
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    peer.arm()
    peer.drive(360.0, (1000,) * 6)
    # 70, 50 and 35 % twice are 310: each gets 200 / 310 of its cap.
    assert peer.telemetry.level == (451, 451, 322, 322, 225, 225)
    assert max(sum(look.level) for look in watch.looks) <= 20_000
    assert all(max(map(int.__sub__, look.drive, look.level)) <= 0 for look in watch.looks)
    at_59 = [look for look in watch.looks if look.running <= 59.9]
    assert max(max(look.level) for look in at_59) == 1_000


def test_r2_a_level_that_stays_asked_for_follows_the_envelope(peer: Peer) -> None:
    """The same SETPOINT again changes nothing, and the envelope goes on all the same."""
    peer.arm()
    for seconds, least, most in ((59.0, 95, 100), (60.0, 235, 250), (60.0, 385, 400)):
        peer.drive(seconds, (700, 0, 0, 0, 0, 0))
        assert least <= peer.telemetry.level[0] <= most
