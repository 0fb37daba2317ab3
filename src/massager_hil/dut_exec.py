"""Your own firmware as a process (`exec:CMD`), in simulated time, with the suite for its clock."""

from __future__ import annotations

from massager_ctl.errors import LinkError
from massager_hil.client import Client
from massager_hil.dut_python import PythonDut
from massager_hil.lockstep import PREFIX, ProcessFirmware
from massager_hil.model import Need, NotHere

__all__ = ["PREFIX", "ExecDut"]


class ExecDut(PythonDut):
    """A process. Every check starts a new one, which is a device at power-on."""

    def __init__(self, address: str) -> None:
        self._process = ProcessFirmware(address, self._gone)
        if self._process.trouble is not None:
            raise self._process.trouble
        super().__init__(self._process, "serial", self._process.can | {Need.MOTOR})

    def _gone(self, trouble: LinkError) -> None:
        if hasattr(self, "_clients"):
            self.drop_all(trouble)

    async def connect(self) -> Client:
        """The first link, or the same one again. Raises LinkError once the process is in trouble."""
        self._check()
        client = await super().connect()
        self._check()
        return client

    async def connect_poor(self, kind: str) -> Client:
        """There is none. Raises `NotHere`."""
        raise NotHere(f"a firmware as a process takes no link of the kind {kind}")

    def _check(self) -> None:
        if self._process.trouble is not None:
            raise self._process.trouble

    def end(self) -> None:
        """Let no more time pass, and end the process."""
        super().end()
        self._process.close()
