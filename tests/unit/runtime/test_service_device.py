"""A device in the service's hands, before it is connected."""

from __future__ import annotations

from pathlib import Path

from massager_ctl import config as settings
from massager_ctl.aio.clock import VirtualClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.runtime.service_device import OwnedDevice
from massager_ctl.safety.remote_start import READY_S
from massager_ctl.transports.in_process import SimTransport


def test_r18_who_was_ready_before_a_suspend_is_not_after_it(tmp_path: Path) -> None:
    clock = VirtualClock()
    moments = ClockReader(clock)
    config = settings.load(env={"MASSAGER_CTL_DATA": str(tmp_path)})
    policy = AdmissionPolicy(MemoryStore(moments), config, moments, subject=Subject.EMBEDDED)
    driver = ReferenceDriver(SimTransport(""))
    scheduler = Scheduler()
    device = OwnedDevice(
        "neck", "test:1", driver, policy, config, clock, scheduler, lock=None, remote=True
    )
    device.gate.let(clock.monotonic())
    clock.suspend(READY_S / 2)
    assert device.gate.ready_for_s(clock.monotonic()) == READY_S / 2
    clock.suspend(READY_S / 2)
    assert device.gate.ready_for_s(clock.monotonic()) == 0.0
