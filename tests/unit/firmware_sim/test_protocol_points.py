"""What docs/protocol.md settles about sessions, latches and telemetry, point by point."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from firmware_sim import wire
from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.board import FULL
from massager_fw.states import Cause, Result, State

LOW = (50, 50, 0, 0, 0, 0)
RUBBISH = b"\x05garb\x00"


def make(nvm: MemoryNvm | None = None, **config: Any) -> Peer:
    return Peer(Firmware(DeviceConfig(**config), nvm or MemoryNvm(), 1, recorder=Watch()))


@pytest.fixture
def peer() -> Peer:
    return make()


def hold(peer: Peer, seconds: float) -> None:
    peer.firmware.press(peer.now)
    peer.run(seconds)
    peer._take(peer.firmware.release(peer.now))
    peer.run(0.3)


# --- noise on the owner's link (R16)


def noisy(peer: Peer, bad: int, seconds: float) -> None:
    """A good SETPOINT every 100 ms, and so many bad frames with it."""
    for _ in range(round(seconds * 10)):
        peer.send(peer.setpoint(LOW))
        for _ in range(bad):
            peer.raw(RUBBISH)
        peer.run(0.1)


def test_r16_noise_throughout_two_seconds_ends_the_session(peer: Peer) -> None:
    peer.arm()
    began = peer.now
    while peer.firmware.core.session is not None and peer.now - began < 4.0:
        noisy(peer, 2, 0.1)
    assert peer.firmware.core.cause is Cause.FRAME_NOISE
    assert 2.0 <= peer.now - began <= 2.2
    assert peer.firmware.core.levels.level == [0] * 6


@pytest.mark.parametrize("bytes_of_noise", [48, 480, 48_000])
def test_r16_a_burst_of_noise_ends_nothing(peer: Peer, bytes_of_noise: int) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    peer.raw(RUBBISH * (bytes_of_noise // len(RUBBISH)))
    peer.drive(3.0, LOW)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_a_slot_with_less_noise_begins_the_two_seconds_anew(peer: Peer) -> None:
    peer.arm()
    for _ in range(5):
        noisy(peer, 3, 1.5)
        noisy(peer, 1, 0.5)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_half_bad_frames_are_borne_for_ever(peer: Peer) -> None:
    peer.arm()
    noisy(peer, 1, 20.0)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_a_slot_without_frames_breaks_the_row() -> None:
    peer = make()
    peer.run(0.1)
    peer = Peer(peer.firmware, LinkKind.TCP, link=2, now=peer.now)
    peer.arm()
    for _ in range(6):
        noisy(peer, 3, 1.0)
        peer.run(0.9)
        peer.send(peer.setpoint(LOW))
    assert peer.firmware.core.session is not None


def test_r16_noise_before_the_arm_and_on_another_link_does_not_count(peer: Peer) -> None:
    for _ in range(30):
        peer.raw(RUBBISH * 3)
        peer.run(0.1)
    peer.arm()
    noisy(peer, 0, 0.3)
    other = Peer(peer.firmware, link=2, now=peer.now)
    for _ in range(40):
        peer.send(peer.setpoint(LOW))
        other.raw(RUBBISH * 3)
        peer.run(0.1)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_refused_but_good_frames_are_no_noise(peer: Peer) -> None:
    peer.arm()
    stale = wire.frame(wire.pack(peer.setpoint(LOW)))
    for _ in range(30):
        peer.send(peer.setpoint(LOW))
        for _ in range(4):
            peer.raw(stale)
        peer.run(0.1)
    assert peer.firmware.core.state is State.RUNNING


# --- what NVM keeps: R8


@pytest.mark.parametrize("ran_s", [0.5, 3.0, 9.0, 9.9, 14.0, 19.9, 33.0])
@pytest.mark.parametrize("armed_at", [0.0, 4.0, 9.9])
def test_lifetime_loses_nothing_at_a_power_cut_and_charges_one_interval_at_most(
    ran_s: float, armed_at: float
) -> None:
    nvm = MemoryNvm()
    peer = make(nvm, mains=True)
    peer.run(armed_at)
    peer.arm()
    peer.drive(ran_s, LOW)
    ran = peer.firmware.core.running
    assert ran / 50 == pytest.approx(ran_s, abs=0.05)
    kept = make(nvm).firmware.core.memory.life_ticks
    assert ran <= kept <= ran + 10 * 50


def test_a_boot_without_a_session_charges_no_lifetime() -> None:
    nvm = MemoryNvm()
    peer = make(nvm)
    peer.arm()
    peer.drive(5.0, LOW)
    peer.stop()
    kept = [make(nvm).firmware.core.memory.life_ticks for _ in range(3)]
    assert kept == [peer.firmware.core.running] * 3


# --- pause, fade, heat, malformed


def test_r11_heat_is_off_in_a_pause_and_comes_back_with_the_request(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    assert peer.firmware.core.heat.target == 3800
    peer.drive(0.2, mode=1, heat=380)
    assert (peer.firmware.core.heat.target, peer.firmware.core.plant.heater) == (0.0, 0.0)
    assert not peer.telemetry.flags & 2
    peer.drive(0.2, LOW, heat=380)
    assert peer.firmware.core.heat.target == 3800


def test_r11_heat_is_off_in_a_fade(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    peer.drive(0.2, LOW, mode=2, heat=380)
    assert peer.firmware.core.heat.target == 0.0
    peer.drive(0.2, LOW, heat=380)
    assert peer.firmware.core.heat.target == 0.0


def test_r11_heat_without_a_level_is_allowed(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, heat=380)
    assert peer.firmware.core.state is State.ARMED
    assert peer.telemetry.flags & 2


def test_a_pause_in_a_fade_lowers_and_is_no_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(5.0, LOW)
    peer.drive(0.2, LOW, mode=2)
    peer.drive(280.0, mode=1)
    assert peer.telemetry.state == State.FADING
    assert peer.firmware.core.levels.level == [0] * 6
    peer.drive(0.4, LOW)
    assert peer.firmware.core.levels.level == [0] * 6


def test_a_fade_in_a_pause_ends_the_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(260.0, mode=1)
    peer.drive(30.0, mode=2)
    assert peer.telemetry.state == State.FADING


MALFORMED: dict[str, Any] = {"level": (1001, 0, 0, 0, 0, 0)}


def test_r19_a_malformed_setpoint_leaves_a_pause_and_its_clock(peer: Peer) -> None:
    peer.arm()
    peer.drive(260.0, mode=1)
    peer.drive(5.0, **MALFORMED)
    assert peer.telemetry.state == State.PAUSED
    peer.drive(6.0, mode=1)
    assert peer.telemetry.cause == Cause.PAUSE_LIMIT


def test_r19_a_malformed_setpoint_leaves_a_fade_and_turns_heat_off(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    peer.drive(0.2, **MALFORMED, heat=380)
    assert peer.firmware.core.heat.target == 0.0
    assert peer.telemetry.state == State.ARMED
    peer.drive(3.0, LOW)
    peer.drive(0.2, LOW, mode=2)
    peer.drive(0.2, **MALFORMED)
    assert peer.telemetry.state == State.FADING
    assert peer.firmware.rejected == 0


# --- challenges, sequence, echo


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
    told = peer.telemetry
    assert told.state in (State.IDLE, State.LATCHED)
    assert told.challenge != named
    again = wire.Arm(99, peer.owner, told.epoch, named, 0, 1000, 60)
    expected = Result.LATCHED if how == "button" else Result.STALE_CHALLENGE
    assert peer.ask(again).result == expected
    if how == "button":
        assert peer.ask(wire.Reset(98, named, told.latch)).result == Result.STALE_CHALLENGE


def test_seq_before_the_first_setpoint_is_that_of_the_arm(peer: Peer) -> None:
    peer.seq = 4711
    peer.arm()
    peer.run(0.1)
    assert (peer.telemetry.seq, peer.telemetry.owner) == (4711, peer.owner)
    peer.stop()
    assert (peer.telemetry.seq, peer.telemetry.owner) == (0, 0)


def test_r4_an_echo_older_than_the_newest_128_feeds_nothing_however_young(peer: Peer) -> None:
    peer = Peer(peer.firmware, LinkKind.TCP, link=2)
    peer.arm()
    echo = peer.telemetry.counter
    for k in range(200):
        peer.send(peer.setpoint(LOW, period=1000 + k))
    assert peer.telemetry.counter > echo + 128
    rejected = peer.firmware.rejected
    late = wire.Setpoint(
        peer.telemetry.epoch, peer.owner, peer.seq + 1, echo, 0, 0, 4000, LOW, (1,) * 6
    )
    peer.send(late)
    assert peer.firmware.rejected == rejected + 1
    assert peer.telemetry.seq == peer.seq


# --- latches


def test_r7_a_press_while_latched_counts_and_changes_the_epoch(peer: Peer) -> None:
    hold(peer, 0.1)
    before = peer.telemetry
    hold(peer, 0.1)
    after = peer.telemetry
    assert after.state == before.state == State.LATCHED
    assert after.latch == before.latch + 1
    assert after.epoch != before.epoch


def test_r7_the_press_that_latches_clears_nothing_however_long(peer: Peer) -> None:
    hold(peer, 6.0)
    assert peer.telemetry.state == State.LATCHED
    assert peer.telemetry.flags & 16
    assert not peer.telemetry.flags & 32


def test_r7_attended_ends_with_a_new_latch(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    assert peer.telemetry.flags & 32
    hold(peer, 0.1)
    assert not peer.telemetry.flags & 32
    assert peer.reset().result == Result.OK
    peer.run(0.1)
    assert not peer.telemetry.flags & 32


def test_r7_attended_ends_with_a_fault(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    trip(peer)
    assert not peer.telemetry.flags & 32


def too_warm(peer: Peer) -> None:
    """The motors get too warm, and stay so."""
    peer.firmware.core.plant.motor_body.celsius = 90.0
    peer.firmware.core.plant.motor_body.extra_w = 16.5
    while peer.telemetry.state != State.FAULT:
        peer.run(0.1)


def test_r7_a_hold_clears_no_fault_whose_cause_lasts(peer: Peer) -> None:
    too_warm(peer)
    for _ in range(3):
        hold(peer, 2.5)
        assert peer.telemetry.state == State.FAULT
        assert not peer.telemetry.flags & 32
    assert peer.reset().result == Result.CAUSE_PRESENT
    peer.firmware.core.plant.motor_body.extra_w = 0.0
    peer.run(600.0)
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_a_second_fault_counts_and_shows_and_one_that_lasts_does_not(peer: Peer) -> None:
    too_warm(peer)
    first = peer.telemetry
    assert (first.cause, first.latch) == (Cause.OVER_TEMPERATURE, 1)
    peer.run(5.0)
    assert peer.telemetry.latch == 1
    motors = peer.firmware.core.plant.motors
    motors.stuck = {0: 0.5 * FULL}
    motors.disturb()
    peer.run(0.5)
    second = peer.telemetry
    assert (second.cause, second.latch) == (Cause.STUCK_OUTPUT, 2)
    assert second.epoch != first.epoch
    peer.run(5.0)
    assert (peer.telemetry.cause, peer.telemetry.latch) == (Cause.STUCK_OUTPUT, 2)
    motors.stuck = {}
    assert peer.reset().result == Result.CAUSE_PRESENT, "it is still too warm"


# --- what is told at once (R24)


def press(peer: Peer) -> None:
    peer._take(peer.firmware.press(peer.now))


def trip(peer: Peer) -> None:
    peer.firmware.core.trip(Cause.STALL)
    peer._take(peer.firmware.advance(peer.now))


def malformed(peer: Peer) -> None:
    peer.send(peer.setpoint((1001,) * 6))


def asked(**what: Any) -> Callable[[Peer], None]:
    def ask(peer: Peer) -> None:
        peer.send(peer.setpoint(**what))

    return ask


def stop(peer: Peer) -> None:
    peer.stop()


@pytest.mark.parametrize(
    "act",
    [
        asked(level=LOW, period=4001),
        asked(level=LOW, heat=350),
        asked(level=(50, 51, 0, 0, 0, 0)),
        asked(level=LOW, pattern=(5, 1, 1, 1, 1, 1)),
        asked(mode=1),
        asked(level=LOW, mode=2),
        malformed,
        press,
        trip,
        stop,
    ],
)
def test_r24_a_change_is_told_at_once_and_moves_no_regular_telemetry(
    peer: Peer, act: Callable[[Peer], None]
) -> None:
    peer.arm()
    peer.drive(0.62, LOW)
    before = peer.telemetry.counter
    act(peer)
    assert peer.telemetry.counter == before + 1
    counters = []
    for _ in range(4):
        peer.run(0.1)
        counters.append(peer.telemetry.counter)
    assert all(later - sooner == 1 for sooner, later in pairwise(counters))


@pytest.mark.parametrize("act", [stop, press, trip])
def test_r24_a_new_epoch_is_told_at_once_in_a_state_that_stays(
    peer: Peer, act: Callable[[Peer], None]
) -> None:
    if act is not stop:
        act(peer)
        peer._take(peer.firmware.release(peer.now))
    peer.run(0.35)
    before = peer.telemetry
    act(peer)
    assert peer.telemetry.counter == before.counter + 1
    assert (peer.telemetry.state, peer.telemetry.epoch) == (before.state, before.epoch + 1)


def test_r24_an_arm_is_told_at_once(peer: Peer) -> None:
    peer.run(0.55)
    before = peer.telemetry.counter
    peer.ask(peer.arm_message())
    assert (peer.telemetry.counter, peer.telemetry.state) == (before + 1, State.ARMED)


def test_r24_the_button_coming_up_is_told_at_once(peer: Peer) -> None:
    press(peer)
    peer.run(0.3)
    peer.firmware.release(peer.now)
    peer.run(0.2)
    assert not peer.telemetry.flags & 1


def test_what_asks_for_nothing_new_is_told_with_the_regular_one(peer: Peer) -> None:
    peer.arm()
    peer.drive(0.62, LOW)
    before = peer.telemetry.counter
    peer.send(peer.setpoint(LOW))
    assert peer.telemetry.counter == before


# --- what is counted


def test_rejected_counts_what_had_no_effect_and_nothing_else(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.send(peer.setpoint((1001,) * 6))
    peer.send(wire.GetInfo(5))
    assert peer.firmware.rejected == 0
    peer.send(peer.telemetry)  # a frame that only a device sends
    peer.raw(RUBBISH)
    assert peer.ask(wire.Reset(7, 0, 0)).result == Result.NOT_LATCHED
    assert peer.firmware.rejected == 3
    peer.stop()
    peer.stop()
    assert peer.firmware.rejected == 3


def test_a_question_over_too_small_an_mtu_is_counted() -> None:
    peer = Peer(make().firmware, LinkKind.BLE, link=2, mtu=86)
    peer.send(wire.GetInfo(5))
    assert peer.heard == []
    assert peer.firmware.rejected == 1


def test_levels_are_told_rounded_up_so_that_zero_is_zero(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.run(0.04)
    core = peer.firmware.core
    assert 0 < core.levels.level[0] < 10
    told = wire.parse(peer.firmware.read_telemetry(peer.now))
    assert isinstance(told, wire.Telemetry)
    assert told.level[0] == told.vibration[0] == 1
    assert (told.state, told.level[2]) == (State.RUNNING, 0)
