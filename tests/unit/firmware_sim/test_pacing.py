"""A paced line: it takes the time of its bits, and a flush cuts what waits."""

from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import pytest
from tests.support.marks import simulated_time
from tests.unit.firmware_sim.terminal import Terminal, until

from firmware_sim import wire
from firmware_sim.links.memory import build_device
from firmware_sim.links.pacing import Pacer
from firmware_sim.links.pty import PtyPort
from firmware_sim.options import parse_options


@simulated_time
async def test_a_paced_line_takes_the_time_of_its_bits() -> None:
    loop = asyncio.get_running_loop()
    came: list[tuple[float, bytes]] = []
    pacer = Pacer(loop, 115_200, lambda data: came.append((loop.time(), data)))
    start = loop.time()
    pacer.push(b"x" * 1152)
    pacer.push(b"y" * 1152)
    await asyncio.sleep(1.0)
    assert b"".join(data for _, data in came) == b"x" * 1152 + b"y" * 1152
    ends = [max(t - start for t, data in came if data[:1] == name) for name in (b"x", b"y")]
    assert ends == pytest.approx([0.1, 0.2], abs=1e-6)


@simulated_time
async def test_a_flush_cuts_what_the_paced_line_has_not_taken() -> None:
    loop = asyncio.get_running_loop()
    came: list[bytes] = []
    pacer = Pacer(loop, 115_200, came.append)
    pacer.push(b"x" * 1152)
    await asyncio.sleep(0.001)
    pacer.cut()
    pacer.push(b"stop")
    await asyncio.sleep(0.003)
    assert b"".join(came) == b"x" * 16 + b"stop"  # a UART's FIFO goes out all the same


@pytest.mark.asyncio
async def test_a_program_that_flushes_a_paced_port_is_heard_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path, baud=9_600)
    terminal = Terminal(path)
    await until(terminal.has(wire.Telemetry))
    os.write(terminal.fd, b"\x07\x07\0" * 1000)  # 3 s on this line
    await until(lambda: device.firmware.rejected > 10)
    termios.tcflush(terminal.fd, termios.TCOFLUSH)
    os.write(terminal.fd, b"\0")
    terminal.write(wire.GetInfo(5))
    await until(terminal.has(wire.Info))
    assert device.firmware.rejected < 1000
    terminal.close()
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_paced_port_still_answers(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path, baud=115_200)
    terminal = Terminal(path)
    terminal.write(wire.GetInfo(5))
    await until(terminal.has(wire.Info))
    terminal.close()
    port.close()
    device.close()
