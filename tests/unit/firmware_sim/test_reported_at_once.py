"""Changes that TELEMETRY tells at once, beside the regular one (R24)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.firmware_sim.lone_device import LOW, trip

from firmware_sim.peer import Peer
from massager_fw.states import Cause, State


def test_state_running_is_told_at_once(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.run(0.021)
    assert peer.telemetry.state == State.RUNNING


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


def test_r24_a_device_that_wakes_late_tells_each_change_as_of_its_own_tick(peer: Peer) -> None:
    peer.arm()
    peer.run(0.5)
    peer._take(peer.firmware.advance(0.68))
    # Armed at 0.1 s: the dead-man ends it at 0.62, and the next regular TELEMETRY is due at 0.7.
    assert (peer.telemetry.cause, peer.telemetry.uptime) == (Cause.DEAD_MAN, 620)


def press(peer: Peer) -> None:
    peer._take(peer.firmware.press(peer.now))


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
