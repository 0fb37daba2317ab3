"""Runs one or many simulated devices on their links until asked to end."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from firmware_sim.commands import Commands, ControlError, control_pipe, press
from firmware_sim.device import SimulatedDevice
from firmware_sim.faults.scenario import load_scenario
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyError, PtyPort
from firmware_sim.links.tcp import TcpError, listen
from firmware_sim.nvm_file import FileNvm, NvmFileError
from firmware_sim.options import OptionError, Options, set_option


class ServeError(Exception):
    """The devices cannot be run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    ptys: tuple[str, ...] = ()
    tcps: tuple[str, ...] = ()
    bles: tuple[str, ...] = ()
    name: str = "Massager"
    faults: tuple[str, ...] = ()
    scenario: str | None = None
    trace: str | None = None
    force: bool = False
    seed: int | None = None
    battery: float | None = None
    nvm: str | None = None
    baud: int | None = None
    count: int = 1
    options: tuple[str, ...] = ()
    control: str | None = None


def run(request: Request) -> None:
    """Serve until a signal or `quit`; `ServeError` if something cannot be set up."""
    if not request.ptys and not request.tcps and not request.bles:
        raise ServeError("no link: give --pty PATH, --tcp HOST:PORT or --ble HCI (see --help)")
    try:
        asyncio.run(_serve(request))
    except (OptionError, NvmFileError, PtyError, TcpError, ControlError) as error:
        raise ServeError(str(error)) from error


async def _serve(request: Request) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    devices: list[SimulatedDevice] = []
    commands = Commands(devices, over)
    # Before anything else: a signal that comes early must still end it cleanly.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, over.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: press(devices))
    async with AsyncExitStack() as stack:
        for index in range(request.count):
            device = _build(request, index, stack)
            stack.callback(device.close)
            devices.append(device)
            await _open_links(request, index, device, stack)
        if sys.stdin is not None and sys.stdin.isatty():
            loop.add_reader(sys.stdin, lambda: _typed(commands))
            stack.callback(loop.remove_reader, sys.stdin)
        if request.control is not None:
            stack.enter_context(control_pipe(Path(request.control), loop, commands.line))
            click.echo(f"ready: control {request.control}")
        await over.wait()


def _options(request: Request, index: int) -> Options:
    options = Options(seed=secrets.randbits(32) if request.seed is None else request.seed)
    if request.scenario is not None:
        load_scenario(Path(request.scenario), options)
    if request.battery is not None:
        set_option(options, "battery", str(request.battery))
    for text in request.options:
        name, _, value = text.partition("=")
        set_option(options, name, value)
    for fault in request.faults:
        set_option(options, "fault", fault)
    if index:
        options.seed += index
        serial = f"SIM-{index + 1:08d}"
        options.config = replace(options.config, serial=serial)
    if request.nvm is not None:
        options.nvm = FileNvm(Path(_numbered(request.nvm, index, request.count)))
    return options


def _build(request: Request, index: int, stack: AsyncExitStack) -> SimulatedDevice:
    options = _options(request, index)
    if request.trace is None:
        return build_device(options)
    path = Path(_numbered(request.trace, index, request.count))
    if path.is_file() and path.stat().st_size and not request.force:
        raise ServeError(f"{path}: there is a file of that name; give --force to write over it")
    try:
        trace = stack.enter_context(path.open("w", buffering=1, encoding="utf-8"))
    except OSError as error:
        raise ServeError(f"cannot write the trace {path}: {error.strerror}") from error
    return build_device(options, trace=trace)


async def _open_links(
    request: Request, index: int, device: SimulatedDevice, stack: AsyncExitStack
) -> None:
    for text in request.ptys:
        path = Path(f"{text}{index}" if request.count > 1 else text)
        port = PtyPort(device, path, baud=request.baud, note=_note)
        stack.callback(port.close)
        click.echo(f"ready: serial {path}")
    for text in request.tcps:
        host, number = _host_and_port(text)
        tcp = await listen(device, host, number + index if number else 0)
        stack.callback(tcp.close)
        click.echo(f"ready: tcp {tcp.address}")
    for text in request.bles:
        await _open_ble(request, index, text, device, stack)


async def _open_ble(
    request: Request, index: int, text: str, device: SimulatedDevice, stack: AsyncExitStack
) -> None:
    # Imported only here: the Bluetooth stack takes half a second, and may not be installed.
    try:
        from firmware_sim.links.ble.hci import serve_ble
    except ImportError as error:
        raise ServeError(f"--ble needs {error.name}: pip install 'massager-ctl[sim]'") from error
    name = f"{request.name} {index + 1}" if index else request.name
    try:
        ble = await serve_ble(device, text, name)
    except (OSError, ValueError) as error:
        raise ServeError(f"cannot open the Bluetooth controller {text}: {error}") from error
    stack.push_async_callback(ble.close)
    click.echo(f"ready: ble {ble.where}")


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ServeError(f"{text!r} is not a HOST:PORT, such as 127.0.0.1:7777")
    return host, int(port)


def _numbered(path: str, index: int, count: int) -> str:
    whole = Path(path)
    return path if count == 1 else str(whole.with_stem(f"{whole.stem}{index}"))


def _note(text: str) -> None:
    click.echo(text, err=True)


def _typed(commands: Commands) -> None:
    """One line typed at the terminal; end of input ends nothing but the reading."""
    line = sys.stdin.readline()
    if line:
        commands.line(line)
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)
