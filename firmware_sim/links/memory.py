"""The device in the host's own process: what stands behind `sim:` addresses."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO

from firmware_sim.device import OnData, OnLost, SimLink, SimulatedDevice
from firmware_sim.faults.catalog import apply_fault
from firmware_sim.faults.plan import FaultPlan
from firmware_sim.firmware import Firmware
from firmware_sim.line import LineFaults
from firmware_sim.options import OptionError, Options, parse_options
from firmware_sim.trace import Trace


class Simulator:
    """One simulated device and the trace file that it may own."""

    __slots__ = ("_trace_file", "device")

    def __init__(self, device: SimulatedDevice, trace_file: IO[str] | None) -> None:
        self.device = device
        self._trace_file = trace_file

    def open_link(self, kind: str, on_data: OnData, on_lost: OnLost) -> SimLink:
        """A link to the device; see `SimulatedDevice.open_link`."""
        return self.device.open_link(kind, on_data, on_lost)

    def press(self) -> None:
        """A finger comes down on the button."""
        self.device.press()

    def release(self) -> None:
        """It leaves the button."""
        self.device.release()

    def fault(self, spec: str) -> None:
        """Bring a fault about now. Raises `FaultError` if it cannot be read."""
        _, steps = apply_fault(self.device.firmware.config, spec)
        for step in steps:
            step.start(self.device)

    def close(self) -> None:
        """Switch the device off and close the trace."""
        self.device.close()
        if self._trace_file is not None:
            self._trace_file.close()


def open_simulator(
    options: str = "",
    *,
    trace: IO[str] | None = None,
    trace_path: str | Path | None = None,
    profile: str | None = None,
    seed: int = 0,
) -> Simulator:
    """A device on the running loop. `options` is the query part of a `sim:` address.

    Raises `OptionError` if an option is wrong, and `OSError` if the trace cannot be written.
    """
    parsed = parse_options(options, seed=seed)
    if trace_path is None:
        return Simulator(build_device(parsed, trace=trace, profile=profile), None)
    owned = Path(trace_path).open("w", encoding="utf-8")  # noqa: SIM115 - the simulator closes it
    return Simulator(build_device(parsed, trace=owned, profile=profile), owned)


def build_device(
    options: Options, *, trace: IO[str] | None = None, profile: str | None = None
) -> SimulatedDevice:
    """The device that `options` describe, powered on now."""
    loop = asyncio.get_running_loop()
    config = options.config
    plan = FaultPlan(options.steps, origin=loop.time(), clock_rate=config.clock_rate)
    recorder = None
    if trace is not None:
        recorder = Trace(trace, device=config.serial, profile=profile, seed=options.seed)
    line_faults = LineFaults(seed=options.seed)
    return SimulatedDevice(
        _firmware(options, plan, recorder), trace=recorder, faults=plan, line_faults=line_faults
    )


def _firmware(options: Options, plan: FaultPlan, recorder: Trace | None) -> Firmware:
    now = asyncio.get_running_loop().time()
    listener = plan.listening(recorder)
    if not options.micropython:
        return Firmware(
            options.config,
            options.nvm,
            options.seed,
            now=now,
            recorder=listener,
            rules=options.rules,
        )
    # Imported only here: it starts a process.
    from firmware_sim.micropython import MicroPythonFirmware
    from firmware_sim.unix_port import MicroPythonError

    try:
        return MicroPythonFirmware(
            options.config, options.nvm, options.seed, now=now, recorder=listener
        )
    except MicroPythonError as error:
        raise OptionError(str(error)) from error
