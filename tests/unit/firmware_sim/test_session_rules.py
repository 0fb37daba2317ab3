"""ARM, SETPOINT, STOP and RESET against the device alone: who may do what, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from firmware_sim import wire
from firmware_sim.config import DeviceConfig, Limits, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.states import Cause, Result, State

LOW = (50, 50, 0, 0, 0, 0)


def device(**config: object) -> Firmware:
    return Firmware(DeviceConfig(**config), MemoryNvm(), 1, recorder=Watch())  # type: ignore[arg-type]


@pytest.fixture
def peer() -> Peer:
    return Peer(device())


def changed(message: wire.Message, **fields: object) -> wire.Message:
    import msgspec

    return msgspec.structs.replace(message, **fields)


def test_telemetry_comes_ten_times_a_second_before_anybody_asks(peer: Peer) -> None:
    peer.run(1.0)
    told = [m for m in peer.heard if isinstance(m, wire.Telemetry)]
    assert 10 <= len(told) <= 12
    counters = [m.counter for m in told]
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert told[-1].state == State.IDLE
    assert told[-1].level == (0,) * 6


def test_info_repeats_the_token_and_needs_no_session(peer: Peer) -> None:
    peer.send(wire.GetInfo(0xCAFE))
    info = peer.heard[-1]
    assert isinstance(info, wire.Info)
    assert (info.token, info.serial, info.deadman, info.caps) == (
        0xCAFE,
        "SIM-00000001",
        500,
        (70, 70, 50, 50, 35, 35),
    )
    assert (info.flags, info.rise, info.sum_cap, info.session) == (0b101, 20, 200, 1800)


def test_a_session_runs_and_says_so(peer: Peer) -> None:
    assert peer.arm().result == Result.OK
    assert peer.firmware.core.state is State.ARMED
    peer.drive(4.0, LOW)
    told = peer.telemetry
    assert told.state == State.RUNNING
    assert told.level == LOW
    assert told.owner == peer.owner
    assert told.seq == peer.seq
    assert told.running == pytest.approx(4000, abs=100)


def test_state_running_is_told_at_once(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.run(0.021)
    assert peer.telemetry.state == State.RUNNING


def test_every_end_changes_the_epoch_and_an_arm_does_not(peer: Peer) -> None:
    before = peer.telemetry.epoch
    assert peer.arm().epoch == before
    ack = peer.stop()
    assert ack.epoch == before + 1
    assert peer.stop().epoch == before + 2


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


def test_telemetry_goes_to_every_link_alike(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.run(0.5)
    mine = [wire.frame(wire.pack(m)) for m in peer.heard if isinstance(m, wire.Telemetry)]
    assert [out.data for out in peer.others] == mine[-len(peer.others) :]
    assert other.heard == []


def rejected(peer: Peer, message: wire.Message) -> bool:
    """Whether `message` is counted and has no effect."""
    core = peer.firmware.core
    before = peer.firmware.rejected
    session = core.session
    seq = session.seq if session else None
    asked = list(core.levels.asked)
    peer.send(message)
    same = core.levels.asked == asked and (core.session.seq if core.session else None) == seq
    return same and peer.firmware.rejected == before + 1


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


def test_nothing_sent_before_a_stop_acts_after_it(peer: Peer) -> None:
    peer.run(0.1)
    arm = wire.frame(wire.pack(peer.arm_message()))
    peer.raw(arm)
    early = wire.frame(wire.pack(peer.setpoint(LOW)))
    peer.stop()
    peer.raw(early)
    peer.raw(arm)
    peer.run(0.2)
    peer.raw(early)
    assert peer.acks()[-1].result == Result.STALE_EPOCH
    peer.run(1.0)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.firmware.core.session is None


@pytest.mark.parametrize(
    ("stop", "cause"),
    [
        (bytes.fromhex("01040100000001"), Cause.PERSON),
        (bytes.fromhex("01040100000003"), Cause.PAIN),
        (bytes.fromhex("010401000000fa"), Cause.PERSON),
        (bytes.fromhex("01040100000000"), Cause.PERSON),
        (bytes.fromhex("01040100000009"), Cause.PERSON),
        (bytes.fromhex("02040100000002"), Cause.FINISHED),
        (bytes.fromhex("020401000000020000aabb"), Cause.FINISHED),
    ],
)
def test_stop_of_any_reason_and_version_is_zero(peer: Peer, stop: bytes, cause: Cause) -> None:
    peer.arm()
    peer.drive(2.0, LOW)
    peer.raw(wire.frame(wire.seal(stop)))
    core = peer.firmware.core
    assert core.levels.level == core.patterns.drive == [0] * 6
    assert core.plant.motors.duty == [0.0] * 12
    assert peer.acks()[-1] == wire.Ack(1, 4, Result.OK, core.epoch, 0)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.IDLE, cause)


def test_stop_cuts_in_behind_half_a_frame(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    half = wire.frame(wire.pack(peer.setpoint(LOW)))[:17]
    peer.raw(half)
    peer.raw(b"\x00" + wire.frame(wire.pack(wire.Stop(9, 1))))
    assert peer.acks()[-1].token == 9
    assert peer.firmware.core.levels.level == [0] * 6


def test_stop_leaves_a_latch_a_latch(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    epoch = peer.firmware.core.epoch
    ack = peer.stop()
    assert (ack.result, ack.epoch, ack.detail) == (Result.OK, epoch + 1, 1)
    assert peer.firmware.core.state is State.LATCHED
    assert peer.firmware.core.cause is Cause.BUTTON


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
    assert core.levels.level == core.levels.asked == [0] * 6
    assert core.state is State.ARMED
    assert peer.telemetry.seq == peer.seq
    peer.drive(1.0, LOW)
    assert core.levels.level[0] > 0


@pytest.mark.parametrize(
    ("kind", "deadman"), [(LinkKind.MEMORY, 0.5), (LinkKind.SERIAL, 0.5), (LinkKind.TCP, 1.0)]
)
def test_the_deadman_is_not_early_and_not_late(kind: LinkKind, deadman: float) -> None:
    peer = Peer(device(), kind)
    peer.arm()
    peer.drive(2.0, LOW)
    for _ in range(3):
        peer.send(peer.setpoint(LOW))
        peer.run(0.9 * deadman)
        assert peer.firmware.core.state is State.RUNNING
    peer.send(peer.setpoint(LOW))
    peer.run(deadman - 0.001)
    assert peer.firmware.core.levels.level[0] == 500
    peer.run(0.101)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.telemetry.cause == Cause.DEAD_MAN
    assert peer.telemetry.owner == 0


def test_an_arm_without_a_setpoint_dies_too(peer: Peer) -> None:
    peer.arm()
    peer.run(0.55)
    assert peer.telemetry.cause == Cause.DEAD_MAN


def test_no_level_rises_once_the_age_is_over_half_of_t(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, (100, 0, 0, 0, 0, 0))
    peer.send(peer.setpoint((100, 0, 0, 0, 0, 0)))
    peer.run(0.26)
    level = peer.firmware.core.levels.level[0]
    peer.run(0.2)
    assert peer.firmware.core.levels.level[0] == level < 1000
    peer.drive(0.4, (100, 0, 0, 0, 0, 0))
    assert peer.firmware.core.levels.level[0] > level


def test_the_owners_link_going_down_is_zero_at_once(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(1.0, LOW)
    peer.firmware.disconnect(1, peer.now)
    assert peer.firmware.core.levels.level == [0] * 6
    other.now = peer.now
    other.run(0.1)
    assert other.telemetry.cause == Cause.LINK_LOST


def test_another_link_going_down_changes_nothing(peer: Peer) -> None:
    Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(1.0, LOW)
    peer.firmware.disconnect(2, peer.now)
    peer.firmware.disconnect(7, peer.now)
    assert peer.firmware.core.state is State.RUNNING


def test_bytes_from_a_link_that_is_not_up_are_nothing(peer: Peer) -> None:
    assert peer.firmware.feed(9, wire.frame(wire.pack(wire.Stop(1, 1))), 0.0) == []


def test_pause_and_resume_start_from_zero(peer: Peer) -> None:
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    peer.arm()
    peer.drive(3.0, LOW)
    peer.drive(1.0, mode=1)
    assert peer.telemetry.state == State.PAUSED
    assert peer.firmware.core.levels.level == [0] * 6
    peer.send(peer.setpoint(LOW))
    peer.run(0.02)
    assert 0 < peer.firmware.core.levels.level[0] <= 4
    assert watch.names() == ["boot", "arm", "pause", "resume"]


def test_fade_never_rises_again(peer: Peer) -> None:
    peer.arm()
    peer.drive(4.0, (80, 0, 0, 0, 0, 0))
    peer.drive(0.4, (40, 0, 0, 0, 0, 0), mode=2)
    assert peer.telemetry.state == State.FADING
    peer.drive(1.0, (80, 80, 0, 0, 0, 0), mode=0)
    assert peer.firmware.core.levels.level == [400, 0, 0, 0, 0, 0]
    assert peer.telemetry.state == State.FADING
    peer.drive(0.4, mode=1)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.telemetry.state == State.FADING


def test_fade_from_a_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(0.4, mode=1)
    peer.drive(0.4, mode=2)
    assert peer.telemetry.state == State.FADING


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


def test_a_minority_of_bad_frames_ends_nothing(peer: Peer) -> None:
    peer.arm()
    for _ in range(50):
        peer.send(peer.setpoint(LOW))
        peer.raw(b"\x05garb\x00")
        peer.run(0.2)
    assert peer.firmware.core.state is State.RUNNING
    assert peer.firmware.rejected == 50


def test_noise_on_another_link_ends_nothing(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.arm()
    peer.drive(0.4, LOW)
    other.now = peer.now
    for _ in range(100):
        other.raw(b"\x05garb\x00")
    assert peer.firmware.core.state is State.RUNNING


def test_a_devices_own_frames_that_come_back_are_bad(peer: Peer) -> None:
    peer.run(0.3)
    rejected_before = peer.firmware.rejected
    peer.send(peer.telemetry)
    peer.send(wire.Ack(1, 4, 0, 0, 0))
    assert peer.firmware.rejected == rejected_before + 2


def test_rejected_counts_modulo_65536(peer: Peer) -> None:
    peer.firmware.rejected = 65535
    peer.raw(b"\x05garb\x00")
    assert peer.firmware.rejected == 0


def test_an_unbonded_link_may_stop_and_read_only() -> None:
    peer = Peer(device(), LinkKind.BLE, bonded=False, mtu=185)
    assert peer.arm().result == Result.NOT_ALLOWED
    assert peer.reset().result == Result.NOT_ALLOWED
    assert rejected(peer, peer.setpoint(LOW))
    peer.send(wire.GetInfo(4))
    assert isinstance(peer.heard[-1], wire.Info)
    assert peer.stop().result == Result.OK


def test_a_small_mtu_gives_stop_and_reads_only() -> None:
    peer = Peer(device(), LinkKind.BLE, mtu=23)
    peer.run(1.0)
    assert peer.heard == []
    peer.send(wire.GetInfo(4))
    assert peer.heard == []
    assert peer.stop().result == Result.OK
    told = wire.parse(peer.firmware.read_telemetry(peer.now))
    assert isinstance(told, wire.Telemetry)
    info = wire.parse(peer.firmware.read_info(1, peer.now))
    assert isinstance(info, wire.Info)
    assert (info.token, info.deadman) == (0, 1000)


def test_ble_takes_bodies_unframed() -> None:
    peer = Peer(device(), LinkKind.BLE, mtu=87)
    assert peer.arm().result == Result.OK
    peer.drive(1.0, LOW)
    assert peer.telemetry.state == State.RUNNING


def test_a_cap_in_arm_is_kept(peer: Peer) -> None:
    peer.arm(cap=30)
    peer.drive(4.0, (100,) * 6)
    assert peer.firmware.core.levels.level == [300] * 6


def test_the_time_limit_of_the_arm_cuts_at_nine_tenths_by_its_own_clock(peer: Peer) -> None:
    peer.arm(limit_s=10)
    start = peer.now
    while peer.firmware.core.session is not None:
        peer.send(peer.setpoint(LOW))
        peer.run(0.1)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT
    assert peer.now - start == pytest.approx(9.0, abs=0.11)


def short(**limits: int) -> Peer:
    return Peer(device(limits=replace(Limits(), **limits)))


def test_armed_time_without_pauses_is_limited_and_pauses_do_not_count() -> None:
    peer = short(session_s=10, with_pauses_s=60)
    peer.arm()
    peer.drive(5.0, LOW)
    peer.drive(20.0, mode=1)
    peer.drive(3.8, LOW)
    assert peer.firmware.core.session is not None
    peer.drive(0.4, LOW)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_armed_time_with_pauses_is_limited() -> None:
    peer = short(session_s=10, with_pauses_s=12, pause_s=300)
    peer.arm()
    peer.drive(10.6, mode=1)
    assert peer.firmware.core.session is not None
    peer.drive(0.4, mode=1)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_one_pause_is_limited() -> None:
    peer = short(pause_s=3)
    peer.arm()
    peer.drive(2.6, mode=1)
    peer.drive(0.4, LOW)
    peer.drive(2.6, mode=1)
    assert peer.firmware.core.session is not None
    peer.drive(0.2, mode=1)
    assert peer.firmware.core.cause is Cause.PAUSE_LIMIT


def test_a_frame_flood_does_not_delay_the_stop(peer: Peer) -> None:
    peer.arm()
    flood = b"".join(wire.frame(wire.pack(peer.setpoint(LOW))) for _ in range(2000))
    peer.raw(flood + wire.frame(wire.pack(wire.Stop(77, 1))))
    assert peer.acks()[-1].token == 77
    assert peer.firmware.core.levels.level == [0] * 6


def test_telemetry_tells_a_change_of_what_was_asked_at_once(peer: Peer) -> None:
    peer.arm()
    peer.run(0.05)
    before = peer.telemetry.counter
    peer.send(peer.setpoint(LOW))
    assert peer.telemetry.counter == before + 1
    assert peer.telemetry.seq == peer.seq
    peer.send(peer.setpoint(LOW))
    assert peer.telemetry.counter == before + 1


def test_a_device_that_slept_sends_no_backlog(peer: Peer) -> None:
    peer.run(1.0)
    outputs = peer.firmware.advance(peer.now + 60.0)
    assert 0 < len(outputs) <= 12


def test_a_button_that_reads_as_pressed_refuses_to_arm(peer: Peer) -> None:
    peer.run(0.2)
    peer.firmware.core.button.pressed = True
    assert peer.ask(peer.arm_message()).result == Result.BUTTON


def test_six_minutes_at_full_request_end_at_the_sum_cap() -> None:
    peer = Peer(device(mains=True))
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    peer.arm()
    peer.drive(360.0, (1000,) * 6)
    # 70, 50 and 35 % twice are 310: each gets 200 / 310 of its cap.
    assert peer.telemetry.level == (451, 451, 322, 322, 225, 225)
    assert max(sum(look.level) for look in watch.looks) <= 20_000
    at_59 = [look for look in watch.looks if look.running <= 59.9]
    assert max(max(look.level) for look in at_59) == 1_000


def test_a_stop_without_a_session_keeps_the_cause_of_the_last(peer: Peer) -> None:
    peer.arm()
    peer.stop(2)
    peer.stop(1)
    peer.run(0.1)
    assert peer.telemetry.cause == Cause.FINISHED


def test_a_pause_that_is_asked_for_again_is_one_pause() -> None:
    peer = short(pause_s=3)
    peer.arm()
    peer.drive(2.0, mode=1)
    peer.drive(1.4, mode=1, period=5000)
    assert peer.firmware.core.cause is Cause.PAUSE_LIMIT
