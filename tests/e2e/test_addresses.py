"""An address reaches the device that it names, and no other, in every command, wherever its port goes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Workstation

OWNER = """
import asyncio
from massager_ctl import connect

async def main():
    async with connect("{address}", simulated=True) as massager:
        await massager.manual()
        await massager.set(None, 5)
        print("owned", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.contextmanager
def owned_on_tcp(desk: Workstation) -> Generator[str]:
    """A device on a port of at least five digits, and a program that runs it by hand; its address."""
    with subprocess.Popen(
        [BIN / "massager-sim", "serve", "--tcp", "127.0.0.1:0"],
        env=desk.env,
        stdout=subprocess.PIPE,
        text=True,
    ) as simulator:
        assert simulator.stdout is not None
        address = f"tcp:{simulator.stdout.readline().split()[-1]}"
        assert int(address.rpartition(":")[2]) > 9999  # as the system's own ports are
        with subprocess.Popen(
            [sys.executable, "-c", OWNER.format(address=address)],
            env=desk.env,
            stdout=subprocess.PIPE,
            text=True,
        ) as owner:
            try:
                assert owner.stdout is not None
                assert owner.stdout.readline() == "owned\n"
                yield address
            finally:
                owner.kill()
                simulator.kill()


def the_device(desk: Workstation) -> dict[str, Any]:
    (status,) = json.loads(desk.ctl("status", "--json").stdout)["devices"]
    return status


def test_a_shorter_address_never_reaches_a_longer_one(desk: Workstation) -> None:
    with owned_on_tcp(desk) as address:
        shorter = address[:-1]
        before = the_device(desk)
        assert (before["phase"], before["device"]["address"]) == ("running", address)
        for command in (
            ["set", "all", "9"],
            ["ease"],
            ["pause"],
            ["resume"],
            ["reset"],
            ["ready"],
            ["stop"],
            ["pain", "--kind", "mild"],
        ):
            done = desk.ctl(*command, "--device", shorter, stdin="reset\n")
            recorded = command[0] == "pain"  # the report is kept, though no device was reached
            assert done.returncode in ((0,) if recorded else (2, 4)), command
            assert "confirmed" not in done.stdout
        shown = desk.ctl("status", "--device", shorter, "--json")
        assert json.loads(shown.stdout) == {"devices": []}
        after = the_device(desk)
        for key in ("phase", "target", "eased", "end_reason"):
            assert after[key] == before[key]
        # The whole address and the serial number each do, and the answer says whose it is.
        assert desk.ctl("ease", "--device", address).returncode == 0
        assert the_device(desk)["eased"] == 5.0
        stopped = desk.ctl("stop", "--device", "SIM-00000001", "--json")
        assert json.loads(stopped.stdout)["stopped"] == [
            {
                "device": address,
                "name": "",
                "serial": "SIM-00000001",
                "confirmed": True,
                "error": None,
            }
        ]


@pytest.fixture
def moved_ports(desk: Workstation) -> Generator[list[int]]:
    """Holds numbers of pseudo-terminals, so that the next one is another."""
    kept: list[int] = []
    yield kept
    for descriptor in kept:
        os.close(descriptor)


def stopped_by(desk: Workstation, name: str) -> str:
    """What `stop NAME` says, once the service is connected again."""
    end = time.monotonic() + PATIENCE_S
    while the_device(desk)["link"] != "up" and time.monotonic() < end:
        time.sleep(0.1)
    done = desk.ctl("stop", name)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_service_is_reached_by_each_name_wherever_its_port_goes(
    desk: Workstation, moved_ports: list[int]
) -> None:
    arguments = ("serve", "--device", f"neck={desk.device}", "--simulated")
    said = f"neck, {desk.device} (SIM-00000001): stopped, confirmed at zero\n"
    with desk.running(*arguments):  # before there is a port
        end = time.monotonic() + PATIENCE_S
        while desk.status() is None and time.monotonic() < end:
            time.sleep(0.1)
        ports: set[str] = set()
        while len(ports) < 2:
            with desk.simulator():
                port = os.path.realpath(desk.port)
                ports.add(port)
                for name in (desk.device, f"serial:{port}", "neck", "SIM-00000001"):
                    assert stopped_by(desk, name) == said
            # Takes the number that is free now, which is the port's unless the service lets go of it only later.
            moved_ports += os.openpty()
            assert len(moved_ports) < 20, "the port never changes its number"


def test_a_service_by_serial_number_takes_no_other_device_at_the_same_port(
    desk: Workstation,
) -> None:
    short = ("run", "desk-break", "--simulated", "--json", "--device", desk.device)
    with desk.simulator(), desk.running(*short) as used:
        desk.wait_until_it_moves()
        used.terminate()
        used.wait(PATIENCE_S)
    serve = ("serve", "--no-web", "--simulated", "--log", "json", "--device", "neck=SIM-00000001")
    with desk.simulator("--option", "serial=ANOTHER", "--force"), desk.running(*serve) as service:
        assert service.stderr is not None
        line = ""
        while "device.absent" not in line:
            line = service.stderr.readline()
            assert line
        assert "is ANOTHER and not SIM-00000001" in line
        refused = desk.ctl("run", "desk-break", "--device", "neck", "--json")
        assert refused.returncode != 0
    assert not desk.moved()
