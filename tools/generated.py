"""Generated parts of the documents about the repository itself."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent


def make_targets() -> str:
    """The table of make targets, from the Makefile's own comments."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rows = re.findall(r"^([a-z-]+):.*? ## (.+)$", makefile, re.MULTILINE)
    lines = [f"| `make {target}` | {purpose} |" for target, purpose in rows]
    return "\n".join(["| target | does |", "|---|---|", *lines])


def layers() -> str:
    """The layers from top to bottom, from the contract that import-linter keeps."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["id"] == "layers"
    )
    lines = [re.sub(r"[()]", "", layer).replace(" : ", "   ") for layer in contract["layers"]]
    return "\n".join(["```", *lines, "```"])


def device_states() -> str:
    """The device's state machine, drawn from the table that the simulated firmware runs by."""
    from firmware_sim.names import mermaid

    return f"```mermaid\n{mermaid()}\n```"


def worked_bytes() -> str:
    """A whole session in bytes: what a host sends, and what the simulated firmware answers (seed 1)."""
    from firmware_sim import wire
    from firmware_sim.config import DeviceConfig, LinkKind
    from firmware_sim.firmware import Firmware
    from firmware_sim.nvm import MemoryNvm

    lines: list[str] = []
    firmware = Firmware(DeviceConfig(), MemoryNvm(), 1)
    splitter = wire.Splitter()
    newest: list[wire.Telemetry] = []

    def show(t: float, way: str, body: bytes, framed: bytes) -> None:
        message = wire.parse(body)
        lines.append(f"{t:5.2f} s  {way} {wire.FrameType(body[1]).name}: {_to_text(message)}")
        lines.append(f"         body   {body.hex(' ')}")
        lines.append(f"         frame  {framed.hex(' ')}")

    def heard(t: float, outputs: list[Any], last_telemetry_only: bool = True) -> None:
        bodies = [b for out in outputs for b in splitter.feed(out.data) if isinstance(b, bytes)]
        telemetry = [b for b in bodies if b[1] == wire.FrameType.TELEMETRY]
        for body in bodies:
            if body in telemetry and (last_telemetry_only and body != telemetry[-1]):
                continue
            show(t, "<-", body, wire.frame(body))
        newest.extend(m for m in map(wire.parse, telemetry) if isinstance(m, wire.Telemetry))

    def send(t: float, message: wire.Message) -> None:
        body = wire.pack(message)
        show(t, "->", body, wire.frame(body))
        heard(t, firmware.feed(1, wire.frame(body), t))

    firmware.connect(1, LinkKind.SERIAL, 0.0)
    heard(0.1, firmware.advance(0.1))
    send(0.1, wire.GetInfo(1))
    said = newest[-1]
    send(0.11, wire.Arm(2, 0x0A0B0C0D, said.epoch, said.challenge, 1000, 400, 600))
    knead = 3 << 4 | 2
    level, pattern = (100, 100, 60, 60, 0, 0), (knead, knead, knead, knead, 1, 1)
    for seq, t in enumerate((0.12, 0.32), start=1001):
        heard(t, firmware.advance(t))
        echo = newest[-1].counter
        send(t, wire.Setpoint(said.epoch, 0x0A0B0C0D, seq, echo, 0, 0, 10_000, level, pattern))
    heard(0.5, firmware.advance(0.5))
    send(0.5, wire.Stop(3, 1))
    send(
        0.51,
        wire.Setpoint(
            said.epoch, 0x0A0B0C0D, 1003, newest[-1].counter, 0, 0, 10_000, level, pattern
        ),
    )
    heard(0.6, firmware.advance(0.6))
    return "\n".join(
        [
            "The last setpoint was sent after the stop with the old epoch: it changes nothing but `rejected`.",
            "",
            "```text",
            *lines,
            "```",
        ]
    )


def command_pages() -> str:
    """Every command's own help page, as `--help` prints it at 80 columns."""
    import click

    from massager_ctl.cli.root import COMMANDS, massager_ctl

    root = click.Context(massager_ctl, info_name="massager-ctl")
    parts: list[str] = []
    for heading, commands in COMMANDS.items():
        parts.append(f"## {heading}")
        for name in commands:
            command = massager_ctl.get_command(root, name)
            assert command is not None
            parts += _command_page(command, root, name)
    return "\n\n".join(parts)


def _command_page(command: Any, parent: Any, name: str) -> list[str]:
    import click

    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=80,
        max_content_width=80,
        help_option_names=["-h", "--help"],
    )
    path = context.command_path.removeprefix("massager-ctl ")
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    pages = [f"### {path}\n\n```text\n{text}\n```"]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            pages += _command_page(found, context, inner)
    return pages


def _to_text(message: Any) -> str:
    """The fields of a message that a reader wants beside its bytes."""
    names = [name for name in message.__struct_fields__ if name not in {"firmware", "serial"}]
    return ", ".join(f"{name} {getattr(message, name)}" for name in names)


_MODELLED: Final = ("R4", "R6", "R7", "R9", "R15", "R16", "R17")
"""Rules that formal/link.pml and formal/ledger.pml hold."""
_BOARD_TESTS: Final = ("R3", "R4", "R6", "R7", "R8", "R12", "R14", "R15", "R24")
"""Rules that tests/firmware/test_pico.py looks at besides, at the pins themselves."""


def evidence() -> str:
    """Where each rule of the device was shown: by how many checks of the conformance suite, and on what."""
    from massager_hil.suite import all_checks

    checks = all_checks()
    chosen = (ROOT / "tests/firmware/conforming.txt").read_text(encoding="utf-8").split()
    lines = [
        "| rule | model | CPython simulator | MicroPython, unix port | Pico W's files on stand-ins | hardware |",
        "|---|---|---|---|---|---|",
    ]
    rules = sorted({rule for one in checks for rule in one.rules}, key=lambda rule: int(rule[1:]))
    for rule in rules:
        mine = [one for one in checks if rule in one.rules]
        bench = [one for one in mine if one.id in chosen]
        plain = _checks(len(bench))
        own = rule in _BOARD_TESTS
        board = "own tests" if own and not bench else plain + (", own tests" if own else "")
        model, every = "yes" if rule in _MODELLED else "–", _checks(len(mine))
        lines.append(f"| {rule} | {model} | {every} | {every} | {board} | |")
    return "\n".join(lines)


def _checks(count: int) -> str:
    return "–" if not count else f"{count} check{'s' if count != 1 else ''}"
