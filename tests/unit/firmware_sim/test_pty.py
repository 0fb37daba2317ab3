"""The pseudo-terminal: opened, closed, unplugged, left unread, and whose path it is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.unit.firmware_sim.terminal import Terminal, left_in, until

from firmware_sim import wire
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyError, PtyPort
from firmware_sim.options import parse_options
from massager_fw.states import Cause


@pytest.mark.asyncio
async def test_a_program_opens_the_port_and_the_device_answers(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    assert path.is_symlink()
    terminal = Terminal(path)
    terminal.write(wire.GetInfo(0x00010001))
    await until(terminal.has(wire.Info))
    await until(terminal.has(wire.Telemetry, 3))
    port.close()
    device.close()
    terminal.close()
    assert left_in(tmp_path) == []


@pytest.mark.slow
@pytest.mark.asyncio
async def test_closing_the_port_is_a_lost_link_and_it_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    core = device.firmware.core
    for _ in range(3):
        terminal = Terminal(path)
        await until(terminal.has(wire.Telemetry))
        telemetry = next(m for m in terminal.heard[::-1] if isinstance(m, wire.Telemetry))
        # What an earlier program left unread is not here: these are of this moment.
        assert telemetry.counter >= core.announcer.counter - 2
        terminal.write(wire.Arm(1, 9, telemetry.epoch, telemetry.challenge, 0, 1000, 60))
        await until(lambda: core.session is not None)
        terminal.close()
        await until(lambda: core.session is None)
        assert core.cause in (Cause.LINK_LOST, Cause.DEAD_MAN)
        await asyncio.sleep(0.3)
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_program_that_does_not_read_loses_whole_frames_and_it_is_said(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m"
    notes: list[str] = []
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path, note=notes.append)
    terminal = Terminal(path)
    await until(terminal.has(wire.Telemetry))
    frame = wire.frame(wire.pack(wire.Ack(1, 4, 0, 0, 0)))
    for _ in range(20_000):
        port._write(frame)
    assert len(notes) == 1
    assert "does not read" in notes[0]
    await until(terminal.has(wire.Ack, 1000))
    await until(lambda: terminal.has(wire.Ack)() and not port._waiting)
    await until(terminal.has(wire.Telemetry, 3))
    assert all(isinstance(m, wire.Ack | wire.Telemetry) for m in terminal.heard)
    port.close()
    device.close()
    terminal.close()


@pytest.mark.asyncio
async def test_unplugging_takes_the_port_away_and_brings_it_back(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    terminal = Terminal(path)
    await until(terminal.has(wire.Telemetry))
    device.unplug()
    assert not path.is_symlink()
    with pytest.raises(OSError, match="Input/output error"):
        os.write(terminal.fd, b"x")
    terminal.close()
    device.plug()
    again = Terminal(path)
    await until(again.has(wire.Telemetry))
    before = path.readlink()
    device.drop_links("the cable shook")
    await until(lambda: path.is_symlink() and path.readlink() != before)
    again.close()
    third = Terminal(path)
    await until(third.has(wire.Telemetry))
    third.close()
    port.close()
    port_of_nobody = PtyPort(device, path)
    port_of_nobody.close()
    device.close()


@pytest.mark.asyncio
async def test_a_path_belongs_to_one_simulator_and_a_stale_link_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.symlink_to("/dev/pts/999999")
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    assert path.readlink() != Path("/dev/pts/999999")
    with pytest.raises(PtyError, match="another simulator"):
        PtyPort(device, path)
    port.close()
    path.write_text("precious", encoding="utf-8")
    with pytest.raises(PtyError, match="no link"):
        PtyPort(device, path)
    assert path.read_text(encoding="utf-8") == "precious"
    with pytest.raises(PtyError, match="cannot make"):
        PtyPort(device, tmp_path / "none" / "m")
    device.close()


@pytest.mark.asyncio
async def test_a_link_that_somebody_else_put_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    path.unlink()
    path.symlink_to("/dev/null")
    port.close()
    assert path.readlink() == Path("/dev/null")
    device.close()
