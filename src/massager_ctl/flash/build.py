"""A build is a folder of compiled files and their hashes; it appears as a whole, or not at all."""

from __future__ import annotations

import re
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl.errors import FirmwareError
from massager_ctl.flash.boards import Sources
from massager_ctl.flash.compiler import BYTECODE, Compiler
from massager_ctl.flash.manifest import FORMAT, MANIFEST, ROOT, SLOT, Build, Manifest, digest
from massager_ctl.flash.pin_rules import check
from massager_ctl.flash.pins import Pins, PinsFile

_ABOUT: Final = "about"
_FILLED_IN: Final = re.compile(r"^(?P<name>[A-Z]+) = \(\)$", re.MULTILINE)
"""A line of `boot.py` that the build fills in from the pins."""


def build(sources: Sources, pins: Path, out: Path) -> tuple[Build, list[str]]:
    """Check the pins, compile everything, and write it to `out`; returns it and remarks on the pins.

    `FirmwareError` leaves `out` as it was.
    """
    _refuse_foreign(out)
    file = PinsFile(pins)
    checked, remarks = check(file, sources.board)
    try:
        with tempfile.TemporaryDirectory(prefix=".massager-fw-", dir=_parent(out)) as folder:
            made = Path(folder, "build")
            _write(sources, file, checked, made)
            if out.exists():
                out.rename(Path(folder, "before"))
            made.rename(out)
    except OSError as error:
        raise FirmwareError(
            f"cannot write {out}: {error.strerror or error}", "Name another folder with -o."
        ) from None
    return Build(out), remarks


def _parent(out: Path) -> Path:
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    return out.absolute().parent


def _refuse_foreign(out: Path) -> None:
    """A folder that was not built here is not replaced."""
    if not out.exists() or (out / SLOT / MANIFEST).is_file():
        return
    if not out.is_dir() or any(out.iterdir()):
        raise FirmwareError(
            f"{out} exists already, and is not a build", "Name another folder with -o."
        )


def _write(sources: Sources, file: PinsFile, pins: Pins, made: Path) -> None:
    board = sources.board
    compiler = Compiler(board.arch)
    version = metadata.version("massager-ctl")
    number = _numbers(version)
    hashes: dict[str, str] = {}
    for name, source in {**sources.modules(), "pins": file.path}.items():
        hashes[f"{name}.mpy"] = _put(
            made / SLOT / f"{name}.mpy", compiler.compile(source, f"{name}.py")
        )
    about = made / f"{_ABOUT}.py"
    about.write_text(f"VERSION = {version!r}\nFIRMWARE = {number!r}\nBOARD = {board.name!r}\n")
    hashes[f"{_ABOUT}.mpy"] = _put(
        made / SLOT / f"{_ABOUT}.mpy", compiler.compile(about, about.name)
    )
    about.unlink()
    root = {
        name: _put(made / ROOT / name, _filled_in(sources.root_file(name), pins))
        for name in board.root
    }
    manifest = Manifest(
        FORMAT,
        board.name,
        version,
        number,
        board.arch,
        BYTECODE,
        board.platform,
        board.machines,
        board.oldest,
        hashes,
        root,
    )
    _put(made / SLOT / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))


def _put(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest(data)


def _numbers(version: str) -> tuple[int, int, int]:
    """The three numbers that INFO tells."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    major, minor, patch = (min(int(part), 255) for part in found.groups()) if found else (0, 0, 0)
    return major, minor, patch


def _filled_in(text: bytes, pins: Pins) -> bytes:
    """`boot.py` must know the pins before it can trust any other file."""
    values = {
        "OUTPUTS": outputs(pins),
        "BUTTON": (pins.BUTTON.normally_closed, pins.BUTTON.normally_open),
    }

    def value(found: re.Match[str]) -> str:
        return f"{found['name']} = {values[found['name']]!r}"

    return _FILLED_IN.sub(value, text.decode()).encode()


def outputs(pins: Pins) -> tuple[int, ...]:
    """Every pin that must be low for everything to be off: the switch first, then what drives."""
    found: list[int | None] = []
    if pins.SWITCH is not None:
        found += [pins.SWITCH.enable, pins.SWITCH.edge]
    found.append(pins.SLEEP)
    for actuator in pins.ACTUATORS:
        found += [actuator.pwm, actuator.second, actuator.direction]
    return tuple(pin for pin in found if pin is not None)
