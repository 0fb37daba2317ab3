"""Real descriptors: the PTY, the TCP port, NVM in a file, and massager-sim as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.support.marks import simulated_time

from firmware_sim import wire
from firmware_sim.cli import main
from firmware_sim.faults.catalog import FAULTS, FLAWS
from firmware_sim.links.memory import build_device
from firmware_sim.links.pacing import Pacer
from firmware_sim.links.pty import PtyError, PtyPort
from firmware_sim.links.tcp import MOST_UNREAD, TcpError, listen
from firmware_sim.nvm_file import FileNvm, NvmFileError
from firmware_sim.options import parse_options
from massager_fw.states import Cause, State

PATIENCE_S = 10.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, as long as a busy machine may need."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what it waits for is outside this process
            await asyncio.sleep(0.01)


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class Terminal:
    """A program that opens the port."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.splitter = wire.Splitter()
        self.heard: list[wire.Message] = []

    def write(self, message: wire.Message) -> None:
        os.write(self.fd, wire.frame(wire.pack(message)))

    def read(self) -> None:
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return
        for body in self.splitter.feed(data):
            if not isinstance(body, wire.Bad):
                self.heard.append(wire.parse(body))

    def has(self, kind: type[Any], count: int = 1) -> Callable[[], bool]:
        def check() -> bool:
            self.read()
            return sum(isinstance(message, kind) for message in self.heard) >= count

        return check

    def close(self) -> None:
        os.close(self.fd)


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


@pytest.mark.asyncio
async def test_closing_the_port_is_a_lost_link_and_it_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "m"
    device = build_device(parse_options("seed=1"))
    port = PtyPort(device, path)
    core = device.firmware.core
    for _ in range(3):
        terminal = Terminal(path)
        await until(terminal.has(wire.Telemetry))
        told = next(m for m in terminal.heard[::-1] if isinstance(m, wire.Telemetry))
        # What an earlier program left unread is not here: these are of this moment.
        assert told.counter >= core.announcer.counter - 2
        terminal.write(wire.Arm(1, 9, told.epoch, told.challenge, 0, 1000, 60))
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


# --- TCP


class Socket:
    """A TCP client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.splitter = wire.Splitter()

    def write(self, message: wire.Message) -> None:
        self.writer.write(wire.frame(wire.pack(message)))

    async def next(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                data = await self.reader.read(4096)
                assert data, "the device hung up"
                for body in self.splitter.feed(data):
                    assert not isinstance(body, wire.Bad)
                    message = wire.parse(body)
                    if isinstance(message, kind):
                        return message


async def connect(address: str) -> Socket:
    host, _, port = address.rpartition(":")
    return Socket(*await asyncio.open_connection(host, int(port)))


@pytest.mark.asyncio
async def test_one_client_owns_and_another_may_read_and_stop() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    one, two = await connect(port.address), await connect(port.address)
    told = await one.next(wire.Telemetry)
    one.write(wire.Arm(1, 9, told.epoch, told.challenge, 0, 1000, 60))
    assert (await one.next(wire.Ack)).result == 0
    two.write(wire.GetInfo(3))
    assert (await two.next(wire.Info)).deadman == 1000
    two.write(wire.Stop(8, 1))
    assert (await two.next(wire.Ack)).token == 8
    assert device.firmware.core.state is State.IDLE
    device.unplug()
    with pytest.raises(AssertionError, match="hung up"):
        await one.next(wire.Ack)
    refused = await connect(port.address)
    with pytest.raises((AssertionError, ConnectionError)):
        await refused.next(wire.Telemetry)
    port.close()
    device.close()
    for client in (one, two, refused):
        client.writer.close()


@pytest.mark.asyncio
async def test_a_client_that_goes_away_takes_its_session_along() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    client = await connect(port.address)
    told = await client.next(wire.Telemetry)
    client.write(wire.Arm(1, 9, told.epoch, told.challenge, 0, 1000, 60))
    await client.next(wire.Ack)
    client.writer.close()
    await until(lambda: device.firmware.core.session is None)
    assert device.firmware.core.cause is Cause.LINK_LOST
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_cut_off() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    host, _, number = port.address.rpartition(":")
    with socket.create_connection((host, int(number))) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        await until(lambda: bool(device._links))
        for _ in range(400):
            device.shout(b"x" * MOST_UNREAD)
            await asyncio.sleep(0)
        await until(lambda: not device._links)
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_port_that_is_taken_says_so() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    with pytest.raises(TcpError, match=r"cannot listen on 127\.0\.0\.1"):
        await listen(device, "127.0.0.1", int(port.address.rpartition(":")[2]))
    port.close()
    device.close()


# --- NVM in a file


@pytest.mark.asyncio
async def test_a_device_keeps_its_hours_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "nvm.json"
    boots: list[int] = []
    for _ in range(3):
        options = parse_options("seed=1")
        options.nvm = FileNvm(path)
        device = build_device(options)
        boots.append(device.firmware.core.memory.boot)
        assert device.firmware.core.memory.intact
        device.close()
    assert boots == [1, 2, 3]


def test_an_nvm_file_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nvm.json"
    path.write_text("{broken", encoding="utf-8")
    with pytest.raises(NvmFileError, match="Remove it"):
        FileNvm(path)
    path.write_text('{"life": "zz"}', encoding="utf-8")
    with pytest.raises(NvmFileError, match="Remove it"):
        FileNvm(path)
    with pytest.raises(NvmFileError, match="cannot read"):
        FileNvm(tmp_path)
    with pytest.raises(NvmFileError, match="cannot write"):
        FileNvm(tmp_path / "none" / "nvm.json").store("life", b"x")


def test_a_flip_and_a_stuck_cell_in_the_file(tmp_path: Path) -> None:
    nvm = FileNvm(tmp_path / "nvm.json")
    nvm.store("life", b"\x00\x00")
    nvm.flip("life", 9)
    assert FileNvm(nvm.path).load("life") == b"\x00\x02"
    nvm.stuck = True
    nvm.store("life", b"zz")
    assert nvm.load("life") == b"\x00\x02"


# --- massager-sim


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(*words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "firmware_sim", "serve", *words],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: that of the person, and that of a program."""
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    return process.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_says_when_it_is_ready_and_ends_cleanly(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: int
) -> None:
    process = simulator("--pty", "m", "--tcp", "127.0.0.1:0", "--trace", "t.jsonl", "--nvm", "n")
    assert line(process) == "ready: serial m"
    assert line(process).startswith("ready: tcp 127.0.0.1:")
    assert finish(process, number) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n", "t.jsonl"]
    assert '"type":"header"' in (tmp_path / "t.jsonl").read_text(encoding="utf-8")


def test_sigusr1_presses_the_button(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = simulator("--pty", "m", "--seed", "3", "--battery", "50", "--option", "heat=off")
    line(process)
    terminal = Terminal(tmp_path / "m")
    process.send_signal(signal.SIGUSR1)
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        terminal.read()
        if any(isinstance(m, wire.Telemetry) and m.state == State.LATCHED for m in terminal.heard):
            break
        time.sleep(0.02)
    else:
        pytest.fail("the button was not pressed")
    terminal.close()
    assert finish(process, signal.SIGTERM) == 0


def test_a_fleet_has_serial_numbers_ports_and_traces_of_its_own(
    simulator: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = simulator("--pty", "m", "--count", "3", "--trace", "t.jsonl", "--fault", "stall@99")
    assert [line(process) for _ in range(3)] == [f"ready: serial m{k}" for k in range(3)]
    terminals = [Terminal(tmp_path / f"m{k}") for k in range(3)]
    serials: set[str] = set()
    give_up = time.monotonic() + PATIENCE_S
    for terminal in terminals:
        terminal.write(wire.GetInfo(1))
    while len(serials) < 3 and time.monotonic() < give_up:
        for terminal in terminals:
            terminal.read()
            serials |= {m.serial for m in terminal.heard if isinstance(m, wire.Info)}
        time.sleep(0.02)
    assert serials == {"SIM-00000001", "SIM-00000002", "SIM-00000003"}
    for terminal in terminals:
        terminal.close()
    assert finish(process, signal.SIGTERM) == 0
    assert {path.name for path in tmp_path.glob("t*.jsonl")} == {"t0.jsonl", "t1.jsonl", "t2.jsonl"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no link: give --pty PATH"),
        (["--tcp", "nowhere"], "no HOST:PORT"),
        (["--tcp", "127.0.0.1:99999"], "no HOST:PORT"),
        (["--pty", "m", "--fault", "nonsense"], "no fault 'nonsense'"),
        (["--pty", "m", "--option", "colour=red"], "no option"),
        (["--pty", "m", "--scenario", "none.yaml"], "cannot read the scenario"),
        (["--pty", "m", "--trace", "none/t"], "cannot write the trace"),
        (["--pty", "m", "--trace", "kept"], "there is a file of that name"),
        (["--pty", "none/m"], "cannot make the serial port"),
        (["--pty", "m", "--nvm", "."], "cannot read the NVM file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept").write_text("an older trace")
    result = CliRunner().invoke(main, ["serve", *words])
    assert (tmp_path / "kept").read_text() == "an older trace"
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_the_faults_are_listed() -> None:
    result = CliRunner().invoke(main, ["faults"])
    assert result.exit_code == 0
    listed = {text.split()[0] for text in result.output.splitlines() if text.startswith("  ")}
    assert listed == {*FAULTS, *FLAWS}


def test_help_has_examples() -> None:
    result = CliRunner().invoke(main, ["serve", "--help"])
    assert "massager-sim serve --pty /tmp/massager" in result.output


def test_commands_can_be_typed_at_a_terminal(
    simulator: Callable[..., subprocess.Popen[str]], terminal: tuple[int, int], tmp_path: Path
) -> None:
    person, program = terminal
    process = simulator("--pty", "m", stdin=program)
    assert line(process) == "ready: serial m"

    def typed(word: str) -> None:
        os.write(person, f"{word}\n".encode())

    typed("status")
    assert line(process).startswith("SIM-00000001: idle, cause none, levels 0.0")
    typed("press")
    assert line(process) == "The button is held down; `release` lets it go."
    typed("release")
    typed("status")
    assert line(process).startswith("SIM-00000001: latched, cause button")
    typed("")
    typed("dance")
    assert line(process).startswith("unknown: dance. There are: press, release, hold")
    typed("hold")
    typed("quit")
    assert process.wait(PATIENCE_S) == 0
    assert left_in(tmp_path) == []


def test_the_end_of_input_does_not_end_the_device(
    simulator: Callable[..., subprocess.Popen[str]], terminal: tuple[int, int]
) -> None:
    person, program = terminal
    process = simulator("--tcp", "127.0.0.1:0", stdin=program)
    assert line(process).startswith("ready: tcp")
    os.write(person, b"\x04")
    time.sleep(0.3)
    assert process.poll() is None
    assert finish(process, signal.SIGTERM) == 0
