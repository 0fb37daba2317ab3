"""A fleet in one process: what one core pays for N simulated devices, each driven at 5 Hz by a host of its own.

Starts `massager-sim serve --count N`, arms every device over its own link, drives them for a while, and reads
the simulator's processor time from the system. Usage: simulator_fleet.py [N] [SECONDS] [pty|tcp]
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from massager_ctl.transports.factory import make_transport
from massager_hil import wire
from massager_hil.client import REST, Client

PERIOD_S: Final = 0.2
LEVEL: Final = (30, 30, 0, 0, 0, 0)


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(count: int, link: str, folder: str) -> tuple[subprocess.Popen[str], list[str]]:
    """The simulator, and the addresses of its devices."""
    where = ["--pty", f"{folder}/m"] if link == "pty" else ["--tcp", "127.0.0.1:0"]
    command = [sys.executable, "-m", "firmware_sim", "serve", "--count", str(count), *where]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    addresses: list[str] = []
    for line in process.stdout:
        kind, _, place = line.removeprefix("ready: ").strip().partition(" ")
        addresses.append(f"{kind}:{place}")
        if len(addresses) == count:
            break
    return process, addresses


async def drive(
    address: str, seconds: float, begin: asyncio.Event, phase_s: float, late: list[float]
) -> int:
    """Arm one device and keep it running; how many SETPOINTs it took."""
    transport = make_transport(address)
    client = Client(framed_by_link=False, slack_s=2.0)
    await transport.open(client)
    client.pipe = transport
    loop = asyncio.get_running_loop()
    try:
        await client.next()
        await begin.wait()
        await asyncio.sleep(phase_s)
        await client.arm()
        first = client.seq
        due = loop.time()
        for _ in range(round(seconds / PERIOD_S)):
            client.put(LEVEL)
            due += PERIOD_S
            await asyncio.sleep(due - loop.time())
            late.append(loop.time() - due)
        await client.next(2)
        taken = client.latest.seq - first if client.is_open else 0
        client.put(REST)
        client.send(wire.Stop(client.next_token(), 2))
        return taken
    finally:
        await transport.close()


async def fleet(count: int, seconds: float, link: str) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        process, addresses = start(count, link, folder)
        try:
            begin = asyncio.Event()
            late: list[float] = []
            hosts = [
                asyncio.ensure_future(
                    drive(address, seconds, begin, PERIOD_S * number / count, late)
                )
                for number, address in enumerate(addresses)
            ]
            await asyncio.sleep(2.0)
            loop = asyncio.get_running_loop()
            before, then = cpu_s(process.pid), loop.time()
            begin.set()
            await asyncio.sleep(seconds - 0.5)
            share = (cpu_s(process.pid) - before) / (loop.time() - then)
            taken = await asyncio.gather(*hosts)
        finally:
            process.terminate()
            process.wait(10)
    expected = round(seconds / PERIOD_S)
    whole = sum(number == expected for number in taken)
    print(f"{count} devices on {link}, each driven at {1 / PERIOD_S:.0f} Hz for {seconds:.0f} s")
    print(f"simulator: {share:.0%} of one core, {share / count * 1000:.2f} ms a device and second")
    print(f"devices that took every SETPOINT: {whole} of {count}")
    print(f"this host was late by {max(late) * 1000:.0f} ms at worst")


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(
        fleet(
            int(given[0]) if given else 200,
            float(given[1]) if len(given) > 1 else 10.0,
            given[2] if len(given) > 2 else "pty",
        )
    )
