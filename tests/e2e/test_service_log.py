"""A log of the service that takes nothing, or is lost, or is full, ends no session and stops no service."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.e2e.programs import BIN, PATIENCE_S, Workstation


def broken_output(kind: str) -> tuple[int, int]:
    """What is written to, and a descriptor to keep open beside it."""
    if kind == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
        return descriptor, os.dup(descriptor)
    reading, writing = os.pipe()
    if kind == "lost":
        os.close(reading)
        return writing, os.dup(writing)
    os.set_blocking(writing, False)  # no reader has read anything yet
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    return writing, reading


@pytest.mark.parametrize("kind", ["stalled", "lost", "full"])
def test_a_log_that_takes_nothing_stops_nothing(desk: Workstation, kind: str) -> None:
    output, beside = broken_output(kind)
    with (
        desk.simulator(),
        subprocess.Popen(
            [BIN / "massager-ctl", "serve", "--no-web", "--simulated", "--device", desk.device],
            env=desk.env,
            stdin=subprocess.DEVNULL,
            stderr=output,
        ) as service,
    ):
        try:
            end = time.monotonic() + PATIENCE_S
            while (desk.status() or {}).get("link") != "up":
                assert time.monotonic() < end
                assert service.poll() is None
            with desk.running("run", "restorative", "--device", desk.device):
                desk.wait_until_it_moves()
                assert desk.ctl("stop").returncode == 0
            service.send_signal(signal.SIGTERM)
            assert service.wait(PATIENCE_S) == 0
        finally:
            service.kill()
            os.close(output)
            os.close(beside)
    assert desk.moved()
    assert desk.at_zero()
