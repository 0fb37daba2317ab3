"""Lifetime seconds in NVM: kept over a power cut, and never charged for less than was run (R8)."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, make, running

from firmware_sim.nvm import MemoryNvm


def test_lifetime_seconds_are_kept_and_rounded_up_after_a_cut() -> None:
    nvm = MemoryNvm()
    peer = make(nvm)
    running(peer, 25.0)
    cut_off = make(nvm)
    assert 25 <= cut_off.firmware.core.memory.life_ticks / 50 <= 35
    running(cut_off, 3.0)
    cut_off.stop()
    clean = make(nvm)
    assert clean.firmware.core.memory.life_ticks == cut_off.firmware.core.memory.life_ticks


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
    peer.drive(5.06, LOW)  # not at a moment at which running time is counted anyway
    peer.stop()
    kept = [make(nvm).firmware.core.memory.life_ticks for _ in range(3)]
    assert kept == [peer.firmware.core.running] * 3
