"""A board is data: a folder with `board.json`, the two files of its root, and what its slot holds."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl.errors import FirmwareError
from massager_ctl.model.json_reading import NotJson, read_json

DESCRIPTION: Final = "board.json"
PINS: Final = "pins.py"

ARCHITECTURES: Final = (
    "none",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
)
"""MicroPython's names, by the number that a board tells (`sys.implementation._mpy >> 10`)."""


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `board.json` says."""

    name: str
    title: str
    arch: str
    """Of the machine code that `@micropython.viper` becomes."""
    platform: str
    """`sys.platform` of the board."""
    machines: tuple[str, ...]
    """What `sys.implementation._machine` may begin with."""
    oldest: tuple[int, int]
    """The oldest MicroPython that will do."""
    root: tuple[str, ...]
    """Files that are copied as they are, outside of the slots, in this order."""
    gpio: tuple[int, ...]
    adc: tuple[int, ...]
    radio: bool
    """It can have Bluetooth."""


class Sources:
    """The sources of one board."""

    def __init__(self, folder: Path, common: Path, rules: Path) -> None:
        self.folder = folder
        self._common = common
        self._rules = rules
        try:
            self.board = read_json((folder / DESCRIPTION).read_bytes(), Board)
        except OSError as error:
            raise FirmwareError(
                f"cannot read {folder / DESCRIPTION}: {error.strerror}",
                f"Name one of these boards: {', '.join(board_names())}.",
            ) from None
        except NotJson as error:
            raise FirmwareError(f"{folder / DESCRIPTION}: {error}", "Mend the file.") from None
        if self.board.arch not in ARCHITECTURES:
            raise FirmwareError(
                f"{folder / DESCRIPTION}: no architecture '{self.board.arch}'",
                f"It is one of {', '.join(ARCHITECTURES)}.",
            )

    @property
    def pins(self) -> Path:
        """The pins of the wiring in the manual, which a maker copies and edits."""
        return self.folder / PINS

    def modules(self) -> dict[str, Path]:
        """Path in the slot, without its ending, to source; the pins are not among them."""
        found = {path.stem: path for path in self._common.glob("*.py")}
        found |= {path.stem: path for path in self.folder.glob("*.py")}
        for name in (*self.board.root, PINS):
            found.pop(Path(name).stem, None)
        found |= {
            f"{self._rules.name}/{path.relative_to(self._rules).with_suffix('').as_posix()}": path
            for path in self._rules.rglob("*.py")
            if not path.stem.endswith("_cpython")
        }
        return dict(sorted(found.items()))

    def root_file(self, name: str) -> bytes:
        """One of the files that stand outside of the slots."""
        return (self.folder / name).read_bytes()


def _shipped() -> Path:
    """Where the boards are: beside this package in a wheel, in `firmware/` of a checkout."""
    installed = Path(__file__).parent / "boards_data"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "firmware" / "boards"


def board_names() -> list[str]:
    """The boards that there is firmware for."""
    return sorted(path.parent.name for path in _shipped().glob(f"*/{DESCRIPTION}"))


def find_board(name: str) -> Sources:
    """The sources of a board, by its name or by a folder of a maker's own; `FirmwareError` for others."""
    shipped = _shipped()
    if name in board_names():
        folder = shipped / name
    elif Path(name, DESCRIPTION).is_file():
        folder = Path(name)
    else:
        raise FirmwareError(
            f"there is no board '{name}'",
            f"These are there: {', '.join(board_names())}. A folder with a {DESCRIPTION} will do as well.",
        )
    spec = find_spec("massager_fw")
    if spec is None or spec.origin is None:
        raise FirmwareError(
            "the sources of the firmware are not installed", "Install massager-ctl again."
        )
    return Sources(folder, shipped / "common", Path(spec.origin).parent)
