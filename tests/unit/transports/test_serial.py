"""Serial ports: what goes wrong on opening, unplugging, and the road by threads."""

from __future__ import annotations

import asyncio
import errno
import grp
import importlib
import os
import socket
import subprocess
import sys
import termios
import time
import tty
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.links.memory import build_device
from firmware_sim.options import parse_options
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import DeviceBusy, DeviceNotFound, LinkError, MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.testing.transports import PIECE, Recorder, until
from massager_ctl.transports import serial as serial_ports
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.serial import (
    SerialTransport,
    ThreadedSerialTransport,
    holder_of,
    make_serial,
    permission_remedy,
)


@pytest.mark.asyncio
async def test_a_port_that_is_not_there() -> None:
    with pytest.raises(DeviceNotFound) as caught:
        await make_serial("/dev/ttyNoSuchPort").open(Recorder())
    assert "does not exist" in caught.value.message
    assert "scan" in caught.value.remedy


@pytest.mark.asyncio
async def test_a_file_that_is_no_port(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a port")
    with pytest.raises(DeviceNotFound, match="not a serial port"):
        await make_serial(str(file)).open(Recorder())
    with pytest.raises(DeviceNotFound, match="not a serial port"):
        await make_serial(str(tmp_path)).open(Recorder())


@pytest.mark.asyncio
async def test_a_port_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o000)
    importlib.import_module("serial")  # before the test gives up its rights
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may open everything: be nobody for a moment
    try:
        with pytest.raises(LinkError, match="no permission") as caught:
            await make_serial(str(file)).open(Recorder())
    finally:
        os.seteuid(me)
    assert "ermissions of the port" in caught.value.remedy


def test_the_group_that_owns_the_port_is_named(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.touch()
    group = grp.getgrgid(os.getgid())
    if group.gr_name == "root":
        group = grp.getgrnam("tty")
        os.chown(file, -1, group.gr_gid)
    file.chmod(0o660)
    assert f"-aG {group.gr_name} " in permission_remedy(str(file))
    file.chmod(0o600)
    assert "udev" in permission_remedy(str(file))
    assert "permissions" in permission_remedy(str(tmp_path / "absent"))


def test_the_other_program_is_named(tmp_path: Path) -> None:
    port = tmp_path / "port"
    port.touch()
    code = f"import time\nfile = open({str(port)!r})\nprint('open', flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            assert f"process {other.pid})" in holder_of(str(port))
        finally:
            other.kill()
    assert holder_of(str(port)) == ""
    assert holder_of(str(port), tmp_path / "absent") == ""


@pytest.mark.parametrize(("pseudo", "claimed"), [("/dev/pts/7", False), ("/dev/ttyUSB0", True)])
def test_programs_that_know_of_no_lock_are_kept_out(
    pseudo: str, claimed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(serial_ports.fcntl, "ioctl", lambda _, request: asked.append(request))
    serial_ports._claim(0, pseudo)
    assert asked == ([termios.TIOCEXCL] if claimed else [])


@pytest.mark.parametrize("dtr", [True, False])
def test_the_control_lines_are_set_before_the_port_is_opened(
    dtr: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serial

    class Noted(serial.Serial):
        def open(self) -> None:
            states.append((self.dtr, self.rts))

    states: list[tuple[bool, bool]] = []
    made = Noted()
    monkeypatch.setattr(serial, "serial_for_url", lambda *_, **__: made)
    assert serial_ports._open("/dev/ttyUSB0", 0, dtr) is made
    assert states == [(dtr, dtr)]


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_board_that_restarts_when_it_is_opened_is_waited_for() -> None:
    """Deaf for a second, with noise of another rate; it is opened once."""
    loop = asyncio.get_running_loop()
    device = build_device(parse_options(""))
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    links: list[Any] = []

    def heard() -> None:
        data = os.read(master, 4096)
        if links:
            links[0].write(data)

    def send(data: bytes) -> None:
        os.write(master, data)

    def awake() -> None:
        links.append(device.open_link("serial", send, lambda _: None))

    loop.add_reader(master, heard)
    for number in range(8):
        loop.call_later(0.1 * number, os.write, master, b"\xfe\x81\x00\x7f" * 8)
    loop.call_later(1.2, awake)
    transport = SerialTransport(os.ttyname(slave))
    opened: list[None] = []
    connect = transport._connect

    async def counted() -> int:
        opened.append(None)
        return await connect()

    transport._connect = counted
    driver = ReferenceDriver(transport)
    try:
        info = await driver.open(Ignored())
        assert info.serial == "SIM-00000001"
        assert len(opened) == 1
    finally:
        await driver.close()
        loop.remove_reader(master)
        device.close()
        os.close(master)
        os.close(slave)


class Ignored:
    """Hears a driver."""

    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        pass


@pytest.mark.asyncio
async def test_a_port_in_use_is_busy_and_free_again_after_a_close() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    first, second = (SerialTransport(os.ttyname(slave)) for _ in range(2))
    try:
        await first.open(Recorder())
        with pytest.raises(DeviceBusy, match="in use"):
            await second.open(Recorder())
        await first.close()
        await second.open(Recorder())
        await second.close()
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.asyncio
async def test_a_socket_url_with_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeviceNotFound, match="nothing listens") as caught:
        await make_transport(f"serial:socket://127.0.0.1:{port}").open(Recorder())
    assert f"serial:socket://127.0.0.1:{port}" in caught.value.message


@pytest.mark.parametrize("url", ["nonsense://x", "rfc2217://127.0.0.1:1"])
@pytest.mark.asyncio
async def test_a_url_that_does_not_open(url: str) -> None:
    with pytest.raises(LinkError) as caught:
        await make_serial(url).open(Recorder())
    assert url in caught.value.message
    assert caught.value.remedy


@pytest.mark.asyncio
async def test_an_unplugged_port_is_told_without_waiting_for_anything() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    transport = SerialTransport(os.ttyname(slave))
    heard = Recorder()
    await transport.open(heard)
    os.close(slave)
    os.close(master)
    for _ in range(3):  # turns of the loop, and no timer
        await asyncio.sleep(0)
    assert "gone" in heard.lost[0].message
    await transport.close()


@pytest.mark.asyncio
async def test_a_close_lets_the_last_bytes_out_and_an_abort_does_not_wait() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    transport = SerialTransport(os.ttyname(slave))
    try:
        await transport.open(Recorder())
        transport.write(PIECE)
        await transport.close()
        assert os.read(master, 100) == PIECE
    finally:
        os.close(master)
        os.close(slave)


# The road by threads, over pyserial's own `loop://`: what is written comes back.


@pytest.mark.asyncio
async def test_a_port_without_a_descriptor() -> None:
    transport = make_serial("loop://")
    assert isinstance(transport, ThreadedSerialTransport)
    heard = Recorder()
    drained: list[None] = []
    transport.on_drained(lambda: drained.append(None))
    for _ in range(2):
        heard.data.clear()
        drained.clear()
        await transport.open(heard)
        with pytest.raises(LinkError, match="already"):
            await transport.open(heard)
        transport.write(PIECE)
        transport.write(PIECE[:7])
        await until(lambda: bytes(heard.data) == PIECE + PIECE[:7], "the bytes come back")
        transport.on_drained(lambda: drained.append(None))
        transport.preempt(b"\0stop\0")
        await until(lambda: heard.data.endswith(b"\0stop\0"), "the urgent bytes come back")
        await until(lambda: drained and not transport.backlog, "drained is told")
        await transport.close()
        await transport.close()
        transport.write(PIECE)
        assert transport.backlog == 0
    assert heard.lost == []


class BrokenPort:
    """A port whose cable is pulled out: the read raises as pyserial's does."""

    in_waiting = 0

    def __init__(self) -> None:
        self.closed = False
        self.unplugged = False
        self.stuck = False
        self.entered = False
        self.written: list[bytes] = []

    def read(self, size: int = 1) -> bytes:
        time.sleep(0.002)
        if self.unplugged:
            raise OSError(5, "Input/output error")
        return b""

    def write(self, data: bytes) -> int:
        self.entered = True
        while self.stuck:
            time.sleep(0.002)
        self.written.append(data)
        return len(data)

    def close(self) -> None:
        self.closed = True


class BrokenTransport(ThreadedSerialTransport):
    def __init__(self, port: BrokenPort) -> None:
        super().__init__("broken")
        self.port = port

    async def _connect(self) -> BrokenPort:
        return self.port


@pytest.mark.asyncio
async def test_threads_tell_an_unplugged_port_once_and_close_it() -> None:
    port = BrokenPort()
    transport = BrokenTransport(port)
    heard = Recorder()
    await transport.open(heard)
    port.unplugged = True
    await until(lambda: heard.lost, "the loss is told")
    await until(lambda: port.closed, "the port is closed")
    await asyncio.sleep(0.01)
    assert len(heard.lost) == 1
    assert "serial:broken is gone" in heard.lost[0].message
    await transport.close()


@pytest.mark.asyncio
async def test_threads_let_an_urgent_write_past_what_waits() -> None:
    port = BrokenPort()
    port.stuck = True
    transport = BrokenTransport(port)
    await transport.open(Recorder())
    transport.write(b"under way")
    await until(lambda: port.entered, "the first is being written")
    assert transport.backlog == len(b"under way")
    transport.write(b"waits")
    transport.preempt(b"stop")
    assert transport.backlog == len(b"under way") + len(b"stop")
    port.stuck = False
    await until(lambda: not transport.backlog, "all is written")
    assert port.written == [b"under way", b"stop"]
    port.stuck = True
    transport.write(b"under way")
    await asyncio.sleep(0.01)
    transport.write(b"never sent")
    transport.abort()
    port.stuck = False
    await until(lambda: port.closed, "the port is closed")
    assert port.written[-1] == b"under way"


@pytest.mark.asyncio
@pytest.mark.parametrize("call", [1, 2])
async def test_a_port_that_goes_while_it_is_set_up_is_an_error_and_let_go(
    monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    calls = 0
    really = termios.tcsetattr

    def gone(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise termios.error(errno.EIO, "Input/output error")
        really(*arguments)

    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    transport = SerialTransport(name)
    with monkeypatch.context() as patch:
        patch.setattr("massager_ctl.transports.serial.termios.tcsetattr", gone)
        with pytest.raises(LinkError):
            await transport.open(Recorder())
    await transport.open(Recorder())
    await transport.close()
    os.close(master)
