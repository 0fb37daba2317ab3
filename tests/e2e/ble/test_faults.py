"""The faults of the matrix that are not about one kind of cable, injected again over BLE, where T is 1 s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.ble.lab import BleLab, SharedRadio
from massager_ctl.ledger.base import HistoryEntry
from massager_ctl.transports.address import BleAddress
from massager_ctl.transports.base import Transport
from massager_ctl.transports.ble import BleTransport
from tests.faults import ground
from tests.faults.catalogue import MODULES, Case, cases
from tests.faults.ground import Ground, On, laid
from tests.support.marks import simulated_time

pytestmark = simulated_time

T: Final = 1.0

ELSEWHERE: Final[dict[str, str]] = {
    "fragments": "BLE carries whole bodies: there is nothing to reassemble",
    "acks_lost": "a stop waits 400 ms for its ACK on BLE: test_sessions.py has that bound",
    "foreign_sender": "finding the device takes the time that its level bound counts on: see test_sessions.py",
    "not_a_number": "it looks one tick after its write, before a radio has brought it: see test_sessions.py",
}
"""Faults whose own numbers or meaning are another link's, each with the reason."""

CHARGE: Final = 1.5
"""After a lost link the host charges up to T and a moment, as the device may have run on: more where T is longer."""


def over_ble() -> Iterator[Any]:
    """Every fault that is injected on memory and on a PTY."""
    for case in cases():
        if On.PTY in case.on and case.name not in ELSEWHERE:
            yield pytest.param(case, id=f"{case.number:02d}-{case.name}")


@pytest.mark.parametrize("case", list(over_ble()))
async def test_fault_over_ble(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labs: list[BleLab] = []
    pipes: list[BleTransport] = []

    def pipe_to(device: SimulatedDevice, *_: Any, **__: Any) -> Transport:
        """The first host on the device's radio, or one more."""
        if labs:
            central = labs[0].another_host(len(pipes) + 1)

            async def open_radio() -> SharedRadio:
                return SharedRadio(central)
        else:
            labs.append(BleLab(device))
            open_radio = labs[0].open_radio
        pipes.append(BleTransport(BleAddress("Massager"), open_radio))
        return pipes[-1]

    ledger = Ground.ledger

    async def ledger_over_ble(base: Ground, slack_s: float = 1.0) -> HistoryEntry:
        return await ledger(base, slack_s * CHARGE)

    monkeypatch.setattr(Ground, "ledger", ledger_over_ble)
    monkeypatch.setattr(ground, "pipe_to", pipe_to)
    for module in MODULES:
        if hasattr(module, "pipe_to"):
            monkeypatch.setattr(module, "pipe_to", pipe_to)
        if hasattr(module, "SERIAL_T"):
            monkeypatch.setattr(module, "SERIAL_T", T)
    async with laid(On.MEMORY, case.recipe, tmp_path) as base:
        (lab,) = labs
        # Whoever opens pairing by the button leaves a latch behind, which would be part of every fault.
        base.device.firmware.core.pairing_until = 1 << 40
        await lab.start()
        try:
            await case.function(base)
            base.holds()
        finally:
            lab.radio.clear()
            for pipe in pipes:
                await pipe.close()
            await lab.peripheral.close()
            await lab.central.close()
