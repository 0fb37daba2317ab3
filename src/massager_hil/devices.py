"""From what `--device` names to the device under test."""

from __future__ import annotations

from massager_ctl.transports.address import SimAddress, parse_address
from massager_hil.dut import Dut
from massager_hil.dut_exec import PREFIX as EXEC
from massager_hil.dut_exec import ExecDut
from massager_hil.dut_python import PREFIX as PYTHON
from massager_hil.dut_python import make
from massager_hil.dut_sim import EmbeddedDut


def in_simulated_time(address: str) -> bool:
    """Whether the suite is the clock of the device at `address`. Raises AddressError."""
    return address.startswith((PYTHON, EXEC)) or isinstance(parse_address(address), SimAddress)


def simulated_dut(address: str) -> Dut:
    """A device of its own, fresh from power-on, on the running loop. Raises AddressError."""
    if address.startswith(EXEC):
        return ExecDut(address)
    return make(address) if address.startswith(PYTHON) else EmbeddedDut(address)
