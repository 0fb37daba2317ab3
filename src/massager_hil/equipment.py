"""What stands around a device on a bench: its lock, its hooks and its witness, from the start of a run to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from massager_hil.bench import Bench
from massager_hil.benchfile import TOLERANCE, BenchFile
from massager_hil.dut import ExternalDut
from massager_hil.hooks import HookFailed
from massager_hil.lock import Locks, name_of
from massager_hil.model import LinkGone
from massager_hil.operator import AskingOperator, NoOperator, Operator
from massager_hil.operator_hooks import HookOperator
from massager_hil.witness.process import Witness

_BOOT_S: Final = 30.0
"""A device that a bench has switched on can be reached by then."""
Say = Callable[[str], None]


class Equipment:
    """One bench, for one run. `witness`: a program named on the command line, in place of the file's."""

    def __init__(
        self, bench: BenchFile | None, witness: tuple[str, ...], say: Say, *, interactive: bool
    ) -> None:
        self._file = bench
        self._argv = witness
        self._say = say
        self._witness: Witness | None = None
        self.locks = Locks()
        rest = AskingOperator(say) if interactive else NoOperator()
        self._hooked = None if bench is None else HookOperator(bench.hooks, bench.faults, rest)
        self.operator: Operator = self._hooked or rest

    async def prepare(self, dut: ExternalDut) -> None:
        """Lock the device, bring the firmware onto it, switch it on, and hear the witness.

        Raises HookFailed, LinkGone, DeviceBusy.
        """
        bench = self._file
        if bench is not None:
            self.locks.take(f"number:{bench.serial}", bench.serial)
            hooks = bench.hooks
            if hooks.has("flash"):
                self._say("The hook flash brings the firmware onto the device.")
                await hooks.run("flash")
            if hooks.has("power-off", "power-cycle"):
                await hooks.run("power-cycle")
            dut.patience_s = _BOOT_S
        argv, folder = self._argv, Path()
        if bench is not None and not argv:
            argv, folder = bench.witness, bench.hooks.folder
        if argv:
            tolerance = TOLERANCE if bench is None else bench.tolerance
            self._witness = Witness(argv, folder, tolerance)
            await self._witness.start()

    def attach(self, bench: Bench, address: str) -> None:
        """The device that is there is the one of this bench. Raises DeviceBusy."""
        self.locks.take(name_of(bench.info, address), bench.info.serial)
        bench.tidy = None if self._hooked is None else self._hooked.tidy
        bench.witness = self._witness

    def check(self) -> None:
        """Raise LinkGone where the witness cannot be relied on any more."""
        if self._witness is not None and self._witness.trouble:
            raise LinkGone(self._witness.trouble)

    async def stop(self) -> None:
        """End the witness. Raises nothing."""
        witness = self._witness
        if witness is not None:
            await witness.stop()
            slower = f"the slowest was {witness.spread_s:.3f} s behind the fastest"
            self._say(f"The witness gave {witness.lines} lines; {slower}.")

    def switch_off(self) -> str:
        """Call `power-off`, if the device is ours, and release the locks; why that failed, or nothing."""
        failed = ""
        try:
            if self._file is not None and not self.locks.refused:
                self._file.hooks.power_off()
        except HookFailed as problem:
            failed = str(problem)
            self._say(f"{failed}. Switch the device off by hand.")
        finally:
            self.locks.release()
        return failed
