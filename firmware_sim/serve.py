"""Runs one or many simulated devices on their links until told to end."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyError, PtyPort
from firmware_sim.links.tcp import TcpError, listen
from firmware_sim.nvm_file import FileNvm, NvmFileError
from firmware_sim.options import OptionError, Options, set_option
from firmware_sim.scenario import load_scenario

PRESS_S: Final = 0.2
HOLD_S: Final = 2.5
PAIR_S: Final = 5.5


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
    seed: int | None = None
    battery: float | None = None
    nvm: str | None = None
    baud: int | None = None
    count: int = 1
    options: tuple[str, ...] = ()


def run(request: Request) -> None:
    """Serve until a signal or `quit`; `ServeError` if something cannot be set up."""
    if not request.ptys and not request.tcps and not request.bles:
        raise ServeError("no link: give --pty PATH, --tcp HOST:PORT or --ble HCI (see --help)")
    try:
        asyncio.run(_serve(request))
    except (OptionError, NvmFileError, PtyError, TcpError) as error:
        raise ServeError(str(error)) from error


async def _serve(request: Request) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    devices: list[SimulatedDevice] = []
    # Before anything else: a signal that comes early must still end it cleanly.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: _press(devices, PRESS_S))
    async with AsyncExitStack() as stack:
        for index in range(request.count):
            device = _build(request, index, stack)
            stack.callback(device.close)
            devices.append(device)
            await _open_links(request, index, device, stack)
        if sys.stdin is not None and sys.stdin.isatty():
            loop.add_reader(sys.stdin, lambda: _command(sys.stdin.readline(), devices, over))
            stack.callback(loop.remove_reader, sys.stdin)
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
    try:
        trace = stack.enter_context(path.open("w", encoding="utf-8"))
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
        raise ServeError(f"{text!r} is no HOST:PORT, such as 127.0.0.1:7777")
    return host, int(port)


def _numbered(path: str, index: int, count: int) -> str:
    whole = Path(path)
    return path if count == 1 else str(whole.with_stem(f"{whole.stem}{index}"))


def _note(text: str) -> None:
    click.echo(text, err=True)


def _press(devices: list[SimulatedDevice], seconds: float) -> None:
    for device in devices:
        device.press()
        device.later(seconds, device.release)


def _hold_down(devices: list[SimulatedDevice]) -> None:
    _each(devices, SimulatedDevice.press)
    click.echo("The button is held down; `release` lets it go.")


def _pair(devices: list[SimulatedDevice]) -> None:
    """Hold the button long enough to open pairing, then again to clear the latch that a press sets."""
    _press(devices, PAIR_S)
    for device in devices:
        device.later(PAIR_S + PRESS_S, device.press)
        device.later(PAIR_S + PRESS_S + HOLD_S, device.release)


def _command(line: str, devices: list[SimulatedDevice], over: asyncio.Event) -> None:
    """One line typed at the terminal; end of input ends nothing but the reading."""
    acts: dict[str, Callable[[], None]] = {
        "press": lambda: _hold_down(devices),
        "release": lambda: _each(devices, SimulatedDevice.release),
        "hold": lambda: _press(devices, HOLD_S),
        "pair": lambda: _pair(devices),
        "status": lambda: _status(devices),
        "quit": over.set,
    }
    if not line:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        return
    word = line.strip()
    if word in acts:
        acts[word]()
    elif word:
        click.echo(f"unknown: {word}. There are: {', '.join(acts)}")


def _each(devices: list[SimulatedDevice], do: Callable[[SimulatedDevice], None]) -> None:
    for device in devices:
        do(device)


def _status(devices: list[SimulatedDevice]) -> None:
    for device in devices:
        core = device.firmware.core
        levels = " ".join(f"{level / 100:.1f}" for level in core.levels.level)
        click.echo(
            f"{core.config.serial}: {core.state.name.lower()}, cause {core.cause.name.lower()}, "
            f"levels {levels}"
        )
